"""The loss gap's part of a record: its levels, its images, its units."""

from dataclasses import replace

import pytest
from evaluation_example import SPLIT, TRUTH, dataset

from byheart.data.dataset import split
from byheart.denoisers.mixture import empirical
from byheart.evaluation.measures.loss_gap import LossGap, loss_gap_record
from byheart.metrics.denoising import loss_gap


def test_the_part_is_the_metric_s_at_every_level():
    record = loss_gap_record(LossGap(sigmas=(0.5, 2.0), images=15, seed=3), TRUTH, SPLIT)
    assert len(record) == 10
    for sigma in (0.5, 2.0):
        gap = loss_gap(TRUTH, SPLIT.train[:15], SPLIT.heldout[:15], sigma, 3)
        assert record[f"gap@{sigma:g}"] == gap.value and record[f"gap_low@{sigma:g}"] == gap.low
        assert record[f"loss/train@{sigma:g}"] == gap.train and record[f"gap_high@{sigma:g}"] == gap.high
        assert record[f"loss/heldout@{sigma:g}"] == gap.heldout


def test_losses_are_in_units_of_the_data_whatever_units_they_are_trained_in():
    whole = split(dataset(), 40, seed=0, heldout=60)
    rms = whole.train.square().mean().sqrt()
    unit = replace(whole, train=whole.train / rms, heldout=whole.heldout / rms)
    quarter = replace(
        unit,
        train=unit.train / 4,
        heldout=unit.heldout / 4,
        dataset=replace(unit.dataset, standardized=False),
    )
    spec = LossGap(sigmas=(0.5,))
    expected, found = (loss_gap_record(spec, empirical(part.train), part) for part in (unit, quarter))
    for name in ("loss/train@0.5", "loss/heldout@0.5", "gap@0.5", "gap_low@0.5"):
        assert found[name] == pytest.approx(expected[name], rel=1e-4)
