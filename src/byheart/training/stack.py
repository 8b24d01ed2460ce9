"""Many small models in one vector: cells of similar size are padded to one shape and stacked, group by group.

A batched product over a group costs as much as its largest cell, times the number of cells, so padding costs work.  A group of
its own costs the calls of its operations.  Cells sorted by size are therefore cut where the total of

    cost(group) = CALLS + cells · largest · rows · (5 d + EACH)        multiplications and additions

is smallest, by dynamic programming over the cuts.  Only cells that see the same rows share a group.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from byheart._checks import InputError, check_finite

__all__ = ["Cell", "Group", "Stack", "cuts", "stacked"]

CALLS = 4e6  # cost of calling the about forty operations of a group
EACH = 100  # cost of a weight's exponential and of the passes over the weight


@dataclass(frozen=True, eq=False)
class Cell:
    """One model to train, and its training set.

    parameters: by name; those of components (m, *…), all of one m, and single numbers ().  seed: Random seed of the cell's times
    and noise.  data: number of the training set that the cell learns.
    """

    parameters: Mapping[str, Tensor]
    seed: int = 0
    data: int = 0

    @property
    def components(self) -> int:
        """Return m."""
        return next(len(one) for one in self.parameters.values() if one.ndim)

    @property
    def stream(self) -> tuple[int, int]:
        """Return data and seed, which decide the noisy rows of the cell."""
        return self.data, self.seed


@dataclass(frozen=True, eq=False)
class Group:
    """Cells that see the same rows, padded to the same m.

    cells: the cells' numbers.  parameters: (c, m, *…) and (c,), views of the stack's vector.  alive: (c, m), or None if no
    component pads.
    """

    cells: tuple[int, ...]
    stream: tuple[int, int]
    parameters: Mapping[str, Tensor]
    alive: Tensor | None


@dataclass(frozen=True, eq=False)
class Stack:
    """All parameters of all cells.  values: (p,), every number once.  sizes: m of every cell."""

    values: Tensor
    groups: tuple[Group, ...]
    sizes: tuple[int, ...]

    def like(self, values: Tensor) -> tuple[Mapping[str, Tensor], ...]:
        """Return another vector (p,), for example gradients, in the shape of every group's parameters."""
        return tuple(_views(values, start, group.parameters) for start, group in self._starts())

    def cell(self, place: int) -> dict[str, Tensor]:
        """Return a copy of one cell's parameters, without padding.  Raises InputError for a cell that does not exist."""
        for group in self.groups:
            if place in group.cells:
                row = group.cells.index(place)
                return {name: self._own(values[row], place) for name, values in group.parameters.items()}
        raise InputError(
            got=f"cell {place}",
            need=f"a cell from 0 to {len(self.sizes) - 1}",
            remedy="count the cells from 0",
        )

    def padding(self) -> float:
        """Return the components in the stack per component that is alive: 1 if nothing is padded."""
        held = sum(
            len(group.cells) * max(self.sizes[place] for place in group.cells) for group in self.groups
        )
        return held / sum(self.sizes)

    def _own(self, values: Tensor, place: int) -> Tensor:
        return (values[: self.sizes[place]] if values.ndim else values).detach().clone()

    def _starts(self) -> list[tuple[int, Group]]:
        start, starts = 0, []
        for group in self.groups:
            starts.append((start, group))
            start += sum(values.numel() for values in group.parameters.values())
        return starts


def stacked(cells: Sequence[Cell], rows: Sequence[int]) -> Stack:
    """Put the cells into one vector, in their own dtype and device.

    rows: number of rows per step of every training set, on which the plan of the groups depends.
    Raises InputError for no cells, parameters that differ in kind, are not finite, or hold no component.
    """
    _check(cells)
    plan = _plan(cells, rows)
    shapes = [_shapes(cells, places) for places in plan]
    first = next(iter(cells[0].parameters.values()))
    total = sum(shape.numel() for group in shapes for shape in group.values())
    values, start, groups = first.new_zeros(total), 0, []
    for places, shape in zip(plan, shapes, strict=True):
        parameters = _views(values, start, shape)
        start += sum(view.numel() for view in parameters.values())
        groups.append(_filled(cells, places, parameters))
    return Stack(values, tuple(groups), tuple(cell.components for cell in cells))


def cuts(sizes: Sequence[int], work: float) -> list[int]:
    """Return where to cut sizes in increasing order into groups: the index of the first size of every group.

    work: multiplications and additions that a component costs.
    """
    best: list[tuple[float, list[int]]] = [(0.0, [])]
    for end in range(1, len(sizes) + 1):
        costs = [
            (best[start][0] + CALLS + (end - start) * sizes[end - 1] * work, start) for start in range(end)
        ]
        cost, start = min(costs)
        best.append((cost, [*best[start][1], start]))
    return best[-1][1]


def _plan(cells: Sequence[Cell], rows: Sequence[int]) -> list[list[int]]:
    """Return the numbers of the cells of every group."""
    groups = []
    for stream in dict.fromkeys(cell.stream for cell in cells):
        places = [place for place, cell in enumerate(cells) if cell.stream == stream]
        places.sort(key=lambda place: cells[place].components)
        widest = max(values[0].numel() for values in cells[places[0]].parameters.values() if values.ndim)
        work = rows[stream[0]] * (5 * widest + EACH)
        starts = cuts([cells[place].components for place in places], work)
        groups += [places[a:b] for a, b in zip(starts, [*starts[1:], len(places)], strict=True)]
    return groups


def _shapes(cells: Sequence[Cell], places: Sequence[int]) -> dict[str, torch.Size]:
    largest = max(cells[place].components for place in places)
    kinds = cells[places[0]].parameters
    return {
        name: torch.Size([len(places), largest, *values.shape[1:]] if values.ndim else [len(places)])
        for name, values in kinds.items()
    }


def _views(
    values: Tensor, start: int, like: Mapping[str, Tensor] | Mapping[str, torch.Size]
) -> dict[str, Tensor]:
    views = {}
    for name, one in like.items():
        shape = one.shape if isinstance(one, Tensor) else one
        views[name] = values[start : start + shape.numel()].view(shape)
        start += shape.numel()
    return views


def _filled(cells: Sequence[Cell], places: Sequence[int], parameters: Mapping[str, Tensor]) -> Group:
    """Return the group with its cells' parameters written into it."""
    sizes = torch.tensor([cells[place].components for place in places], dtype=torch.int64)
    for row, place in enumerate(places):
        for name, values in cells[place].parameters.items():
            target = parameters[name][row]
            (target[: len(values)] if values.ndim else target).copy_(values.detach())
    alive = torch.arange(int(sizes.max())) < sizes[:, None]
    device = next(iter(parameters.values())).device
    padded = None if bool(alive.all()) else alive.to(device)
    return Group(tuple(places), cells[places[0]].stream, parameters, padded)


def _check(cells: Sequence[Cell]) -> None:
    if not cells:
        raise InputError(got="no cells", need="at least one model to train", remedy="pass at least one cell")
    kinds = cells[0].parameters
    for place, cell in enumerate(cells):
        same = cell.parameters.keys() == kinds.keys() and all(
            one.ndim == kinds[name].ndim and one.dtype == kinds[name].dtype
            for name, one in cell.parameters.items()
        )
        sizes = {len(one) for one in cell.parameters.values() if one.ndim}
        if not same or len(sizes) != 1 or 0 in sizes:
            shown = {name: tuple(one.shape) for name, one in cell.parameters.items()}
            raise InputError(
                got=f"cell {place} with parameters {shown}",
                need="the same parameters in the same precision as cell 0, with one number of components, at least 1",
                remedy="train cells of other kinds in a separate call",
            )
        for name, one in cell.parameters.items():
            check_finite(f"{name} of cell {place}", one)
    _check_shapes(cells)


def _check_shapes(cells: Sequence[Cell]) -> None:
    """Raise InputError unless cells of one training set have components of one shape; other shapes would be broadcast."""
    shapes: dict[int, dict[str, torch.Size]] = {}
    for place, cell in enumerate(cells):
        mine = {name: one.shape[1:] for name, one in cell.parameters.items()}
        if shapes.setdefault(cell.data, mine) != mine:
            raise InputError(
                got=f"cell {place} with components of shapes { {name: tuple(one) for name, one in mine.items()} }",
                need="the shapes of the other cells of its training set",
                remedy="make all cells of a training set from the same points",
            )
