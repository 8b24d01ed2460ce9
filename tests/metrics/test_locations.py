"""Where learned means lie: counts, distances and percentiles that can be done by hand."""

import math

import pytest
import torch

from byheart._checks import InputError
from byheart.metrics.locations import locate, locations, near, percentiles
from byheart.random import generator

TRUE = torch.tensor([[0.0, 0.0], [10.0, 0.0]])
TRAIN = torch.tensor([[4.0, 0.0], [0.0, 4.0], [10.0, 4.0]])
LEARNED = torch.tensor(
    [
        [0.5, 0.0],  # at a true mean: ½ from it, 3½ from a sample, 9½ from the other mean
        [4.0, 0.5],  # at a sample: ½, then √(4² + ½²) from a mean and √(4² + 3½²) from a sample
        [2.0, 0.0],  # halfway
    ]
)


def test_distances_and_counts_by_hand():
    found = locate(LEARNED, TRUE, TRAIN)
    expected = torch.tensor([[0.5, 9.5], [math.hypot(4, 0.5), math.hypot(6, 0.5)], [2.0, 8.0]]).double()
    torch.testing.assert_close(found.to_true, expected)
    first = torch.tensor([[3.5, math.hypot(0.5, 4)], [0.5, math.hypot(4, 3.5)], [2.0, math.hypot(2, 4)]])
    torch.testing.assert_close(found.to_samples, first.double())
    assert near(found.to_true, found.to_samples).tolist() == [True, False, False]
    assert near(found.to_samples, found.to_true).tolist() == [False, True, False]


def test_a_point_near_two_of_a_kind_is_near_none():
    # 1 from one sample, 2 from another, 100 from every true mean: no copy of either.
    own, other = torch.tensor([[1.0, 2.0]]), torch.tensor([[100.0, 100.0]])
    assert not near(own, other).any()
    assert near(torch.tensor([[1.0, 3.1]]), other).all()


def test_the_record_names_both_kinds():
    record = locations(LEARNED, TRAIN, TRUE)
    assert (record["near/points"], record["near/means"]) == (1, 1)
    assert record["distance/point"] == pytest.approx((3.5 + 0.5 + 2) / 3)
    assert record["distance/mean"] == pytest.approx((0.5 + math.hypot(4, 0.5) + 2) / 3)
    assert record["distance/mean/second"] == pytest.approx((9.5 + math.hypot(6, 0.5) + 8) / 3)
    assert record["distance/point/p50"] == pytest.approx(2.0)
    assert record["distance/mean/p10"] == pytest.approx(0.5 + 0.2 * 1.5)


def test_percentiles_of_a_ramp():
    assert percentiles(torch.arange(101.0)).tolist() == pytest.approx([10, 25, 50, 75, 90])


def test_training_points_are_near_samples_and_the_order_is_nothing():
    train = torch.randn(20, 5, generator=generator(0))
    means = 10 * torch.randn(3, 5, generator=generator(1))
    assert locations(train, train, means)["near/points"] == 20
    assert locations(means, train, means)["near/means"] == 3
    assert locations(train.flip(0)[:7], train, means) == pytest.approx(locations(train[13:], train, means))


def test_a_single_true_mean_has_no_second():
    found = locate(LEARNED, TRUE[:1], TRAIN)
    assert found.to_true[:, 1].isinf().all()
    assert locations(LEARNED, TRAIN, TRUE[:1])["near/means"] == 1


@pytest.mark.parametrize("threshold", [0.0, 1.5])
def test_thresholds_out_of_range_are_refused(threshold):
    with pytest.raises(InputError, match="use 1/3"):
        locations(LEARNED, TRAIN, TRUE, threshold)


def test_other_shapes_and_nan_are_refused():
    with pytest.raises(InputError):
        locate(LEARNED, TRUE[:, :1], TRAIN)
    with pytest.raises(InputError):
        locate(LEARNED / 0, TRUE, TRAIN)


@pytest.mark.parametrize("broken", ["own", "other"])
def test_distances_that_are_no_numbers_are_near_nothing_and_refused(broken):
    sides = {"own": torch.ones(3, 2), "other": torch.ones(3, 2)}
    sides[broken][1, 1] = torch.nan
    with pytest.raises(InputError, match="NaN"):
        near(**sides)
