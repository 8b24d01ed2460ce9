"""Training as a generator of states, which the caller watches.

Nothing is hidden between two states: the batch of a step follows from the generator (or from seed and epoch), the
learning rate from the step, and the model's own random draws (dropout) from seed and step.  Evaluation, averaging,
checkpoints and stopping belong to the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import repeat

import torch
from torch import Generator, Tensor, nn
from torch.optim import Optimizer

from byheart._checks import InputError, check_finite
from byheart.random import derive, generator
from byheart.training.optimizers import optimizer
from byheart.training.spec import Training

__all__ = ["State", "begin", "train"]

Objective = Callable[[nn.Module, Tensor, Generator], Tensor]
"""loss(model, x0 (b, *shape), generator) -> ()."""


@dataclass(frozen=True)
class State:
    """Training after `step` steps, with everything that the next step depends on.

    model and optimizer are the live objects, changed in place by the next step.  generator: of batches and noise.
    loss: of the last step, (), not yet synchronized with the device; None at the beginning.
    """

    step: int
    model: nn.Module
    optimizer: Optimizer
    generator: Generator
    loss: Tensor | None = None


def begin(model: nn.Module, spec: Training) -> State:
    """Return the state at step 0: a fresh optimizer, and a generator with the seed of the spec."""
    return State(0, model, optimizer(model, spec), generator(spec.seed))


def train(
    model: nn.Module, data: Tensor, spec: Training, loss: Objective, start: State | None = None
) -> Iterator[State]:
    """Yield the state after 0, 1, …, spec.steps updates, or continue from `start`, which is yielded first.

    data: (n, *shape), all in memory.  loss(model, x0, generator) -> ().
    The same spec, data and weights give the same states; a run that is stopped and resumed gives the same bits.
    Raises InputError for data that is empty or not finite, or a start that holds another model.
    """
    state = start or begin(model, spec)
    _check(model, data, state)
    _match_layouts(state.optimizer)
    model.train()
    batches = _batches(data, spec, state)
    yield state
    while state.step < spec.steps:
        for group in state.optimizer.param_groups:
            group["lr"] = spec.lr_at(state.step + 1)
        x0 = next(batches)
        with _lent_stream(derive(spec.seed, "forward", state.step), data.device):
            objective = loss(model, x0, state.generator)
        state.optimizer.zero_grad()
        objective.backward()  # type: ignore[no-untyped-call]
        state.optimizer.step()
        state = replace(state, step=state.step + 1, loss=objective.detach())
        yield state


def _batches(data: Tensor, spec: Training, state: State) -> Iterator[Tensor]:
    """Yield the batches from `state` on, (b, *shape).  data: (n, *shape)."""
    n = len(data)
    if spec.batches == "full" or n <= spec.batch:
        yield from repeat(data)
    if spec.batches == "replacement":
        while True:
            yield data[torch.randint(n, (spec.batch,), generator=state.generator).to(data.device)]
    # A permutation is a function of seed and epoch alone, so that a resumed run continues in the same permutation.
    epoch, done = divmod(state.step, -(-n // spec.batch))
    while True:
        order = torch.randperm(n, generator=generator(derive(spec.seed, "epoch", epoch)))
        for rows in torch.split(order, spec.batch)[done:]:
            yield data[rows.to(data.device)]
        epoch, done = epoch + 1, 0


@contextmanager
def _lent_stream(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch's global stream anew, and restore it at the end; dropout can draw from no other stream."""
    stream = torch.default_generator if device.type == "cpu" else torch.cuda.default_generators[device.index]
    before = stream.get_state()
    stream.manual_seed(seed)
    try:
        yield
    finally:
        stream.set_state(before)


def _match_layouts(optimizer: Optimizer) -> None:
    """Give the moments the layout of their weights, which the fused kernels assume.

    A state that was saved and loaded may have lost the layout of channels-last weights.
    """
    for weight, entries in optimizer.state.items():
        for name, value in entries.items():
            if (
                isinstance(value, Tensor)
                and value.shape == weight.shape
                and value.stride() != weight.stride()
            ):
                entries[name] = torch.empty_like(weight).copy_(value)


def _check(model: nn.Module, data: Tensor, state: State) -> None:
    if not len(data):
        raise InputError(got="no training data", need="at least one row", remedy="choose a larger n")
    check_finite("data", data)
    if state.model is not model:
        raise InputError(
            got="a start that holds another model",
            need="the model that is trained",
            remedy="pass start.model as the model",
        )
