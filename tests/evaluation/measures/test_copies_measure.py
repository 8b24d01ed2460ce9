"""The part of a record that counts copies: shares at thresholds, within tolerances, quantiles of ratios."""

import pytest
import torch
from evaluation_example import SPLIT

from byheart.evaluation.measures.copies import Copies, copies_record
from byheart.metrics.memorization import memorized_fraction
from byheart.numerics.neighbors import nearest

COPIES = nearest(SPLIT.train + 0.001, SPLIT.train)
OTHERS = nearest(SPLIT.heldout, SPLIT.train)


def test_the_first_threshold_has_the_plain_name():
    record = copies_record(Copies(thresholds=(0.7, 0.9)), OTHERS)
    assert record["f_mem"] == memorized_fraction(OTHERS, 0.7).value
    assert record["f_mem@0.9"] == memorized_fraction(OTHERS, 0.9).value > record["f_mem"]
    assert record["f_mem_count"] == 60 and "f_mem@0.7" not in record


def test_shares_within_tolerances():
    record = copies_record(Copies(tolerances=(0.01, 1e4)), COPIES)
    assert record["within@0.01"] == record["within@10000"] == 1.0 and record["within@0.01_low"] < 1
    far = copies_record(Copies(tolerances=(0.01,)), nearest(torch.full((20, 1, 4, 4), 9.0), SPLIT.train))
    assert far["within@0.01"] == 0.0 and far["within@0.01_high"] > 0
    assert "within@0.01/heldout" in copies_record(Copies(tolerances=(0.01,)), OTHERS, "/heldout")


@pytest.mark.parametrize(
    ("where", "quantiles"),
    [("", {"ratio/median": 0.5, "ratio/q10": 0.1}), ("/heldout", {"ratio/heldout_median": 0.5}), ("/empirical", {})],
)  # fmt: skip
def test_the_quantiles_of_each_place(where, quantiles):
    record = copies_record(Copies(), OTHERS, where)
    assert {name: value for name, value in record.items() if name.startswith("ratio")} == {
        name: float(OTHERS.ratio.quantile(share)) for name, share in quantiles.items()
    }
    assert {f"f_mem{where}", f"f_mem@0.5{where}", f"f_mem{where}_count"} < set(record)
