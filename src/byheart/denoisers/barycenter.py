"""A score averaged over a few frozen shifts, whose flow ends at barycenters of training points instead of single points.

    D_s(x, σ) = (1/M) Σ_j D(x + s_σ ε_j, σ),        s_σ = width · (1 + σ)

The unit noises ε_j are drawn once.  In the variables of flow matching, z = t x₀ + (1 − t) ε, the same shift is one of z by
width · ε_j at all times: x = z/t and σ = (1 − t)/t, so that 1/t = 1 + σ.  At the end every shifted point has its own nearest
training point, and D_s is the mean of those M points: samples of the empirical denoiser become barycenters of M points.

The score of D_s is the mean of the M scores, plus s_σ/σ² times the mean of the ε_j.  So if the shifts have mean 0, the score of
D_s is the smoothed score K ∗ ∇ log p, with K the law of the shifts (Gabriel et al.): pass `offsets − offsets.mean(0)`.

Reference: Scarvelis, Sáez de Ocáriz Borde, Solomon, arXiv 2310.12395 (σ-CFDM); Gabriel, Ged, Han Veiga, Schertzer, arXiv 2505.22841.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from byheart._checks import InputError, check_finite, check_not_negative, check_shape
from byheart.denoisers.base import Denoiser, Level, Shaped, Wrapper, checked_level, denoise, per_row
from byheart.random import generator

__all__ = ["Barycentric", "barycentric"]


@dataclass(frozen=True, eq=False)
class Barycentric(Wrapper):
    """D_s of a denoiser, at the cost of M calls of that denoiser.

    offsets: ε_j, (M, *shape), frozen.  width: of the shifts, in the frame of z (Scarvelis et al. call it σ).
    Raises InputError for no offsets, numbers that are not finite, or a negative width.
    """

    denoiser: Denoiser
    offsets: Tensor
    width: float

    def __post_init__(self) -> None:
        check_shape(
            "offsets",
            self.offsets,
            "offset",
            "(M, *shape)",
            remedy="draw the offsets once: barycentric(denoiser, count, width, seed)",
        )
        check_finite("offsets", self.offsets)
        check_not_negative("width", self.width, remedy="give a share of the distance between points")

    def __call__(self, x: Tensor, sigma: Level) -> Tensor:
        """Return D_s(x, σ).  x: (b, *shape).  sigma: () or (b,), positive.  Returns (b, *shape) in x's dtype."""
        level = checked_level(x, sigma, tuple(self.offsets.shape[1:]))  # before x is shifted
        shift = per_row(self.width * (1 + level), x).to(x)
        mean = torch.zeros_like(x)
        for offset in self.offsets.to(x):
            mean = mean + denoise(self.denoiser, x + shift * offset, level) / len(self.offsets)
        return mean


def barycentric(denoiser: Shaped, count: int, width: float, seed: int) -> Barycentric:
    """Return D_s with `count` unit noises; a smaller count takes the first of the noises of a larger count.

    seed: Random seed of the noises; the same seed gives the same result.
    Raises InputError for a count below 1, or a denoiser that does not know its shape.
    """
    if not isinstance(denoiser, Shaped) or count < 1:
        raise InputError(
            got=f"{count} shifts of a {type(denoiser).__name__}",
            need="at least one shift, and a denoiser that knows the shape of its samples",
            remedy="give Barycentric the offsets themselves",
        )
    draws = generator(seed)
    # One by one: the numbers of a single large draw depend on its size.
    offsets = [torch.randn(denoiser.shape, generator=draws, dtype=torch.float64) for _ in range(count)]
    return Barycentric(denoiser, torch.stack(offsets).to(denoiser.device), width)
