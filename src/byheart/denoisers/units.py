"""A denoiser whose points are stored in other units: for example as the bytes of a file, for a model of standardized pixels.

With x = scale · u + shift:   D(x, σ) = scale · D_u((x − shift) / scale, σ / scale) + shift,   log p(x) = log p_u(u) − d log scale.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from byheart._checks import InputError, check_finite, check_open
from byheart.denoisers.base import Level, checked_level
from byheart.denoisers.mixture import MixtureDenoiser, Precision
from byheart.denoisers.posterior import TOP, Posterior

__all__ = ["Rescaled", "empirical_bytes"]


@dataclass(frozen=True, eq=False)
class Rescaled:
    """The denoiser of points scale · u + shift, where `stored` is the denoiser of the points u.

    scale: > 0.  shift: a number, or a tensor that broadcasts over *shape.
    Raises InputError for a scale that is not positive, or a shift of another shape.
    """

    stored: MixtureDenoiser
    scale: float
    shift: float | Tensor = 0.0

    def __post_init__(self) -> None:
        check_open("scale", self.scale, remedy="for bytes in [−1, 1] take scale=2/255 and shift=−1")
        shift = torch.as_tensor(self.shift, dtype=torch.float64)
        check_finite("shift", shift)
        try:
            shift.expand(self.shape)
        except RuntimeError:
            raise InputError(
                got=f"shift of shape {tuple(shift.shape)}",
                need=f"a shift that broadcasts over {self.shape}",
                remedy="give a number, or one value for each pixel",
            ) from None

    @property
    def shape(self) -> tuple[int, ...]:
        """Return *shape, of one sample."""
        return self.stored.shape

    @property
    def device(self) -> torch.device:
        """Return the device of the points."""
        return self.stored.device

    def __call__(self, x: Tensor, sigma: Level) -> Tensor:
        """Return D(x, σ).  x: (b, *shape).  sigma: () or (b,), positive.  Returns (b, *shape) in x's dtype."""
        u, level = self._inside(x, sigma)
        return (self.stored(u, level) * self.scale + self._shift.to(u)).to(x.dtype)

    def log_density(self, x: Tensor, sigma: Level) -> Tensor:
        """Compute log p_σ(x): (b,), float64.  x: (b, *shape).  sigma: () or (b,), positive."""
        u, level = self._inside(x, sigma)
        return self.stored.log_density(u, level) - self._log_volume

    def posterior(
        self, x: Tensor, sigma: Level, *, count: int = TOP, source: Tensor | None = None
    ) -> Posterior:
        """Compute the posterior over the points, like `MixtureDenoiser.posterior`."""
        stored_posterior = self.stored.posterior(*self._inside(x, sigma), count=count, source=source)
        return replace(stored_posterior, log_density=stored_posterior.log_density - self._log_volume)

    def _inside(self, x: Tensor, sigma: Level) -> tuple[Tensor, Tensor]:
        level = checked_level(x, sigma, self.shape)  # refuses bad input in the caller's own units
        u = (x.double() - self._shift.to(x.device)) / self.scale
        return u, level.double() / self.scale

    @cached_property
    def _shift(self) -> Tensor:
        return torch.as_tensor(self.shift, dtype=torch.float64)

    @property
    def _log_volume(self) -> float:
        return math.prod(self.shape) * math.log(self.scale)


def empirical_bytes(
    train: Tensor, scale: float, shift: float | Tensor = 0.0, *, precision: Precision = "float64"
) -> Rescaled:
    """Build the empirical denoiser of images stored as bytes, in a quarter of the memory; a byte u means scale · u + shift.

    train: (n, *shape) uint8, in memory or mapped from a file.  Raises InputError for other types.
    """
    if not isinstance(train, Tensor) or train.dtype != torch.uint8:
        raise InputError(
            got=f"train in {getattr(train, 'dtype', type(train).__name__)}",
            need="a tensor of bytes, torch.uint8",
            remedy="for floating point take empirical(train)",
        )
    return Rescaled(MixtureDenoiser(train, precision=precision), scale, shift)
