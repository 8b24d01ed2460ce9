"""Lloyd's k-means in place of training: what a mixture of M centers and one variance learns from N points.

    cⱼ ← mean of the points nearest to cⱼ, until no point changes sides        (Lloyd 1982)
    var = (1/(N d)) Σᵢ ‖xᵢ − c(xᵢ)‖²                                           variance of the model, all clusters pooled
    x̂ = cⱼ + √var g,  j uniform                                                its samples: d₁, d₂ to the points

Started from M training points, denoising score matching ends where Lloyd's iteration ends, instance by instance: (2M − N)/M
of the centers still sit on one training point each, and the others average two or three points.  A sample from a center on
one point is memorized if var ‖g‖² is below threshold² d₂².  So the share of memorized samples follows from var, and M_pt,
where the share passes one half, follows from the threshold.

That is a measured fact about this model class (docs/theory/crossover.md).  It is no theorem, and no fact about networks.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from byheart._checks import InputError, check_least
from byheart.random import derive

__all__ = [
    "Clusters",
    "RepeatedPointsWarning",
    "as_points",
    "check_count",
    "check_seeds",
    "cluster",
    "distinct",
    "in_span",
    "sample_distances",
    "warn_of_repeats",
    "within_variances",
]

Array = NDArray[np.float64]
Index = NDArray[np.int64]

SCORES = 1 << 24  # numbers in one block of scores


class RepeatedPointsWarning(UserWarning):
    """A training point occurs twice, so its copies have two nearest points at one distance and never count as memorized."""


@dataclass(frozen=True, eq=False)
class Clusters:
    """The result of r restarts of Lloyd's iteration.

    centers: (r, m, d).  labels: (r, n), the center of each point.  sizes: (r, m), number of points of each center.
    variance: (r,), pooled over the clusters.  rounds: (r,), number of assignments until nothing changed.
    """

    centers: Array
    labels: Index
    sizes: Index
    variance: Array
    rounds: Index

    @property
    def singles(self) -> Array:
        """Return the share of the centers that hold one training point and sit on that point, (r,)."""
        return np.asarray((self.sizes == 1).mean(1))

    @property
    def empty(self) -> Array:
        """Return the share of the centers that are nearest to no point, (r,); 0 if the starts are training points."""
        return np.asarray((self.sizes == 0).mean(1))


def cluster(points: ArrayLike, starts: ArrayLike, rounds: int = 1000) -> Clusters:
    """Run Lloyd's iteration from every start, until no point changes sides.

    points: (n, d).  starts: (r, m, d), m ≤ n.  rounds: largest number of assignments.  A center without points does not move.
    Memory: the centers, and blocks of 128 MB of the (r, n, m) scores.
    Raises InputError for starts of another shape or number, or points that `as_points` refuses.
    """
    x, first = as_points(points), np.asarray(starts, dtype=np.float64)
    if first.ndim != 3 or first.shape[2] != x.shape[1] or not np.isfinite(first).all() or not first.size:
        raise InputError(
            got=f"starts of shape {first.shape}",
            need=f"finite centers, (r, m, {x.shape[1]})",
            remedy="see byheart.theory.starts, or give samples of your own",
        )
    check_count(first.shape[1], len(x))
    check_least("rounds", rounds, remedy="leave `rounds` out: the iteration ends by itself")
    return _descend(x, first.copy(), rounds)


def _descend(x: Array, centers: Array, rounds: int) -> Clusters:
    """Iterate, moving the centers in place; restarts that are done are left out of the products."""
    r, m, _ = centers.shape
    labels, taken = np.full((r, len(x)), -1), np.zeros(r, dtype=np.int64)
    sizes, busy = np.zeros((r, m), dtype=np.int64), np.arange(r)
    for _ in range(rounds):
        nearest = _nearest(x, centers[busy])
        taken[busy] += 1
        moved = (nearest != labels[busy]).any(1)
        labels[busy] = nearest
        busy = busy[moved]
        if not len(busy):
            break
        centers[busy], sizes[busy] = _means(x, centers[busy], labels[busy])
    # Σ‖x − c‖² = Σ‖x‖² − Σ n‖c‖² cancels where clusters are tight; differences do not.
    spread = [np.square(x - c[own]).mean() for c, own in zip(centers, labels, strict=True)]
    return Clusters(centers, labels, sizes, np.array(spread), taken)


def _nearest(x: Array, centers: Array) -> Index:
    """Find the nearest center of every point, (r, n), by the largest x·c − ‖c‖²/2.

    As many points are compared at a time as SCORES allows.
    """
    halves = np.square(centers).sum(2)[:, None] / 2
    rows = max(1, SCORES // halves.size)
    parts = []
    for start in range(0, len(x), rows):
        scores = x[start : start + rows] @ centers.transpose(0, 2, 1)
        scores -= halves
        parts.append(scores.argmax(2))
    return np.concatenate(parts, axis=1, dtype=np.int64)


def _means(x: Array, centers: Array, labels: Index) -> tuple[Array, Index]:
    """Compute the mean and the number of the points of each label; the mean of no points is the center itself."""
    r, m, d = centers.shape
    flat = (labels + np.arange(r)[:, None] * m).ravel()
    order = np.argsort(flat, kind="stable")
    used, first, count = np.unique(flat[order], return_index=True, return_counts=True)
    moved, sizes = centers.reshape(-1, d).copy(), np.zeros(r * m, dtype=np.int64)
    moved[used] = np.add.reduceat(x[order % len(x)], first) / count[:, None]
    sizes[used] = count
    return moved.reshape(r, m, d), sizes.reshape(r, m)


def sample_distances(
    points: ArrayLike,
    clusters: Clusters,
    samples: int,
    seeds: Sequence[int],
    *,
    outside: int = 0,
    told: bool = False,
) -> tuple[Array, Array]:
    """Draw samples of the mixture, and measure d₁ and d₂ to their two nearest training points: (r, samples) each.

    samples: number per restart.  seeds: one random seed for every restart; the same seeds give the same result.
    outside: number of dimensions that `in_span` removed, in which samples have noise and all points are 0.
    told: whether the caller has warned of repeated points.
    Both distances are measured by differences, so a perfect copy has exactly 0.
    Warns (RepeatedPointsWarning) if a point occurs twice, unless `told`.
    Raises InputError for fewer than two points, no samples, or another number of seeds.
    """
    x = as_points(points)
    check_seeds(seeds, len(clusters.centers))
    if len(x) < 2 or samples < 1:
        raise InputError(
            got=f"{samples} samples and {len(x)} points",
            need="at least 1 sample and 2 points",
            remedy="raise `samples`, or give more points",
        )
    if not told:
        warn_of_repeats(x)
    reference = np.column_stack([x, np.square(x).sum(1) / -2])
    pairs = [
        _two_distances(x, reference, centers, variance, samples, seed, outside)
        for centers, variance, seed in zip(clusters.centers, clusters.variance, seeds, strict=True)
    ]
    first, second = (np.stack(side) for side in zip(*pairs, strict=True))
    return first, second


def _two_distances(
    x: Array, reference: Array, centers: Array, variance: float, samples: int, seed: int, outside: int
) -> tuple[Array, Array]:
    """Measure d₁ and d₂ of samples of one restart.  reference: (n, d + 1), the points with −‖x‖²/2 as a last column."""
    draws = np.random.default_rng(derive(seed, "samples"))
    chosen = centers[draws.integers(len(centers), size=samples)]
    drawn = chosen + np.sqrt(variance) * draws.standard_normal(chosen.shape)
    # As one more column of the product the norms cost nothing; subtracted afterwards they cost as much as the product.
    scores = np.column_stack([drawn, np.ones(samples)]) @ reference.T
    squares = []
    for _ in range(2):
        best = scores.argmax(1)
        squares.append(np.square(drawn - x[best]).sum(1))
        scores[np.arange(samples), best] = -np.inf
    left = variance * draws.chisquare(outside, samples) if outside else 0.0
    first, second = (np.sqrt(square + left) for square in squares)
    return np.minimum(first, second), np.maximum(first, second)  # rounding of the scores may swap a tie


def within_variances(points: ArrayLike, clusters: Clusters) -> Array:
    """Compute the eigenvalues of the covariance inside the clusters, (min(n, d),), for the restart of the smallest variance.

    The clusters are pooled into one covariance.
    """
    x, best = as_points(points), int(clusters.variance.argmin())
    left = x - clusters.centers[best, clusters.labels[best]]
    return np.asarray(np.square(np.linalg.svd(left, compute_uv=False)) / len(x))


def in_span(points: ArrayLike) -> tuple[Array, int]:
    """Return the points in coordinates of their own span, (n, min(n, d)), and the number of dimensions left out.

    Distances between points, hence clusters, are the same; products of n images of d pixels, n < d, cost n/d as much.
    """
    x = as_points(points)
    if x.shape[1] <= len(x):
        return x, 0
    triangle: Array = np.asarray(np.linalg.qr(x.T, mode="r"))
    return np.ascontiguousarray(triangle.T), x.shape[1] - len(x)


def distinct(points: ArrayLike) -> Array:
    """Return each point once, in order of first appearance: (u, d)."""
    x = as_points(points)
    return x[np.sort(np.unique(x, axis=0, return_index=True)[1])]


def as_points(points: ArrayLike) -> Array:
    """Return points as (n, d) float64.

    Raises InputError for another shape, for NaN or infinity, and for points that are all the same.
    """
    x = np.asarray(points, dtype=np.float64)
    if x.ndim != 2 or not x.size or not np.isfinite(x).all():
        raise InputError(
            got=f"points of shape {x.shape}",
            need="finite numbers, (n, d)",
            remedy="flatten images, and remove rows that are not finite",
        )
    if not (x != x[:1]).any():
        raise InputError(
            got=f"{len(x)} points of variance 0",
            need="points that differ",
            remedy="check how the points were read",
        )
    return x


def check_count(m: int, n: int) -> None:
    """Raise InputError unless 1 ≤ M ≤ N."""
    if not 1 <= m <= n:
        raise InputError(
            got=f"M = {m} of N = {n}",
            need="1 ≤ M ≤ N",
            remedy="choose M from 1 to N: a center without a point learns nothing",
        )


def check_seeds(seeds: Sequence[int], count: int | None = None) -> None:
    """Raise InputError unless there are `count` seeds, or at least one if count is None."""
    if not seeds or (count is not None and len(seeds) != count):
        raise InputError(
            got=f"{len(seeds)} seeds",
            need=f"{count or 'at least 1'}, one for each restart",
            remedy="pass for example range(8)",
        )


def warn_of_repeats(x: Array) -> None:
    """Warn (RepeatedPointsWarning) if a point occurs twice.

    x: (n, d), before any rotation, because rounding tells copies apart.
    """
    repeated = len(x) - len(distinct(x))
    if repeated:
        warnings.warn(
            f"{repeated} of {len(x)} points repeat an earlier one: samples of these never count as memorized; use distinct(points)",
            RepeatedPointsWarning,
            stacklevel=3,
        )
