"""Training many mixtures together: one generator of states for a whole table of sizes and seeds.

Cells that learn the same set with the same seed see the same times and noise, drawn once for all of them; what a cell sees
depends on its own seed and set alone, never on its company.  A step is Adam's (1412.6980), followed by the average of its
updates u that S1's code takes (not of the weights):

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
    """Training after `step` steps: all that the next step depends on.

    stack, moments and generators are the live objects, changed in place by the next step.
    moments: (3, p), Adam's two and the average of the updates.  generators: of times and noise, for every training set and seed.
    loss: (c,) of the last step, in the order of the cells; None at the beginning.
    """

    step: int
    stack: Stack
    moments: Tensor
    generators: Mapping[Stream, Generator]
    loss: Tensor | None = None

    def cell(self, place: int) -> dict[str, Tensor]:
        """A copy of one cell's parameters, in the order in which the cells were given."""
        return self.stack.cell(place)

    def tensors(self) -> dict[str, Tensor]:
        """Copies of all there is, by name: what a file keeps for `restored`."""
        streams = {f"stream/{a}/{b}": one.get_state() for (a, b), one in self.generators.items()}
        groups = [torch.tensor(group.cells, dtype=torch.int64) for group in self.stack.groups]
        plan = {f"group/{place}": cells for place, cells in enumerate(groups)}
        own = {"values": self.stack.values.clone(), "moments": self.moments.clone()}
        return own | plan | streams | {"step": torch.tensor(self.step, dtype=torch.int64)}


def mixture_cell(means: Tensor, std: float, *, seed: int = 0, data: int = 0) -> Cell:
    """A mixture with equal weights and one width.  means: (m, d).  std: s > 0; at 0 its gradient would be 0 for ever.

    Raises InputError for means that are no matrix of floats, or a width that is not positive.
    """
    check_shape("means", means, "mean", "(m, d)", remedy="flatten samples of another shape with .flatten(1)")
    check_open("initial std", std, remedy="take the recipe's std; a variance of 1e-6 is slow enough")
    return Cell({"means": means, "std": means.new_tensor(std)}, seed, data)


def begin_together(cells: Sequence[Cell], data: Sequence[Tensor], spec: MixtureTraining) -> MixtureState:
    """The state at step 0.  Arguments and errors as in `train_together`."""
    _check(cells, data)
    stack = stacked(cells, [len(one) * spec.draws for one in data])
    streams = {group.stream: generator(derive(group.stream[1], "denoising")) for group in stack.groups}
    return MixtureState(0, stack, stack.values.new_zeros(3, len(stack.values)), streams)


def restored(
    cells: Sequence[Cell], data: Sequence[Tensor], spec: MixtureTraining, tensors: Mapping[str, Tensor]
) -> MixtureState:
    """The state whose `tensors` these are, for the same cells, data and spec.

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
            remedy="train from the beginning, or hand in those",
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
    """Yield the state after 0, 1, …, spec.steps updates, or go on from `start`, which is yielded first.

    cells: of one kind, the one that `objective` is the loss of.  data: training sets (n, *shape), each of its own n and shape,
    in the cells' precision.
    Same cells, data and spec in: the same bits out, stopped and resumed too.  In other company a cell's rounding differs.
    Raises InputError for bad cells or data, and a cell whose set does not exist.
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
    """A step's rows: every point at one time of the grid, with `draws` noises, (draws · n, d).

    data: (n, *shape).  alphas, sigmas: (times,).  source: on the CPU wherever the data are.
    """
    points = data.flatten(1)
    index = torch.randint(len(alphas), (len(points),), generator=source).to(data.device).repeat(draws)
    noise = torch.randn(len(index), points.shape[1], generator=source, dtype=data.dtype).to(data.device)
    return noisy_rows(points.repeat(draws, 1), noise, alphas[index], sigmas[index])


def _slopes(
    objective: Objective, group: Group, noisy: Noisy, clip: float | None, target: Mapping[str, Tensor]
) -> Tensor:
    """Write a group's gradient into `target`; its losses (c,)."""
    found = objective(group.parameters, group.alive, noisy)
    shrink = None
    if clip is not None:
        squares = [
            one.flatten(1).square().sum(1) if one.ndim > 1 else one.square()
            for one in found.parameters.values()
        ]
        shrink = (clip / torch.stack(squares).sum(0).sqrt()).clamp(max=1.0)
    for name, slope in found.parameters.items():
        target[name].copy_(slope)
        if shrink is not None:
            target[name].mul_(shrink.reshape([-1] + [1] * (slope.ndim - 1)))
    return found.loss


def _update(state: MixtureState, slopes: Tensor, spec: MixtureTraining) -> None:
    """Adam's update of all cells at once, averaged over the steps."""
    first, second, average = state.moments
    # torch's kernel updates weights: those of a zero vector are the update itself.
    update, step = (
        torch.zeros_like(slopes),
        torch.tensor(float(state.step), dtype=torch.float32, device=slopes.device),
    )
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
            remedy="hand in a list of training sets, and convert bytes with .float()",
        )
        check_finite(f"training set {place}", points)
    for place, cell in enumerate(cells):
        if not 0 <= cell.data < len(data):
            raise InputError(
                got=f"cell {place} that learns training set {cell.data}",
                need=f"one of the {len(data)} sets",
                remedy="count from 0",
            )
        found, kept = next(iter(cell.parameters.values())).dtype, data[cell.data].dtype
        if found != kept:
            raise InputError(
                got=f"cell {place} in {found} for training points in {kept}",
                need="one precision",
                remedy="convert the points with .float(), which is S1's, or both with .double()",
            )
