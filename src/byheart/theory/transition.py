"""At which size does a mixture model know its points by heart?  A forecast without training, with an interval.

    share(M)    of samples with d₁ < threshold · d₂, over restarts of Lloyd (`byheart.theory.lloyd`) at each M, from a start
    M_pt        where the share passes one half

A replicate is a restart, or a restart on its own draw of the data; replicates are independent and have samples of their own.
The shares of a replicate are made increasing in M (by least squares, because the noise of the samples would otherwise let them
cross several times) and cross the level by linear interpolation.  The crossings of the replicates then hold all the noise
there is, binomial and of the starts:

    mean    Student's t interval of the mean crossing: what is known about M_pt on average
    one     mean ± t sd √(1 + 1/r): where a single training run will cross, in 95 % of cases

Shares at one M are binomial within a replicate only; between replicates they may differ.  So their interval is binomial with
a smaller, effective number of samples: n_eff = n / max(1, variance between replicates / binomial variance).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from byheart._checks import InputError, check_least, check_open, check_ratio, unknown
from byheart.numerics.intervals import Interval, mean_interval, proportion
from byheart.random import derive
from byheart.theory.excess import measured_excess
from byheart.theory.lloyd import Clusters, as_points, cluster, in_span, sample_distances, warn_of_repeats
from byheart.theory.starts import gaussian_starts, paired_starts, training_starts

__all__ = [
    "STARTS",
    "Curve",
    "Start",
    "Transition",
    "crossing",
    "default_models",
    "joined",
    "memorization_curve",
    "threshold_rule",
    "transition",
]

Array = NDArray[np.float64]

Start = Literal["training", "population", "gaussian", "pairs"]
STARTS: tuple[Start, ...] = get_args(Start)


@dataclass(frozen=True, eq=False)
class Curve:
    """Forecasts of Lloyd's iteration for models of several sizes.

    n: number of points.  models: M, (k,), increasing.  variance: (k, r), of the model.
    singles: (k, r), share of centers on one training point.
    first, second: (k, r, s), d₁ and d₂ of samples, from which the share for any threshold follows.
    excess: (k, r), loss on the training points minus the empirical denoiser's, at one ψ; None if no ψ was given.
    """

    n: int
    models: tuple[int, ...]
    variance: Array
    singles: Array
    first: Array
    second: Array
    excess: Array | None = None

    def shares(self, threshold: float = 1 / 3) -> Array:
        """Compute the share of samples with d₁ < threshold · d₂, (k, r).  threshold: on distances, in (0, 1]."""
        check_ratio(threshold)
        return np.asarray((self.first < threshold * self.second).mean(2))

    def ratios(self, threshold: float = 1 / 3) -> list[Interval]:
        """Compute the share at each M with its 95 % interval; `count` is n_eff."""
        samples = self.first.shape[2]
        return [_clustered(shares, samples) for shares in self.shares(threshold)]


@dataclass(frozen=True)
class Transition:
    """The size M_pt.  mean: on average over replicates.  one: the interval for one more replicate."""

    mean: Interval
    one: Interval


def memorization_curve(
    points: ArrayLike,
    models: Sequence[int],
    seeds: Sequence[int],
    samples: int = 500,
    *,
    start: Start = "training",
    fresh: ArrayLike | None = None,
    snr: float | None = None,
) -> Curve:
    """Run models of M = `models` centers, once for every seed, from a start that decides whether the centers memorize.

    points: (n, d).  seeds: one random seed for every restart; the same seeds give the same result.
    samples: number per restart.  start: see `byheart.theory.starts`; "pairs", for M ≥ N/2, is the same for all seeds.
    fresh: (r, ≥ M, d), draws of the population for every seed; "population" starts from the first M of them.
    snr: ψ at which `Curve.excess` is measured; None leaves the excess out.
    Warns (RepeatedPointsWarning) if a point occurs twice.
    Raises InputError for M outside 1 … n, and a start that is not possible.
    """
    x, sizes = as_points(points), tuple(sorted(set(models)))
    _check_sizes(sizes, len(x), start)
    drawn = _fresh(fresh, start, (len(seeds), sizes[-1], x.shape[1]))
    warn_of_repeats(x)
    # Only centers that are averages of points stay in the points' span.
    inside, outside = in_span(x) if start in ("training", "pairs") else (x, 0)
    rows = []
    for m in sizes:
        own = [derive(seed, "lloyd", m) for seed in seeds]
        starts = drawn[:, :m] if start == "population" else _starts(start, inside, m, own)
        clusters = cluster(inside, starts)
        # The model has one variance for all d dimensions, including those that the points leave empty.
        clusters = replace(clusters, variance=clusters.variance * inside.shape[1] / x.shape[1])
        distances = sample_distances(inside, clusters, samples, own, outside=outside, told=True)
        excess_loss = _excess(inside, clusters, snr, own, outside)
        rows.append((clusters.variance, clusters.singles, *distances, excess_loss))
    variance, singles, first, second, excess = (np.stack(column) for column in zip(*rows, strict=True))
    return Curve(len(x), sizes, variance, singles, first, second, None if snr is None else excess)


def _starts(start: Start, points: Array, m: int, seeds: Sequence[int]) -> Array:
    """Return the starts of the centers, (r, m, d)."""
    match start:
        case "training":
            return training_starts(points, m, seeds)
        case "gaussian":
            return gaussian_starts(m, points.shape[1], seeds)
        case "pairs":
            return np.repeat(paired_starts(points, m), len(seeds), axis=0)
    raise unknown("start", start, STARTS, remedy='S1 starts from "training"')


def _excess(
    points: Array, clusters: Clusters, snr: float | None, seeds: Sequence[int], outside: int
) -> Array:
    """Measure the excess loss at ψ, (r,); NaN if no ψ is given."""
    if snr is None:
        return np.full(len(seeds), np.nan)
    return measured_excess(points, clusters.centers, clusters.variance, snr, seeds, outside=outside)


def _fresh(fresh: ArrayLike | None, start: Start, shape: tuple[int, int, int]) -> Array:
    """Return the population's draws, (r, ≥ M, d), and an empty array for other starts."""
    drawn = np.zeros((0, 0, 0)) if fresh is None else np.asarray(fresh, dtype=np.float64)
    fits = drawn.ndim == 3 and drawn.shape[::2] == shape[::2] and drawn.shape[1] >= shape[1]
    if (start == "population") != (fresh is not None) or (fresh is not None and not fits):
        raise InputError(
            got=f"start {start!r} with fresh {'None' if fresh is None else f'of shape {drawn.shape}'}",
            need=f'draws of the population, at least {shape}, for start "population" and no other start',
            remedy="draw as many points as the largest M, once for every seed",
        )
    return drawn


def _check_sizes(sizes: tuple[int, ...], n: int, start: Start) -> None:
    if not sizes:
        raise InputError(got="no model", need="at least one M", remedy="see default_models")
    if sizes[0] < 1 or sizes[-1] > n:
        raise InputError(
            got=f"M from {sizes[0]} to {sizes[-1]} of N = {n}",
            need="1 ≤ M ≤ N",
            remedy="choose other sizes",
        )
    if start == "pairs" and 2 * sizes[0] < n:
        raise InputError(
            got=f"M = {sizes[0]} of N = {n} from pairs",
            need="M ≥ N/2 to pair points",
            remedy="choose sizes from N/2 on, or another start",
        )


def joined(curves: Sequence[Curve]) -> Curve:
    """Join the replicates of several data sets of one size.  Raises InputError if N, the models or the samples differ."""
    if len({(curve.n, curve.models, curve.first.shape[2]) for curve in curves}) != 1:
        raise InputError(
            got="curves of different N, models or samples, or none",
            need="at least one curve, with equal N, models and samples",
            remedy="compute all curves with the same settings",
        )
    names = ("variance", "singles", "first", "second")
    parts = {name: np.concatenate([getattr(curve, name) for curve in curves], axis=1) for name in names}
    losses = [curve.excess for curve in curves if curve.excess is not None]
    excess = np.concatenate(losses, axis=1) if len(losses) == len(curves) else None
    return Curve(curves[0].n, curves[0].models, **parts, excess=excess)


def default_models(n: int, start: Start = "training") -> tuple[int, ...]:
    """Return M from N/20 to N in steps of N/20, whole numbers, without repeats; for start "pairs" from N/2 on."""
    check_least(
        "N", n, 2, "points", remedy="give more points: a copy is recognized by the second nearest point"
    )
    sizes = {max(1, round(n * step / 20)) for step in range(1, 21)}
    return tuple(sorted(m for m in sizes if start != "pairs" or 2 * m >= n))


def threshold_rule(threshold: float = 1 / 3) -> float:
    """Compute 1 − 2c/(1 − c), c = threshold²: a short estimate of M_pt/N, which depends on the threshold alone.

    The estimate is 0.04 too small at 1/3 and worse above, and right to 0.01 from 1/4 down.  It holds if Lloyd's var ≈
    (1 − M/N) C s/2, a point's nearest neighbor is at C s d, and a sample from a center on one point is memorized while var d is
    below c times the sum of C s d and var d.  N, d, K and s then cancel.
    Raises InputError unless 0 < threshold ≤ √⅓.
    """
    if not 0 < threshold <= 3**-0.5:
        raise InputError(
            got=f"threshold {threshold}",
            need="0 < threshold ≤ √⅓, above which the rule has no M",
            remedy="use 1/3",
        )
    square = threshold**2
    return 1 - 2 * square / (1 - square)


def crossing(shares: ArrayLike, models: ArrayLike, level: float = 0.5) -> float | None:
    """Find where one replicate's share of memorized samples passes a level.

    shares: (k,).  models: M, or M/N, (k,), increasing.  The shares are made increasing by least squares, and are linear between
    sizes.  Returns None if the share never reaches the level, or is above the level from the first size on.
    """
    from scipy.optimize import isotonic_regression

    values, sizes = np.asarray(shares, dtype=np.float64), np.asarray(models, dtype=np.float64)
    _check_shares(values, 1, sizes, level)
    rising = np.asarray(isotonic_regression(values).x)
    if rising[0] >= level or rising[-1] < level:
        return None
    after = int(np.argmax(rising >= level))
    low, high = rising[after - 1], rising[after]
    return float(sizes[after - 1] + (level - low) / (high - low) * (sizes[after] - sizes[after - 1]))


def transition(shares: ArrayLike, models: Sequence[float], level: float = 0.5) -> Transition | None:
    """Find where the shares of memorized samples pass a level, on average and in one run.

    shares: (k, r), of r ≥ 2 replicates, each measured separately.  models: M, or M/N, (k,), increasing.
    Returns None unless all replicates pass the level.
    """
    values, sizes = np.asarray(shares, dtype=np.float64), np.asarray(models, dtype=np.float64)
    _check_shares(values, 2, sizes, level)
    check_least("replicates:", values.shape[1], 2, remedy="add seeds, or use `crossing` for one replicate")
    crossings = [size for column in values.T if (size := crossing(column, sizes, level)) is not None]
    if len(crossings) < values.shape[1]:
        return None
    mean = mean_interval(crossings)
    half = (mean.high - mean.value) * math.sqrt(mean.count + 1)
    return Transition(mean, Interval(mean.value, mean.value - half, mean.value + half, mean.count))


def _check_shares(values: Array, axes: int, sizes: Array, level: float) -> None:
    """Raise InputError unless the shares have `axes` axes, the first along k ≥ 2 increasing models."""
    alike = values.ndim == axes and sizes.ndim == 1 and values.shape[:1] == sizes.shape
    rising = len(sizes) > 1 and bool(np.isfinite(sizes).all()) and bool((np.diff(sizes) > 0).all())
    if not alike or not rising or not np.isfinite(values).all():
        raise InputError(
            got=f"shares of shape {values.shape} at {sizes.shape} models",
            need=f"finite shares {'(k,)' if axes == 1 else '(k, r)'} at k ≥ 2 increasing M",
            remedy="transpose, or sort the models",
        )
    check_open("level", level, 1, remedy="M_pt is defined by one half")


def _clustered(shares: Array, samples: int) -> Interval:
    """Compute the mean share with a binomial interval that is wider where replicates have different shares."""
    share, total = float(shares.mean()), samples * len(shares)
    alone = share * (1 - share) / samples
    between = float(shares.var(ddof=1)) if len(shares) > 1 else 0.0
    count = round(total / max(1.0, between / alone)) if alone else total
    limits = proportion(round(share * max(count, 1)), max(count, 1))
    return Interval(share, min(share, limits.low), max(share, limits.high), max(count, 1))
