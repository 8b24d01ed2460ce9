"""Stacks: where sizes are cut into groups, and that nothing is lost in one vector."""

from itertools import combinations

import pytest
import torch

from byheart._checks import InputError
from byheart.random import generator
from byheart.training import stack
from byheart.training.stack import Cell, cuts, stacked


def cell(m, seed=0, data=0, d=3):
    means = torch.randn(m, d, generator=generator(100 * m + seed))
    return Cell({"means": means, "std": torch.tensor(float(m))}, seed, data)


def cost(sizes, starts, work):
    groups = [sizes[a:b] for a, b in zip(starts, [*starts[1:], len(sizes)], strict=True)]
    return sum(stack.CALLS + len(group) * group[-1] * work for group in groups)


@pytest.mark.parametrize("work", [1.0, 2e4, 1e5, 1e7])
def test_no_other_cut_is_cheaper(work):
    sizes = [3, 20, 21, 60, 61, 62, 150, 200]
    others = [[0, *places] for k in range(8) for places in combinations(range(1, 8), k)]
    assert cost(sizes, cuts(sizes, work), work) == min(cost(sizes, one, work) for one in others)


def test_small_cells_go_together_and_large_ones_alone():
    assert cuts([20, 40, 60], 1.0) == [0]
    assert cuts([20, 40, 60], 1e9) == [0, 1, 2]
    assert cuts([50, 50, 50], 1e9) == [0]  # nothing is padded


def test_cells_come_back_as_they_went_in():
    cells = [cell(5), cell(2), cell(5, seed=1), cell(3, data=1, d=4), cell(4)]
    found = stacked(cells, [10, 10])
    for place, one in enumerate(cells):
        back = found.cell(place)
        assert all(torch.equal(back[name], one.parameters[name]) for name in one.parameters)
    assert sorted(group.cells for group in found.groups) == [(1, 4, 0), (2,), (3,)]
    alive = next(group.alive for group in found.groups if group.cells == (1, 4, 0))
    assert alive.sum(1).tolist() == [2, 4, 5]
    assert found.padding() == pytest.approx((3 * 5 + 5 + 3) / (5 + 2 + 5 + 3 + 4))


def test_one_vector_holds_all_groups():
    found = stacked([cell(5), cell(2), cell(3, seed=1)], [10])
    assert len(found.values) == 2 * 5 * 3 + 2 + 3 * 3 + 1
    found.values.fill_(7.0)
    assert all((found.cell(place)["means"] == 7).all() for place in range(3))
    doubled = found.like(2 * found.values)
    assert all((one == 14).all() for group in doubled for one in group.values())
    assert [one["means"].shape for one in doubled] == [g.parameters["means"].shape for g in found.groups]


@pytest.mark.parametrize(
    ("cells", "need"),
    [
        ([], "at least one model"),
        ([cell(3), Cell({"means": torch.ones(3, 3)})], "same parameters"),
        ([cell(3), Cell({"means": torch.ones(3, 3), "std": torch.ones(3)})], "same parameters"),
        ([cell(3), Cell({"means": torch.ones(3, 3).double(), "std": torch.tensor(1.0)})], "same parameters"),
        ([Cell({"means": torch.ones(0, 3), "std": torch.tensor(1.0)})], "at least 1"),
        ([Cell({"means": torch.ones(2, 3), "std": torch.ones(3)})], "one number of components"),
        ([cell(3), cell(3, d=1)], "other cells of its training set"),
        ([Cell({"means": torch.ones(2, 3) / 0, "std": torch.tensor(1.0)})], "finite"),
    ],
)
def test_what_cannot_be_stacked_is_refused(cells, need):
    with pytest.raises(InputError, match=need):
        stacked(cells, [10])


def test_a_cell_that_is_not_there_is_refused():
    with pytest.raises(InputError, match="from 0 to 0"):
        stacked([cell(3)], [10]).cell(1)
