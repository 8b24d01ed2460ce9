"""The denoiser: the one interface between this room and all others."""

from __future__ import annotations

from numbers import Real
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from byheart._checks import InputError, check_tensor

__all__ = [
    "Denoiser",
    "Level",
    "Scheduled",
    "Shaped",
    "Wrapper",
    "checked_level",
    "denoise",
    "eps",
    "level_of",
    "per_row",
    "rows_and_variance",
    "score",
]

Level = Tensor | float
"""The type of σ in a closed form: a tensor () or (b,), or a number, which is one level for all rows."""

SMALLEST_VARIANCE = {torch.float64: 1e-200, torch.float32: 1e-30}
"""Smallest σ² by precision: below σ = 1e-100 (1e-15) a closed form has reached its limit, and σ² would underflow."""


class Denoiser(Protocol):
    """Posterior mean D(x, σ) = E[x₀ | x₀ + σε = x].

    x: (b, *shape).  sigma: () or (b,).  Returns (b, *shape), in x's dtype and device.
    Rows are independent: row i of the result depends on row i of x and sigma only.
    """

    def __call__(self, x: Tensor, sigma: Tensor, /) -> Tensor:
        """Return D(x, σ)."""


@runtime_checkable
class Shaped(Protocol):
    """A denoiser that knows the shape and device of its samples: every closed form, and any other that is sampled by name only."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Return *shape, of one sample."""

    @property
    def device(self) -> torch.device:
        """Return the device of the denoiser's tensors, which is also the device of the samples."""

    def __call__(self, x: Tensor, sigma: Tensor, /) -> Tensor:
        """Return D(x, σ)."""


@runtime_checkable
class Scheduled(Protocol):
    """A denoiser that knows the noise levels for sampling: a trained denoiser."""

    @property
    def levels(self) -> Tensor:
        """Return the levels, (s + 1,), decreasing."""


class Wrapper:
    """Base of every denoiser around another denoiser, whose shape and device it takes."""

    denoiser: Denoiser

    @property
    def shape(self) -> tuple[int, ...]:
        """Return *shape, of one sample.  Raises InputError if the inner denoiser does not know the shape."""
        return _known(self.denoiser).shape

    @property
    def device(self) -> torch.device:
        """Return the device of the inner denoiser's tensors."""
        return _known(self.denoiser).device


class HoldsTrain:
    """Base of every denoiser that holds training points, whose shape and device it takes."""

    train: Tensor

    @property
    def shape(self) -> tuple[int, ...]:
        """Return *shape, of one sample."""
        return tuple(self.train.shape[1:])

    @property
    def device(self) -> torch.device:
        """Return the device of the training points."""
        return self.train.device


def denoise(denoiser: Denoiser, x: Tensor, sigma: Level) -> Tensor:
    """Call any denoiser with σ as a tensor, and check the shape of the result.

    x: (b, *shape).  sigma: () or (b,), or a number.  Returns D(x, σ), (b, *shape).
    Raises InputError if the denoiser returns no tensor, or another shape, which would be broadcast into meaningless numbers.
    """
    denoised = denoiser(x, level_of(sigma))
    shape = denoised.shape if isinstance(denoised, Tensor) else None
    if shape != x.shape:
        answer = type(denoised).__name__ if shape is None else f"shape {tuple(shape)}"
        raise InputError(
            got=f"a denoiser that answers x of shape {tuple(x.shape)} with {answer}",
            need="the denoised x, of the same shape as x",
            remedy="return one denoised image for each row, channels included",
        )
    return denoised


def score(denoiser: Denoiser, x: Tensor, sigma: Level) -> Tensor:
    """Compute ∇ log p_σ(x) = (D(x, σ) − x) / σ²  (Tweedie).  x: (b, *shape).  sigma: () or (b,).  Returns (b, *shape)."""
    return (denoise(denoiser, x, sigma) - x) / per_row(sigma, x) ** 2


def eps(denoiser: Denoiser, x: Tensor, sigma: Level) -> Tensor:
    """Compute the noise E[ε | x] = (x − D(x, σ)) / σ.  x: (b, *shape).  sigma: () or (b,).  Returns (b, *shape).

    At small σ the difference loses digits; a mixture has its own `eps`, which does not.
    """
    return (x - denoise(denoiser, x, sigma)) / per_row(sigma, x)


def level_of(sigma: Level) -> Tensor:
    """Return sigma as a tensor: a tensor unchanged, a number as () in float64.  Raises InputError for anything else."""
    if isinstance(sigma, Tensor):
        return sigma
    if isinstance(sigma, Real):
        return torch.tensor(float(sigma), dtype=torch.float64)
    raise InputError(
        got=f"sigma as {type(sigma).__name__}",
        need="a tensor of shape () or (b,), or a number",
        remedy="write torch.tensor(sigma)",
    )


def per_row(sigma: Level, x: Tensor) -> Tensor:
    """Reshape sigma so that it broadcasts over the rows of x: () stays (), (b,) becomes (b, 1, …).

    Raises InputError for any other shape.
    """
    sigma = level_of(sigma)
    if sigma.ndim and sigma.shape != x.shape[:1]:
        raise InputError(
            got=f"sigma of shape {tuple(sigma.shape)} with x of shape {tuple(x.shape)}",
            need=f"sigma of shape () or ({len(x)},)",
            remedy="give one level for all rows, or one for each",
        )
    return sigma.reshape(sigma.shape + (1,) * (x.ndim - 1)) if sigma.ndim else sigma


def rows_and_variance(
    x: Tensor, sigma: Level, shape: tuple[int, ...], dtype: torch.dtype = torch.float64
) -> tuple[Tensor, Tensor]:
    """Return x as rows (b, d), and σ² as () or (b, 1), both in dtype, which a closed form computes with.

    x: (b, *shape).  sigma: () or (b,), or a number.  Raises InputError unless x is floating point of that shape and sigma
    holds positive, finite levels.
    """
    level = checked_level(x, sigma, shape)
    rows = x.flatten(1).to(dtype)
    return rows, (per_row(level.to(rows), rows) ** 2).clamp(min=SMALLEST_VARIANCE[dtype])


def checked_level(x: Tensor, sigma: Level, shape: tuple[int, ...]) -> Tensor:
    """Check both inputs of a closed form, and return sigma as a tensor () or (b,).  shape: *shape, of one sample.

    Raises InputError as `rows_and_variance` does.
    """
    check_tensor("x", x, f"of shape {_batch(shape)}")
    if not x.ndim or tuple(x.shape[1:]) != shape or not x.is_floating_point():
        raise InputError(
            got=f"x of shape {tuple(x.shape)} in {x.dtype}",
            need=f"floating-point x of shape {_batch(shape)}",
            remedy="reshape x, or convert it with .float()",
        )
    sigma = level_of(sigma)
    per_row(sigma, x)  # refuses other shapes
    good = (sigma > 0) & sigma.isfinite()
    if not bool(good.all()):
        raise InputError(
            got=f"sigma {sigma[~good].flatten()[0].item():g}",
            need="0 < sigma < infinity",
            remedy="let a solver end with its step to 0, which returns the denoised x; "
            "in place of infinity use noise.SIGMA_MAX",
        )
    return sigma


def _batch(shape: tuple[int, ...]) -> str:
    return f"(b, {', '.join(map(str, shape))})"


def _known(denoiser: Denoiser) -> Shaped:
    if not isinstance(denoiser, Shaped):
        raise InputError(
            got=f"a {type(denoiser).__name__}, which does not know the shape of its samples",
            need="shape=… and levels=…, or a closed form",
            remedy="pass shape and levels to sample(…)",
        )
    return denoiser
