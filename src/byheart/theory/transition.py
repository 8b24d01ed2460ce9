"""At which size does a mixture model know its points by heart?  A forecast without training, with its interval.

    share(M)    of samples with d₁ < threshold · d₂, over restarts of Lloyd (`byheart.theory.lloyd`) at each M, from a start
    M_pt        where the share passes one half

A replicate is a restart, or a restart on its own draw of the data: independent, with samples of its own.  Its shares are made
increasing in M (least squares: the noise of its samples would else let it cross several times) and cross the level by
linear interpolation.  The crossings of the replicates then hold all the noise there is, binomial and of the starts:

    mean    Student's t interval of their mean: what is known about M_pt on average
    one     mean ± t sd √(1 + 1/r): where a single training run will find it, in 95 % of cases

Shares at one M are binomial within a replicate only; between replicates they may differ.  Their interval is the binomial one of
as many samples as are worth one without that: n_eff = n / max(1, variance between replicates / binomial variance).
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
    """What Lloyd says of models of several sizes.  n: points.  models: M, (k,), increasing.

    variance: (k, r), the model's.  singles: (k, r), share of centers on one training point.
    first, second: (k, r, s), d₁ and d₂ of samples: any threshold can be read off.
    excess: (k, r), loss on the training points over the empirical denoiser's, at one ψ; None if it was not asked for.
    """

    n: int
    models: tuple[int, ...]
    variance: Array
    singles: Array
    first: Array
    second: Array
    excess: Array | None = None

    def shares(self, threshold: float = 1 / 3) -> Array:
        """The share of samples with d₁ < threshold · d₂, (k, r).  threshold: on distances, in (0, 1]."""
        check_ratio(threshold)
        return np.asarray((self.first < threshold * self.second).mean(2))

    def ratios(self, threshold: float = 1 / 3) -> list[Interval]:
        """The share at each M with its 95 % interval; `count` is n_eff."""
        samples = self.first.shape[2]
        return [_clustered(shares, samples) for shares in self.shares(threshold)]


@dataclass(frozen=True)
class Transition:
    """Where M_pt lies.  mean: on average over replicates.  one: where one more replicate will have it."""

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
    """Models of M = `models` centers, once for every seed, from a start that decides what becomes of them.

    points: (n, d).  samples: of every restart.  start: see `byheart.theory.starts`; pairs, for M ≥ N/2, are the same for all seeds.
    fresh: (r, ≥ M, d), draws of the population for every seed, the first M of which "population" starts from.
    snr: ψ at which `Curve.excess` is measured; None leaves it out.
    Warns (RepeatedPointsWarning) if a point occurs twice.  Raises InputError for M outside 1 … n, and a start that is not possible.
    """
    x, sizes = as_points(points), tuple(sorted(set(models)))
    _check_sizes(sizes, len(x), start)
    drawn = _fresh(fresh, start, (len(seeds), sizes[-1], x.shape[1]))
    warn_of_repeats(x)
    # Centers that are no averages of points leave the points' span.
    inside, outside = in_span(x) if start in ("training", "pairs") else (x, 0)
    rows = []
    for m in sizes:
        own = [derive(seed, "lloyd", m) for seed in seeds]
        begun = drawn[:, :m] if start == "population" else _begun(start, inside, m, own)
        found = cluster(inside, begun)
        # The model has one variance for all d dimensions, also for those that the points leave empty.
        found = replace(found, variance=found.variance * inside.shape[1] / x.shape[1])
        distances = sample_distances(inside, found, samples, own, outside=outside, told=True)
        rows.append((found.variance, found.singles, *distances, _excess(inside, found, snr, own, outside)))
    variance, singles, first, second, excess = (np.stack(column) for column in zip(*rows, strict=True))
    return Curve(len(x), sizes, variance, singles, first, second, None if snr is None else excess)


def _begun(start: Start, points: Array, m: int, seeds: Sequence[int]) -> Array:
    """Where the centers begin, (r, m, d)."""
    match start:
        case "training":
            return training_starts(points, m, seeds)
        case "gaussian":
            return gaussian_starts(m, points.shape[1], seeds)
        case "pairs":
            return np.repeat(paired_starts(points, m), len(seeds), axis=0)
    raise unknown("start", start, STARTS, remedy="S1 has training")


def _excess(points: Array, found: Clusters, snr: float | None, seeds: Sequence[int], outside: int) -> Array:
    """At ψ, (r,); not a number without one."""
    if snr is None:
        return np.full(len(seeds), np.nan)
    return measured_excess(points, found.centers, found.variance, snr, seeds, outside=outside)


def _fresh(fresh: ArrayLike | None, start: Start, shape: tuple[int, int, int]) -> Array:
    """The population's draws, (r, ≥ M, d), nothing for other starts."""
    drawn = np.zeros((0, 0, 0)) if fresh is None else np.asarray(fresh, dtype=np.float64)
    fits = drawn.ndim == 3 and drawn.shape[::2] == shape[::2] and drawn.shape[1] >= shape[1]
    if (start == "population") != (fresh is not None) or (fresh is not None and not fits):
        raise InputError(
            got=f"start {start!r} with fresh {'None' if fresh is None else f'of shape {drawn.shape}'}",
            need=f"draws of the population, at least {shape}, for that start and no other",
            remedy="draw as many points as there are centers, once for every seed",
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
    """The replicates of several data sets of one size side by side.  Raises InputError if N or the models differ."""
    if len({(curve.n, curve.models, curve.first.shape[2]) for curve in curves}) != 1:
        raise InputError(
            got="curves of different N, models or samples, or none",
            need="alike in all three",
            remedy="use one grid",
        )
    names = ("variance", "singles", "first", "second")
    parts = {name: np.concatenate([getattr(curve, name) for curve in curves], axis=1) for name in names}
    losses = [curve.excess for curve in curves if curve.excess is not None]
    excess = np.concatenate(losses, axis=1) if len(losses) == len(curves) else None
    return Curve(curves[0].n, curves[0].models, **parts, excess=excess)


def default_models(n: int, start: Start = "training") -> tuple[int, ...]:
    """M from N/20 to N in steps of N/20, whole numbers, without repeats; of pairs from N/2."""
    check_least("N", n, 2, "points", remedy="a copy is told by the second nearest")
    sizes = {max(1, round(n * step / 20)) for step in range(1, 21)}
    return tuple(sorted(m for m in sizes if start != "pairs" or 2 * m >= n))


def threshold_rule(threshold: float = 1 / 3) -> float:
    """1 − 2c/(1 − c), c = threshold²: M_pt/N in short, 0.04 too small at 1/3 and worse above, right to 0.01 from 1/4 down.

    Lloyd's var ≈ (1 − M/N) C s/2, a point's nearest neighbor at C s d, and a sample of a single memorized while var d is below
    c times that plus var d.  N, d, K and s cancel: M_pt/N belongs to the threshold.
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
    """Where one replicate's share of memorized samples passes a level; None if it never does, or is there from the first size on.

    shares: (k,).  models: M, or M/N, (k,), increasing.  The shares are made increasing by least squares, and linear in between.
    """
    from scipy.optimize import isotonic_regression

    values, at = np.asarray(shares, dtype=np.float64), np.asarray(models, dtype=np.float64)
    _check_shares(values, 1, at, level)
    rising = np.asarray(isotonic_regression(values).x)
    if rising[0] >= level or rising[-1] < level:
        return None
    after = int(np.argmax(rising >= level))
    low, high = rising[after - 1], rising[after]
    return float(at[after - 1] + (level - low) / (high - low) * (at[after] - at[after - 1]))


def transition(shares: ArrayLike, models: Sequence[float], level: float = 0.5) -> Transition | None:
    """Where the shares of memorized samples pass a level, on average and in one run; None unless all replicates pass it.

    shares: (k, r), of r ≥ 2 replicates, each measured by itself.  models: M, or M/N, (k,), increasing.
    """
    values, at = np.asarray(shares, dtype=np.float64), np.asarray(models, dtype=np.float64)
    _check_shares(values, 2, at, level)
    check_least("replicates:", values.shape[1], 2, remedy="add seeds; one replicate has a crossing")
    crossings = [place for column in values.T if (place := crossing(column, at, level)) is not None]
    if len(crossings) < values.shape[1]:
        return None
    mean = mean_interval(crossings)
    half = (mean.high - mean.value) * math.sqrt(mean.count + 1)
    return Transition(mean, Interval(mean.value, mean.value - half, mean.value + half, mean.count))


def _check_shares(values: Array, axes: int, at: Array, level: float) -> None:
    """Raise InputError unless the shares have so many axes, the first along k ≥ 2 increasing models."""
    alike = values.ndim == axes and at.ndim == 1 and values.shape[:1] == at.shape
    rising = len(at) > 1 and bool(np.isfinite(at).all()) and bool((np.diff(at) > 0).all())
    if not alike or not rising or not np.isfinite(values).all():
        raise InputError(
            got=f"shares of shape {values.shape} at {at.shape} models",
            need=f"finite shares {'(k,)' if axes == 1 else '(k, r)'} at k ≥ 2 increasing M",
            remedy="transpose, or sort the models",
        )
    check_open("level", level, 1, remedy="one half is M_pt's")


def _clustered(shares: Array, samples: int) -> Interval:
    """The mean share with a binomial interval that replicates of different shares make wider."""
    share, total = float(shares.mean()), samples * len(shares)
    alone = share * (1 - share) / samples
    between = float(shares.var(ddof=1)) if len(shares) > 1 else 0.0
    count = round(total / max(1.0, between / alone)) if alone else total
    limits = proportion(round(share * max(count, 1)), max(count, 1))
    return Interval(share, min(share, limits.low), max(share, limits.high), max(count, 1))
