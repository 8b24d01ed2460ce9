"""Draw samples from seeds.

Every sample has its own stream of noise, so that sample i depends on seeds[i] and on nothing else: the same seed gives
the same noise bit for bit in any batch, beside any other seeds, and for any model.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from math import prod
from operator import index

import torch
from torch import Tensor, nn

from byheart._checks import InputError, check_default_device, check_finite, check_tensor
from byheart.denoisers.base import Scheduled, Shaped
from byheart.denoisers.conditional import given
from byheart.noise.levels import Grid
from byheart.random import SeededNoise
from byheart.sampling.solvers import Step, integrate
from byheart.sampling.solvers import solver as solver_named

__all__ = ["automatic_batch", "evaluating", "sample"]

FOOTPRINT = {"cpu": 3 << 19, "cuda": 1 << 28}
"""Device -> bytes of one activation map of a whole batch: about the second-level cache of a CPU; enough to fill a GPU."""


@torch.no_grad()
def sample(
    model: Callable[..., Tensor],
    *,
    seeds: Iterable[int],
    shape: tuple[int, ...] | None = None,
    levels: Tensor | None = None,
    solver: str | Step = "euler",
    labels: Tensor | None = None,
    batch: int | None = None,
    device: torch.device | str | None = None,
    start: Tensor | None = None,
) -> Tensor:
    """Draw one sample for each seed: (b, *shape) in float32, or in start's dtype.

    model: a denoiser, or with labels a conditional denoiser.  A module is evaluated in eval mode, and its mode is restored.
    seeds: Random seeds; the same seed gives the same sample.
    shape: *shape of one sample.  levels: (s,), decreasing.  A closed form knows its shape and walks down karras_levels(18) by
    default; any other callable needs shape and levels.
    solver: a name of `SolverName` (euler, heun, ancestral, sde) or a step function.
    labels: (b, …), one for each sample.  batch: samples at a time; None chooses a number that suits the cache.
    device: None takes the model's device.
    start: (b, *shape), the states at levels[0]; None starts from levels[0] · noise, which is right if levels[0] is far above the
    width of the data.
    Raises InputError for a missing shape or levels, or lengths that do not fit the seeds.
    """
    check_default_device()
    numbers = _numbers(seeds)
    if levels is not None:
        check_tensor("levels", levels, "(s,), decreasing", remedy="write torch.tensor(levels)")
    shape, levels = _target(model, shape, levels)
    where = torch.device(device) if device is not None else _device(model)
    _check_lengths(numbers, shape, labels, start)
    size = _even(len(numbers), automatic_batch(shape, model)) if batch is None else batch
    if size < 1:
        raise InputError(
            got=f"batch {size}", need="at least one sample at a time", remedy="leave `batch` out"
        )
    step = solver_named(solver) if isinstance(solver, str) else solver
    parts = []
    with evaluating(model):
        for first in range(0, len(numbers), size):
            rows = slice(first, first + size)
            noise = SeededNoise(numbers[rows])
            x = noise(shape).to(where) * levels[0].to(where) if start is None else start[rows].to(where)
            denoiser = model if labels is None else given(model, labels[rows].to(where))
            parts.append(deque(integrate(step, denoiser, x, levels, noise), maxlen=1).pop())
    return torch.cat(parts)


def automatic_batch(shape: tuple[int, ...], model: Callable[..., Tensor]) -> int:
    """Choose a batch size, from 16 to 4096, for which an activation map of all samples stays in the cache.

    shape: *shape of one sample.  A network's map has the width of its first convolution at every pixel, or of its widest linear
    layer.  For a wrapper the network is its `network`.  Any other model gets 256 rows, which are enough for matrix products.
    """
    network = model if isinstance(model, nn.Module) else getattr(model, "network", None)
    if not isinstance(network, nn.Module):
        return 256
    weights = [weight for weight in network.parameters() if weight.ndim >= 2]
    convolutions = [weight for weight in weights if weight.ndim > 2]
    if convolutions:
        floats = len(convolutions[0]) * prod(shape[1:])
    else:
        floats = max((len(weight) for weight in weights), default=prod(shape))
    return min(max(FOOTPRINT.get(_device(network).type, FOOTPRINT["cuda"]) // (4 * floats), 16), 4096)


def _even(count: int, most: int) -> int:
    """Return the size of equal batches of at most `most` samples; a small last batch would be slow."""
    return -(-count // -(-count // most))


def _target(
    model: Callable[..., Tensor], shape: tuple[int, ...] | None, levels: Tensor | None
) -> tuple[tuple[int, ...], Tensor]:
    """Return shape and levels, from the arguments or from a closed form."""
    if isinstance(model, Shaped):
        if shape is not None and tuple(shape) != model.shape:
            raise InputError(
                got=f"shape {tuple(shape)}",
                need=f"the model's own shape {model.shape}",
                remedy="leave shape out",
            )
        own = model.levels if isinstance(model, Scheduled) else Grid().levels()
        return model.shape, own if levels is None else levels
    if shape is None or levels is None:
        given_names = [name for name, value in (("shape", shape), ("levels", levels)) if value is not None]
        raise InputError(
            got=f"a {type(model).__name__} with {' and '.join(given_names) or 'neither shape nor levels'}",
            need="shape=… and levels=…, which only a closed form knows by itself",
            remedy="pass both, for example sample(model, seeds=…, shape=(1, 8, 8), levels=karras_levels(18))",
        )
    return tuple(shape), levels


def _device(model: object) -> torch.device:
    if isinstance(model, nn.Module):
        return next((weight.device for weight in model.parameters()), torch.device("cpu"))
    return model.device if isinstance(model, Shaped) else torch.device("cpu")


def _numbers(seeds: Iterable[int]) -> list[int]:
    if isinstance(seeds, int):
        raise InputError(
            got=f"seeds={seeds}",
            need="one seed for each sample",
            remedy=f"for {seeds} samples write seeds=range({seeds})",
        )
    try:
        return [index(seed) for seed in seeds]
    except TypeError:
        raise InputError(
            got=f"seeds {list(seeds)!r}",
            need="whole numbers, one for each sample",
            remedy="pass for example seeds=range(64)",
        ) from None


def _check_lengths(
    seeds: list[int], shape: tuple[int, ...], labels: Tensor | None, start: Tensor | None
) -> None:
    if not seeds:
        raise InputError(
            got="no seeds", need="one seed for each sample", remedy="pass for example seeds=range(64)"
        )
    if labels is not None and len(labels) != len(seeds):
        raise InputError(
            got=f"{len(labels)} labels for {len(seeds)} seeds",
            need="one label for each seed",
            remedy="give as many labels as seeds",
        )
    if start is None:
        return
    check_finite("start", start)
    if tuple(start.shape) != (len(seeds), *shape):
        raise InputError(
            got=f"start of shape {tuple(start.shape)}",
            need=f"the states at levels[0], {(len(seeds), *shape)}",
            remedy="give one state for each seed",
        )


@contextmanager
def evaluating(model: object) -> Iterator[None]:
    """Hold a module in evaluation mode, and restore the mode of each part at the end.  Any other object is left unchanged."""
    modes = {part: part.training for part in model.modules()} if isinstance(model, nn.Module) else {}
    for part in modes:
        part.training = False
    try:
        yield
    finally:
        for part, training in modes.items():
            part.training = training
