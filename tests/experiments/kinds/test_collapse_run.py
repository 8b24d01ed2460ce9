"""Runs of kind collapse: the signs of collapse agree with each other and with theory."""

import pytest

from byheart.experiments.runs.execute import execute
from byheart.experiments.runs.run import parse_run

SETTINGS = {
    "kind": "collapse",
    "data": {
        "name": "mixture",
        "standardize": False,
        "mixture": {"components": 1, "dimension": 40, "count": 400},
    },
    "n": 400,
    "levels": [3.0, 1.0, 0.3],
    "clones": 80,
    "images": 100,
    "steps_each": 6,
}


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    return execute(parse_run(SETTINGS), tmp_path_factory.mktemp("runs")).rows()


def test_the_signs_pass_a_half_together(rows):
    above, at, below = rows
    assert above["own_weight"] < 0.1 and above["agreement"] < 0.15
    assert at["own_weight_low"] < 0.5 < at["own_weight_high"]
    assert at["agreement_low"] < 0.6 and at["agreement_high"] > 0.4
    assert below["own_weight"] > 0.95 and below["agreement"] > 0.95
    assert above["n_eff"] > 5 > at["n_eff"] > below["n_eff"] >= 1
    assert above["information"] < at["information"] < below["information"] <= 1


def test_the_trace_falls_where_the_population_s_rises(rows):
    traces, formulas = [row["trace"] for row in rows], [row["formula/trace"] for row in rows]
    assert traces[-1] < 0.5 < traces[0] and formulas == sorted(formulas)
    assert rows[0]["trace_high"] < formulas[0] * 1.2  # above collapse the points stand for their population


def test_the_last_record_has_theory(rows):
    last = rows[-1]
    # one isotropic Gaussian: ½ · 40 · log(1 + 1/r²) = log 400, up to the finite sample's spectrum
    exact = (400 ** (2 / 40) - 1) ** -0.5
    assert last["r_c/spectrum"] == pytest.approx(exact, rel=0.1)
    assert last["r_c/data_low"] < last["r_c/data"] < last["r_c/data_high"]
    assert last["r_c/data"] == pytest.approx(exact, rel=0.25)
    assert (
        0.5 < last["switch/median"] < 1.5 and last["switch/q05"] < last["switch/median"] < last["switch/q95"]
    )
    assert (last["n"], last["dimension"]) == (400, 40)
    assert "r_c/data" not in rows[0]


def test_it_is_found_again(tmp_path, rows):
    again = execute(parse_run(SETTINGS), tmp_path).rows()
    assert again == rows
