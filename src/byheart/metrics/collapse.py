"""Is the posterior collapsed onto single training points?  Weights, agreement of clones, and the Jacobian's trace.

    own weight     E of the posterior weight wₙ(xₙ + rε) that a noisy training point puts on its own source: 0 under much
                   noise, 1 under little; it passes ½ at the collapse level r_c, which so follows from the data alone
    last switch    the level below which a trajectory's nearest training point stays the same
    agreement      share of pairs of clones, two samples that went on alone from one state at level r, that end at the same point
    trace          tr ∂D/∂x: the number of directions that a denoiser still lets through.  As r → 0 it tends to the dimension
                   of the data's manifold where the denoiser generalizes, and to 0 where it memorizes

For a mixture of points ∂D/∂x is the posterior covariance over r².  References: Biroli et al., arXiv 2402.18491 (collapse, clones);
Kadkhodaie et al., ICLR 2024 (Jacobian); the definition of r_c by ½ is ours, checked against ½ Σ log(1 + λᵢ/r²) = log n.
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

LEVEL_TOLERANCE = 1e-4  # of log r: far below what the interval says
ROWS = 2048


def own_weight(train: Tensor, sigma: float, *, seed: int = 0) -> Interval:
    """The mean weight of noisy training points on their own source, with its Student interval over points.

    train: (n, *shape), at least two points.  sigma: r, in the data's units.  seed: of the noise, one draw a point.
    Raises InputError for fewer than two points, or bad points.
    """
    memorizer = _memorizer(train)
    return mean_interval(_own_weights(memorizer, sigma, _noise(train, seed)).tolist())


def collapse_level(train: Tensor, *, seed: int = 0) -> Interval:
    """r_c from data alone: the level at which `own_weight` is ½.  Its interval: the levels at which the lower and the upper limit of `own_weight` cross ½.

    train: (n, *shape), at least two different points.  The same noise at every level, so that the curve is smooth.
    Raises InputError for fewer than two points, bad points, or points that repeat.
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
            got=f"{repeated} points that repeat another, which share its weight at every level",
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
    """φ: the share of pairs whose two clones ended at the same training point, with its interval and count.

    first, second: (q,) integers, the nearest training point of each clone.  Raises InputError for other shapes.
    """
    if first.shape != second.shape or first.ndim != 1 or not len(first) or first.is_floating_point():
        raise InputError(
            got=f"clones of shapes {tuple(first.shape)} and {tuple(second.shape)}",
            need="two indices a pair, (q,) integers each",
            remedy="take nearest(samples, train, k=1).index[:, 0] of either clone",
        )
    return proportion(int((first == second).sum()), len(first))


def last_switch(nearest: Tensor, levels: Tensor) -> Tensor:
    """The level at which each trajectory's nearest training point changed for the last time: (b,), as levels.

    nearest: (s, b) integers, the nearest training point at each of the levels (s,), decreasing.  Between two levels it is
    their geometric mean; a trajectory that never changes gets the first level.  After it the sample's fate is sealed.
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
    last = (changed * steps).amax(0)  # 0: never
    between = (levels[1:] * levels[:-1]).sqrt()
    return torch.where(last == 0, levels[0], between[(last - 1).clamp(min=0)])


def jacobian_trace(denoiser: Denoiser, x: Tensor, sigma: Tensor, *, probes: int = 8, seed: int = 0) -> Tensor:
    """tr ∂D/∂x at every row, (b,): exact for a mixture of points, else Hutchinson's estimate, without bias.

    x: (b, *shape).  sigma: () or (b,), positive.  probes: random signs a row; the error falls with their root.
    seed: of the probes.  Raises InputError for fewer than one probe.
    """
    if isinstance(denoiser, MixtureDenoiser):
        return _mixture_trace(denoiser, x, sigma)
    if probes < 1:
        raise InputError(got=f"{probes} probes", need="at least one", remedy="leave it out for 8")
    total = torch.zeros(len(x), dtype=x.dtype, device=x.device)
    for probe in range(probes):
        noise = streams(seed, "probe", probe, count=len(x))
        sign = noise(tuple(x.shape[1:]), x.dtype, x.device).sign()
        with torch.enable_grad():
            at = x.detach().requires_grad_()
            (along,) = torch.autograd.grad(denoiser(at, sigma), at, sign)
        total += (along * sign).flatten(1).sum(1)
    return total / probes


def _mixture_trace(denoiser: MixtureDenoiser, x: Tensor, sigma: Tensor) -> Tensor:
    """(σ² tr Cov_w / v + d s²) / v with v = σ² + s²."""
    weights = denoiser.responsibilities(x, sigma)
    centers = denoiser.centers.flatten(1).to(weights)
    centers = centers - centers.mean(
        0
    )  # the trace of a covariance is the same about any point, and cancels less here
    mean = weights @ centers
    spread = (weights @ centers.square().sum(1) - mean.square().sum(1)).clamp(min=0)
    noise = per_row(sigma.to(weights), weights[:, 0]).square()
    own = float(denoiser.std) ** 2
    return ((noise * spread / (noise + own) + centers.shape[1] * own) / (noise + own)).to(x.dtype)


def _noise(points: Tensor, seed: int) -> Tensor:
    """(n, *shape) float64, a stream a point."""
    noise = streams(seed, "own weight", count=len(points))
    return noise(tuple(points.shape[1:]), torch.float64, points.device)


def _own_weights(memorizer: MixtureDenoiser, sigma: float, noise: Tensor) -> Tensor:
    """(n,) float64.  memorizer: the empirical denoiser of n points.  noise: (n, *shape)."""
    points, level, parts = memorizer.centers, torch.tensor(sigma, dtype=torch.float64), []
    for start in range(0, len(points), ROWS):
        rows = torch.arange(start, min(start + ROWS, len(points)))
        x = points[rows].double() + sigma * noise[rows]
        parts.append(memorizer.responsibilities(x, level)[torch.arange(len(rows)), rows])
    return torch.cat(parts)


def _memorizer(train: Tensor) -> MixtureDenoiser:
    """The empirical denoiser, which checks its points, of at least two."""
    if train.ndim and len(train) < 2:
        raise InputError(
            got=f"training points of shape {tuple(train.shape)}",
            need="at least two, (n, *shape)",
            remedy="stack the points along the first dimension",
        )
    return empirical(train)
