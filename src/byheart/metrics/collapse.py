"""Is the posterior collapsed onto single training points?  Weights, agreement of clones, and the Jacobian's trace.

    own weight     mean posterior weight wₙ(xₙ + rε) that a noisy training point puts on the point it came from: 0 under much
                   noise, 1 under little.  The mean weight passes ½ at the collapse level r_c, so r_c follows from the data
    last switch    the level below which a trajectory's nearest training point stays the same
    agreement      share of pairs of clones that end at the same training point; clones are two samples that continue
                   independently from one state at level r
    trace          tr ∂D/∂x: the number of directions that a denoiser still lets through.  As r → 0 the trace tends to the
                   dimension of the data's manifold where the denoiser generalizes, and to 0 where the denoiser memorizes

For a mixture of points ∂D/∂x is the posterior covariance over r².  References: Biroli et al., arXiv 2402.18491 (collapse,
clones); Kadkhodaie et al., ICLR 2024 (Jacobian).  The definition of r_c by ½ is byheart's own; it was checked against
½ Σ log(1 + λᵢ/r²) = log n.
"""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor

from byheart._checks import InputError
from byheart.denoisers.base import Denoiser, per_row
from byheart.denoisers.mixture import MixtureDenoiser, empirical
from byheart.metrics.memorization import collapse_duplicates
from byheart.numerics.intervals import Interval, Proportion, mean_interval, proportion
from byheart.random import streams

__all__ = ["clone_agreement", "collapse_level", "jacobian_trace", "last_switch", "own_weight"]

LEVEL_TOLERANCE = 1e-4  # of log r: far below the width of the interval
ROWS = 2048


def own_weight(train: Tensor, sigma: float, *, seed: int = 0) -> Interval:
    """Compute the mean posterior weight of noisy training points on their own source, with a Student's t interval over points.

    train: (n, *shape), at least two points.  sigma: r, in the data's units.
    seed: Random seed of the noise, one draw per point; the same seed gives the same result.
    Raises InputError for fewer than two points, or points that `empirical` refuses.
    """
    memorizer = _memorizer(train)
    return mean_interval(_own_weights(memorizer, sigma, _noise(train, seed)).tolist())


def collapse_level(train: Tensor, *, seed: int = 0) -> Interval:
    """Find the collapse level r_c from data alone: the noise level at which `own_weight` is ½.

    The interval holds the levels at which the lower and the upper limit of `own_weight` cross ½.
    train: (n, *shape), at least two points, all different.
    seed: Random seed of the noise, which is the same at every level, so that the curve is smooth.
    Raises InputError for fewer than two points, points that `empirical` refuses, or points that repeat.
    """
    memorizer = _memorizer(train)
    spread = float(train.double().flatten(1).var(0).sum().sqrt())
    if spread == 0:
        raise InputError(
            got=f"{len(train)} points that are all the same",
            need="points that differ",
            remedy="collapse duplicates first (metrics.collapse_duplicates)",
        )

    if repeated := len(train) - len(collapse_duplicates(train)[1]):
        raise InputError(
            got=f"{repeated} points that repeat another point; repeated points share one weight at every level",
            need="points that are all different",
            remedy="collapse duplicates first (metrics.collapse_duplicates), or load with --distinct",
        )
    noise = _noise(train, seed)

    @cache
    def weight(log_r: float) -> Interval:
        return mean_interval(_own_weights(memorizer, math.exp(log_r), noise).tolist())

    def crossing(end: str) -> float:
        low, high = math.log(spread) - 20, math.log(spread) + 5  # weight 1 below, 1/n above
        while high - low > LEVEL_TOLERANCE:
            middle = (low + high) / 2
            low, high = (middle, high) if getattr(weight(middle), end) > 0.5 else (low, middle)
        return math.exp((low + high) / 2)

    return Interval(crossing("value"), crossing("low"), crossing("high"), len(train))


def clone_agreement(first: Tensor, second: Tensor) -> Proportion:
    """Compute φ, the share of pairs whose two clones ended at the same training point, with its interval and count.

    first, second: (q,) integers, the nearest training point of each clone.  Raises InputError for other shapes.
    """
    if first.shape != second.shape or first.ndim != 1 or not len(first) or first.is_floating_point():
        raise InputError(
            got=f"clones of shapes {tuple(first.shape)} and {tuple(second.shape)}",
            need="two indices for each pair, (q,) integers each",
            remedy="take nearest(samples, train, k=1).index[:, 0] of both clones",
        )
    return proportion(int((first == second).sum()), len(first))


def last_switch(nearest: Tensor, levels: Tensor) -> Tensor:
    """Find the level at which each trajectory's nearest training point changed for the last time: (b,), as levels.

    nearest: (s, b) integers, the nearest training point at each of the levels (s,), decreasing.  A change between two levels
    is placed at their geometric mean; a trajectory that never changes gets the first level.
    Raises InputError for other shapes.
    """
    if (
        nearest.ndim != 2
        or levels.shape != nearest.shape[:1]
        or len(levels) < 2
        or nearest.is_floating_point()
    ):
        raise InputError(
            got=f"nearest points of shape {tuple(nearest.shape)} at levels of shape {tuple(levels.shape)}",
            need="integers (s, b) at levels (s,), at least two",
            remedy="stack the nearest indices of every level",
        )
    changed = nearest[1:] != nearest[:-1]
    steps = torch.arange(1, len(levels), device=nearest.device)[:, None]
    last = (changed * steps).amax(0)  # 0 where the nearest point never changed
    between = (levels[1:] * levels[:-1]).sqrt()
    return torch.where(last == 0, levels[0], between[(last - 1).clamp(min=0)])


def jacobian_trace(denoiser: Denoiser, x: Tensor, sigma: Tensor, *, probes: int = 8, seed: int = 0) -> Tensor:
    """Compute tr ∂D/∂x at every row, (b,): exact for a mixture of points, else Hutchinson's estimate, which is unbiased.

    x: (b, *shape).  sigma: () or (b,), positive.
    probes: number of random sign vectors per row; the error falls with the square root of that number.
    seed: Random seed of the probes; the same seed gives the same result.  Raises InputError for fewer than one probe.
    """
    if isinstance(denoiser, MixtureDenoiser):
        return _mixture_trace(denoiser, x, sigma)
    if probes < 1:
        raise InputError(
            got=f"{probes} probes", need="at least one", remedy="leave `probes` out; the default is 8"
        )
    total = torch.zeros(len(x), dtype=x.dtype, device=x.device)
    for probe in range(probes):
        noise = streams(seed, "probe", probe, count=len(x))
        sign = noise(tuple(x.shape[1:]), x.dtype, x.device).sign()
        with torch.enable_grad():
            point = x.detach().requires_grad_()
            (product,) = torch.autograd.grad(denoiser(point, sigma), point, sign)
        total += (product * sign).flatten(1).sum(1)
    return total / probes


def _mixture_trace(denoiser: MixtureDenoiser, x: Tensor, sigma: Tensor) -> Tensor:
    """Compute (σ² tr Cov_w / v + d s²) / v with v = σ² + s², (b,)."""
    weights = denoiser.responsibilities(x, sigma)
    centers = denoiser.centers.flatten(1).to(weights)
    # The trace of a covariance is the same about any point, and loses the fewest digits about the mean.
    centers = centers - centers.mean(0)
    mean = weights @ centers
    spread = (weights @ centers.square().sum(1) - mean.square().sum(1)).clamp(min=0)
    noise = per_row(sigma.to(weights), weights[:, 0]).square()
    own = float(denoiser.std) ** 2
    return ((noise * spread / (noise + own) + centers.shape[1] * own) / (noise + own)).to(x.dtype)


def _noise(points: Tensor, seed: int) -> Tensor:
    """Draw noise (n, *shape) in float64, one random stream per point."""
    noise = streams(seed, "own weight", count=len(points))
    return noise(tuple(points.shape[1:]), torch.float64, points.device)


def _own_weights(memorizer: MixtureDenoiser, sigma: float, noise: Tensor) -> Tensor:
    """Compute the posterior weight of every noisy point on its own source: (n,) float64.

    memorizer: the empirical denoiser of n points.  noise: (n, *shape).
    """
    points, level, parts = memorizer.centers, torch.tensor(sigma, dtype=torch.float64), []
    for start in range(0, len(points), ROWS):
        rows = torch.arange(start, min(start + ROWS, len(points)))
        x = points[rows].double() + sigma * noise[rows]
        parts.append(memorizer.responsibilities(x, level)[torch.arange(len(rows)), rows])
    return torch.cat(parts)


def _memorizer(train: Tensor) -> MixtureDenoiser:
    """Return the empirical denoiser of at least two points.  Raises InputError for fewer, and for points it refuses."""
    if train.ndim and len(train) < 2:
        raise InputError(
            got=f"training points of shape {tuple(train.shape)}",
            need="at least two points, (n, *shape)",
            remedy="stack the points along the first dimension",
        )
    return empirical(train)
