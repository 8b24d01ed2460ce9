"""Merging tables of parts gives the table of the whole, however the parts are cut, ordered and grouped."""

from functools import reduce

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from byheart._checks import InputError
from byheart.numerics.topk import MISSING, TopK, best, empty, merge, merged, without


def reference(pairs, k, *, largest):
    """The k best (value, index) of a list, in plain Python."""
    top = {}
    for value, index in pairs:
        top[index] = max(top.get(index, value), value) if largest else min(top.get(index, value), value)
    ranked = sorted(top.items(), key=lambda item: (-item[1] if largest else item[1], item[0]))[:k]
    return [(value, index) for index, value in ranked]


def pairs_of(table, row=0):
    found = zip(table.value[row].tolist(), table.index[row].tolist(), strict=True)
    return [(value, index) for value, index in found if index != MISSING]


def table(pairs, k, *, largest):
    """One query's table of a list of (value, index)."""
    value = torch.tensor([[value for value, _ in pairs]], dtype=torch.float64).reshape(1, -1)
    index = torch.tensor([[index for _, index in pairs]], dtype=torch.int64).reshape(1, -1)
    return best(value, index, k, largest=largest)


def same(a, b):
    return torch.equal(a.value, b.value) and torch.equal(a.index, b.index) and a.largest == b.largest


# Few values and few rows: ties, and rows that occur in several parts, are the rule.
candidates = st.lists(st.tuples(st.sampled_from([-1.0, 0.0, 0.5, 2.0]), st.integers(0, 12)), max_size=14)
k_of = st.integers(1, 6)


@given(parts=st.lists(candidates, min_size=1, max_size=5), k=k_of, largest=st.booleans(), data=st.data())
@settings(max_examples=300, deadline=None)
def test_parts_in_any_order_and_grouping_make_the_whole(parts, k, largest, data):
    whole = [pair for part in parts for pair in part]
    tables = [table(part, k, largest=largest) for part in data.draw(st.permutations(parts))]
    right = reduce(lambda found, one: merge(one, found), reversed(tables))
    left = merged(tables)
    assert same(left, right)
    assert same(left, table(whole, k, largest=largest))
    assert pairs_of(left) == reference(whole, k, largest=largest)


@given(a=candidates, b=candidates, k=k_of, largest=st.booleans())
@settings(max_examples=200, deadline=None)
def test_commutative_idempotent_and_with_a_unit(a, b, k, largest):
    first, second = table(a, k, largest=largest), table(b, k, largest=largest)
    assert same(merge(first, second), merge(second, first))
    assert same(merge(first, first), first)
    assert same(merge(empty(1, k, largest=largest), first), first)


@pytest.mark.parametrize("largest", [False, True])
def test_random_values_agree_with_one_topk(largest):
    value = torch.randn(7, 300, generator=torch.Generator().manual_seed(0))
    index = torch.arange(300).expand(7, -1)
    tables = [
        best(v, i, 9, largest=largest) for v, i in zip(value.split(41, 1), index.split(41, 1), strict=True)
    ]
    wanted = value.topk(9, largest=largest)
    assert torch.equal(merged(tables).value, wanted.values)
    assert torch.equal(merged(tables).index, wanted.indices)


def test_of_a_row_seen_twice_the_best_value_counts():
    found = best(torch.tensor([[0.2, 0.9, 0.5, 0.9]]), torch.tensor([[4, 7, 4, 3]]), 3, largest=True)
    assert found.index.tolist() == [[3, 7, 4]]
    assert found.value.tolist() == [[pytest.approx(0.9), pytest.approx(0.9), 0.5]]


def test_places_without_a_row_are_last_and_worst():
    found = best(torch.tensor([[3.0]]), torch.tensor([[8]]), 2)
    assert found.index.tolist() == [[8, MISSING]] and found.value.tolist() == [[3.0, torch.inf]]
    assert not found.full and merge(found, best(torch.tensor([[3.0]]), torch.tensor([[5]]), 2)).full


def test_leave_one_out_drops_the_own_row_or_else_the_last():
    found = TopK(torch.tensor([[0.0, 1.0, 2.0], [0.0, 0.0, 0.0]]), torch.tensor([[5, 6, 7], [1, 2, 3]]))
    assert without(found, torch.tensor([6, 9])).index.tolist() == [[5, 7], [1, 2]]
    assert without(found, torch.tensor([5, 1])).value.tolist() == [[1.0, 2.0], [0.0, 0.0]]


ONE = torch.zeros(1, 2)
INDEX = torch.tensor([[0, 1]])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TopK(ONE, torch.tensor([[0]])), "one shape"),
        (lambda: TopK(ONE, INDEX.int()), "int64"),
        (lambda: TopK(INDEX, INDEX), "floating-point"),
        (lambda: best(torch.tensor([[0.0, torch.nan]]), INDEX, 2), "NaN"),
        (lambda: best(torch.tensor([[0.0, -torch.inf]]), INDEX, 2, largest=True), "infinite"),
        (lambda: TopK(ONE, torch.tensor([[0, MISSING]])), "exactly where"),
        (lambda: TopK(torch.tensor([[0.0, -torch.inf]]), torch.tensor([[0, MISSING]])), "exactly where"),
        (lambda: best(ONE, INDEX, 0), "k >= 1"),
        (lambda: merge(empty(1, 2), empty(1, 3)), "same search"),
        (lambda: merge(empty(1, 2), empty(2, 2)), "same search"),
        (lambda: merge(empty(1, 2), empty(1, 2, largest=True)), "same search"),
        (lambda: merge(empty(1, 2), empty(1, 2, dtype=torch.float32)), "same search"),
        (lambda: merged([]), "at least one"),
        (lambda: without(TopK(ONE, INDEX), torch.tensor([0, 1])), "one int64 row"),
        (lambda: without(empty(1, 1), torch.tensor([0])), "k >= 2"),
    ],
)
def test_bad_input_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("largest", [False, True])
def test_a_bad_candidate_is_refused_however_few_are_kept(bad, largest):
    # Sorted, it is the last one: two finite candidates before it must not hide it.
    with pytest.raises(InputError, match="NaN or infinite"):
        best(torch.tensor([[1.0, bad, 2.0]]), torch.tensor([[0, 1, 2]]), 2, largest=largest)
