"""Sliced Wasserstein distance: mean over directions of one-dimensional transport costs (Bonneel et al. 2015).

    SW_p = ( mean over unit θ of W_p(θ·x, θ·y)^p )^(1/p)

The distance is in the features' own units, with the root taken.  The directions depend on the seed and the dimension only,
and a smaller number of directions is the beginning of a larger one, so values of one seed are comparable with each other.
The distance is positive under the null, too; compare it with the distance of real images at the same sizes.
"""

from __future__ import annotations

import torch
from torch import Tensor

from byheart._checks import InputError
from byheart.metrics.fidelity.inputs import two_sets
from byheart.random import derive, generator

__all__ = ["directions", "sliced_wasserstein"]

_DRAWN = 128  # directions drawn at a time


def sliced_wasserstein(
    samples: Tensor, reference: Tensor, *, projections: int = 128, p: float = 2.0, seed: int = 0
) -> float:
    """Compute SW_p of samples (n, *shape) from a reference (m, *shape): ≥ 0, in the features' units.

    projections: number of directions.  p: order of the cost, ≥ 1.
    seed: Random seed of the directions; the same seed gives the same result.
    Raises InputError for fewer than two rows, different shapes, NaN, no direction, or p < 1.
    """
    x, y = two_sets(samples, reference)
    if projections < 1 or not 1 <= p < float("inf"):
        raise InputError(
            got=f"{projections} projections and p = {p}",
            need="at least one projection, and 1 ≤ p < ∞",
            remedy="keep the defaults: 128 and 2",
        )
    along = directions(x.shape[1], projections, seed).to(x.device)
    cost = _transport_cost((x @ along).sort(0).values, (y @ along).sort(0).values, p)
    return float(cost.mean() ** (1 / p))


def directions(d: int, projections: int, seed: int) -> Tensor:
    """Draw unit vectors, uniform on the sphere: (d, projections) float64; more projections begin with the fewer."""
    draws = generator(derive(seed, "directions"))
    # The numbers of a draw depend on its shape, so all draws have one shape.
    blocks = [
        torch.randn(d, _DRAWN, generator=draws, dtype=torch.float64) for _ in range(0, projections, _DRAWN)
    ]
    normal = torch.cat(blocks, 1)[:, :projections]
    unit: Tensor = normal / torch.linalg.vector_norm(normal, dim=0)
    return unit


def _transport_cost(x: Tensor, y: Tensor, p: float) -> Tensor:
    """Compute W_p^p of each column of sorted x (n, s) and y (m, s): ∫₀¹ |F⁻¹(u) − G⁻¹(u)|^p du."""
    n, m = len(x), len(y)
    # Both quantile functions jump at multiples of 1/n and 1/m; in units of 1/nm these are whole numbers, so no jump
    # is lost to rounding.
    steps = torch.cat([torch.arange(1, n + 1) * m, torch.arange(1, m + 1) * n])
    ends: Tensor = torch.unique(steps).to(x.device)
    widths = ends.diff(prepend=ends.new_zeros(1)).to(x) / (n * m)
    return widths @ (x[(ends - 1) // m] - y[(ends - 1) // n]).abs().pow(p)
