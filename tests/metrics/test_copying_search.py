"""The k largest correlations: equal to sorting them all, whatever the parts, the remainders and the masks."""

import pytest
import torch
from torch.testing import assert_close

from byheart._checks import InputError
from byheart.metrics.copying.search import check_queries, chunked, compared, correlations, largest
from byheart.random import generator


@pytest.mark.parametrize(
    ("n", "k"), [(1, 32), (31, 32), (32, 32), (129, 32), (1000, 7), (1003, 3), (5000, 128)]
)
@pytest.mark.parametrize("part", [97, 10_000])
def test_largest_is_the_sorted_list(n, k, part):
    scores = torch.randn(n, 5, generator=generator(n))
    value, place = largest(scores.split(part), k)
    expected, order = scores.T.sort(dim=1, descending=True)
    assert_close(value, expected[:, :k], rtol=0, atol=0)
    assert torch.equal(place, order[:, :k])


def test_rows_left_out_are_never_found_and_a_short_list_ends_in_minus_infinity():
    scores = torch.randn(300, 4, generator=generator(1))
    without = torch.rand(4, 300, generator=generator(2)) < 0.95
    value, place = largest(scores.split(128), 32, without)
    for column, (row, at, left_out) in enumerate(zip(value, place, without, strict=True)):
        kept = (~left_out).nonzero()[:, 0]
        assert len(kept) < 32
        assert torch.equal(row[: len(kept)], scores[kept, column].sort(descending=True).values)
        assert set(at[: len(kept)].tolist()) == set(kept.tolist())
        assert (row[len(kept) :] == -torch.inf).all()


def test_correlations_are_products_with_every_row_in_order():
    rows, queries = torch.randn(9000, 3), torch.randn(2, 3)
    assert_close(torch.cat(list(correlations(rows, queries))), rows @ queries.T)


def test_compared_correlates_with_the_query_and_with_the_first_candidate():
    rows, queries = torch.randn(50, 6), torch.randn(3, 6)
    index = torch.tensor([[4, 9, 1], [0, 2, 30], [49, 49, 5]])
    found = compared(rows, index, queries)
    for query, chosen, result in zip(queries, index, found, strict=True):
        assert_close(result[0], rows[chosen] @ query)
        assert_close(result[1], rows[chosen] @ rows[chosen[0]])


def test_chunks_are_equal_parts_of_bounded_size():
    assert [len(part) for part in chunked(torch.zeros(10, 1), 4)] == [4, 4, 2]
    assert [len(part) for part in chunked(torch.zeros(9, 1), 8)] == [5, 4]


GOOD = torch.rand(2, 1, 32, 32)


@pytest.mark.parametrize(
    ("x", "without", "message"),
    [
        (torch.rand(2, 3, 32, 32), None, "samples of 3 channels; need 1"),
        (torch.rand(2, 1, 28, 28), None, r"\(2, 1, 28, 28\)"),
        (torch.full((2, 1, 32, 32), torch.nan), None, "NaN"),
        (GOOD, torch.zeros(2, 7, dtype=torch.bool), r"\(2, 8\)"),
        (GOOD, torch.zeros(2, 8), "torch.float32"),
    ],
)
def test_samples_that_cannot_be_compared_are_refused(x, without, message):
    with pytest.raises(InputError, match=message):
        check_queries(x, 1, without, 8)


def test_good_samples_pass():
    check_queries(GOOD, 1, torch.zeros(2, 8, dtype=torch.bool), 8)
