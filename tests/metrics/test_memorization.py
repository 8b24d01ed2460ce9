"""The ratio test: counts, intervals, duplicates."""

import pytest
import torch
from torch.testing import assert_close

from byheart._checks import InputError
from byheart.metrics import DuplicatesWarning, collapse_duplicates, count_duplicates, memorized_fraction
from byheart.metrics.memorization import share_within
from byheart.numerics.neighbors import Neighbors, nearest


def table(*ratios: float) -> Neighbors:
    distance = torch.tensor([[ratio, 1.0] for ratio in ratios], dtype=torch.float64)
    return Neighbors(distance, torch.arange(2).repeat(len(ratios), 1))


def test_it_counts_ratios_strictly_below_the_threshold():
    found = memorized_fraction(table(0.1, 0.3, 1 / 3, 0.4, 0.9))
    assert (found.value, found.count) == (0.4, 5)
    assert found.low < 0.4 < found.high
    assert memorized_fraction(table(0.1, 0.3, 1 / 3, 0.4, 0.9), 0.5).value == 0.8


def test_a_threshold_on_distances_is_its_square_on_squares():
    train = torch.tensor([[0.0], [4.0]])
    samples = torch.tensor([[0.9], [1.1]])  # ratios .9/3.1 = .29 and 1.1/2.9 = .38
    assert memorized_fraction(nearest(samples, train)).value == 0.5


def test_copies_of_an_image_that_occurs_twice_are_not_seen_and_it_says_so():
    train = torch.randn(20, 5, generator=torch.Generator().manual_seed(0))
    doubled = torch.cat([train, train])
    with pytest.warns(DuplicatesWarning, match="20 of 20 samples equal two training points"):
        assert memorized_fraction(nearest(train, doubled)).value == 0
    unique, _ = collapse_duplicates(doubled)
    assert memorized_fraction(nearest(train, unique)).value == 1


def test_collapsing_keeps_the_first_of_each_in_order():
    x = torch.tensor([[2.0, 0.0], [1.0, 1.0], [2.0, -0.0], [0.0, 3.0], [1.0, 1.0], [2.0, 0.0]])
    unique, counts = collapse_duplicates(x)
    assert_close(unique, x[[0, 1, 3]])
    assert counts.tolist() == [3, 2, 1]


def test_images_of_any_shape_collapse_and_near_duplicates_do_not():
    x = torch.rand(4, 1, 3, 3)
    unique, counts = collapse_duplicates(torch.cat([x, x[:2], x[2:] + 1e-6]))
    assert unique.shape == (6, 1, 3, 3)
    assert counts.tolist() == [2, 2, 1, 1, 1, 1]


def test_counting_duplicates_warns_only_if_there_are_any():
    x = torch.rand(5, 2)
    assert count_duplicates(x) == 0
    with pytest.warns(DuplicatesWarning, match="2 of 7 training images repeat"):
        assert count_duplicates(torch.cat([x, x[:2]])) == 2


@pytest.mark.parametrize("threshold", [0.0, -1.0, 1.5, float("nan")])
def test_thresholds_out_of_range_are_refused(threshold):
    with pytest.raises(InputError, match="ratio of distances"):
        memorized_fraction(table(0.5), threshold)


@pytest.mark.parametrize("neighbors", [1, 0])
def test_one_neighbor_is_not_enough(neighbors):
    alone = Neighbors(torch.ones(3, neighbors), torch.zeros(3, neighbors, dtype=torch.int64))
    with pytest.raises(InputError, match="k ≥ 2"):
        memorized_fraction(alone)


def test_no_samples_are_refused():
    with pytest.raises(InputError, match="q ≥ 1"):
        memorized_fraction(Neighbors(torch.ones(0, 2), torch.zeros(0, 2, dtype=torch.int64)))


def test_a_single_training_point_is_refused():
    with pytest.raises(InputError):
        memorized_fraction(nearest(torch.rand(4, 3), torch.rand(1, 3)))


@pytest.mark.parametrize("column", [0, 1])
def test_a_sample_whose_distances_are_no_numbers_is_not_taken_for_an_original(column):
    distance = torch.tensor([[1.0, 2.0], [0.1, 2.0], [0.1, 3.0]])
    distance[0, column] = torch.nan
    with pytest.raises(InputError, match="1 distances that are NaN"):
        memorized_fraction(Neighbors(distance, torch.zeros(3, 2, dtype=torch.int64)))


def test_a_share_within_nothing_is_refused():
    with pytest.raises(InputError, match="1 distances that are NaN"):
        share_within(torch.tensor([1.0, torch.nan]), 0.5)
    for tolerance in (-1.0, float("nan")):
        with pytest.raises(InputError, match="tolerance"):
            share_within(torch.ones(3), tolerance)
    assert share_within(torch.tensor([0.0, 1.0, float("inf")]), 0.5).value == 1 / 3
