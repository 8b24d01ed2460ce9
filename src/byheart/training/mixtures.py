"""Training of many mixtures together: one generator of states for a whole table of sizes and seeds.

Cells with the same training set and seed see the same times and noise, drawn once for all of them.  The noise of a cell
depends on the cell's own seed and set alone, never on the other cells.  A step is Adam's (1412.6980), followed by the average
of its updates u that S1's code takes (not of the weights):

    e ← μ e + (1 − μ) u,      parameters ← parameters + e / (1 − μᵏ)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor

from byheart._checks import InputError, check_finite, check_open, check_shape
from byheart.random import derive, generator
from byheart.training.mixture_spec import MixtureTraining
from byheart.training.mixture_step import Gradient, Noisy, isotropic_gradient, noisy_rows
from byheart.training.stack import Cell, Group, Stack, stacked

__all__ = [
    "MixtureState",
    "Objective",
    "begin_together",
    "mixture_cell",
    "noisy_draw",
    "restored",
    "train_together",
]

Objective = Callable[[Mapping[str, Tensor], Tensor | None, Noisy], Gradient]
"""gradient(stacked parameters, alive (c, m) or None, rows) -> loss and gradient of every cell of a group."""

Stream = tuple[int, int]


@dataclass(frozen=True, eq=False)
class MixtureState:
    """Training after `step` steps, with everything that the next step depends on.

    stack, moments and generators are the live objects, changed in place by the next step.
    moments: (3, p), Adam's two moments and the average of the updates.  generators: of times and noise, for every training set and
    seed.  loss: (c,) of the last step, in the order of the cells; None at the beginning.
    """

    step: int
    stack: Stack
    moments: Tensor
    generators: Mapping[Stream, Generator]
    loss: Tensor | None = None

    def cell(self, place: int) -> dict[str, Tensor]:
        """Return a copy of one cell's parameters.  place: number of the cell, in the order in which the cells were given."""
        return self.stack.cell(place)

    def tensors(self) -> dict[str, Tensor]:
        """Return copies of all tensors of the state, by name, for a file from which `restored` reads."""
        streams = {f"stream/{a}/{b}": stream.get_state() for (a, b), stream in self.generators.items()}
        groups = [torch.tensor(group.cells, dtype=torch.int64) for group in self.stack.groups]
        plan = {f"group/{place}": cells for place, cells in enumerate(groups)}
        own = {"values": self.stack.values.clone(), "moments": self.moments.clone()}
        return own | plan | streams | {"step": torch.tensor(self.step, dtype=torch.int64)}


def mixture_cell(means: Tensor, std: float, *, seed: int = 0, data: int = 0) -> Cell:
    """Make a mixture to train with equal weights and one width.

    means: (m, d).  std: s > 0, because at 0 the gradient of s would stay 0.
    Raises InputError for means that are no matrix of floats, or a width that is not positive.
    """
    check_shape("means", means, "mean", "(m, d)", remedy="flatten samples of another shape with .flatten(1)")
    check_open("initial std", std, remedy="take the recipe's std; a variance of 1e-6 is slow enough")
    return Cell({"means": means, "std": means.new_tensor(std)}, seed, data)


def begin_together(cells: Sequence[Cell], data: Sequence[Tensor], spec: MixtureTraining) -> MixtureState:
    """Return the state at step 0.  Arguments and errors as in `train_together`."""
    _check(cells, data)
    stack = stacked(cells, [len(points) * spec.draws for points in data])
    streams = {group.stream: generator(derive(group.stream[1], "denoising")) for group in stack.groups}
    return MixtureState(0, stack, stack.values.new_zeros(3, len(stack.values)), streams)


def restored(
    cells: Sequence[Cell], data: Sequence[Tensor], spec: MixtureTraining, tensors: Mapping[str, Tensor]
) -> MixtureState:
    """Return the state that was saved as `tensors`, for the same cells, data and spec.

    Raises InputError for tensors of other cells.
    """
    fresh = begin_together(cells, data, spec)
    mine = fresh.tensors()
    same = mine.keys() == tensors.keys() and all(
        torch.equal(one, tensors[name]) if name.startswith("group/") else one.shape == tensors[name].shape
        for name, one in mine.items()
    )
    if not same:
        raise InputError(
            got="a saved state of other cells",
            need="the cells, data and settings that it was saved with",
            remedy="train from the beginning, or pass the same cells, data and settings",
        )
    fresh.stack.values.copy_(tensors["values"])
    fresh.moments.copy_(tensors["moments"])
    for (a, b), stream in fresh.generators.items():
        stream.set_state(tensors[f"stream/{a}/{b}"])
    return replace(fresh, step=int(tensors["step"]))


@torch.no_grad()
def train_together(
    cells: Sequence[Cell],
    data: Sequence[Tensor],
    spec: MixtureTraining,
    objective: Objective = isotropic_gradient,
    start: MixtureState | None = None,
) -> Iterator[MixtureState]:
    """Yield the state after 0, 1, …, spec.steps updates, or continue from `start`, which is yielded first.

    cells: all of the kind whose loss is `objective`.  data: training sets (n, *shape), each of its own n and shape, in the cells'
    precision.
    The same cells, data and spec give the same bits, also if the training is stopped and resumed.  Trained with other cells, a
    cell's rounding differs.
    Raises InputError for bad cells or data, and a cell whose training set does not exist.
    """
    state = start or begin_together(cells, data, spec)
    times = spec.grid()
    law = [table.to(state.stack.values) for table in (spec.process.alpha(times), spec.process.sigma(times))]
    slopes = torch.zeros_like(state.stack.values)
    by_group = state.stack.like(slopes)
    yield state
    while state.step < spec.steps:
        loss = state.stack.values.new_empty(len(cells))
        for stream, source in state.generators.items():
            noisy = noisy_draw(data[stream[0]], law[0], law[1], spec.draws, source)
            for group, target in zip(state.stack.groups, by_group, strict=True):
                if group.stream == stream:
                    loss[list(group.cells)] = _slopes(objective, group, noisy, spec.clip, target)
        state = replace(state, step=state.step + 1, loss=loss)
        _update(state, slopes, spec)
        yield state


def noisy_draw(data: Tensor, alphas: Tensor, sigmas: Tensor, draws: int, source: Generator) -> Noisy:
    """Draw the rows of a step: every point at one time of the grid, with `draws` noises, (draws · n, d).

    data: (n, *shape).  alphas, sigmas: (times,).  source: on the CPU whatever the device of the data.
    """
    points = data.flatten(1)
    index = torch.randint(len(alphas), (len(points),), generator=source).to(data.device).repeat(draws)
    noise = torch.randn(len(index), points.shape[1], generator=source, dtype=data.dtype).to(data.device)
    return noisy_rows(points.repeat(draws, 1), noise, alphas[index], sigmas[index])


def _slopes(
    objective: Objective, group: Group, noisy: Noisy, clip: float | None, target: Mapping[str, Tensor]
) -> Tensor:
    """Write a group's gradient into `target`, and return its losses (c,)."""
    gradient = objective(group.parameters, group.alive, noisy)
    shrink = None
    if clip is not None:
        squares = [
            one.flatten(1).square().sum(1) if one.ndim > 1 else one.square()
            for one in gradient.parameters.values()
        ]
        shrink = (clip / torch.stack(squares).sum(0).sqrt()).clamp(max=1.0)
    for name, slope in gradient.parameters.items():
        target[name].copy_(slope)
        if shrink is not None:
            target[name].mul_(shrink.reshape([-1] + [1] * (slope.ndim - 1)))
    return gradient.loss


def _update(state: MixtureState, slopes: Tensor, spec: MixtureTraining) -> None:
    """Apply Adam's update, averaged over the steps, to all cells at once."""
    first, second, average = state.moments
    # torch's kernel updates weights; applied to a zero vector it gives the update itself.
    update = torch.zeros_like(slopes)
    step = torch.tensor(float(state.step), dtype=torch.float32, device=slopes.device)
    torch._fused_adam_(
        [update],
        [slopes],
        [first],
        [second],
        [],
        [step],
        lr=spec.lr_at(state.step),
        beta1=spec.betas[0],
        beta2=spec.betas[1],
        weight_decay=0.0,
        eps=1e-8,
        amsgrad=False,
        maximize=False,
    )
    average.lerp_(update, 1.0 - spec.momentum)
    state.stack.values.add_(average, alpha=1.0 / (1.0 - spec.momentum**state.step))


def _check(cells: Sequence[Cell], data: Sequence[Tensor]) -> None:
    for place, points in enumerate(data):
        check_shape(
            f"training set {place}",
            points,
            "point",
            "(n, *shape)",
            remedy="pass a list of training sets, and convert bytes with .float()",
        )
        check_finite(f"training set {place}", points)
    for place, cell in enumerate(cells):
        if not 0 <= cell.data < len(data):
            raise InputError(
                got=f"cell {place} that learns training set {cell.data}",
                need=f"one of the {len(data)} sets",
                remedy="count the training sets from 0",
            )
        found, kept = next(iter(cell.parameters.values())).dtype, data[cell.data].dtype
        if found != kept:
            raise InputError(
                got=f"cell {place} in {found} for training points in {kept}",
                need="one precision",
                remedy="convert the points with .float(), as S1 does, or points and cells with .double()",
            )
