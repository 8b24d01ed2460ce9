"""Lloyd's k-means in the place of training: what a mixture of M centers and one variance learns from N points.

    cⱼ ← mean of the points nearest to cⱼ, until no point changes sides        (Lloyd 1982)
    var = (1/(N d)) Σᵢ ‖xᵢ − c(xᵢ)‖²                                           variance of the model, all clusters pooled
    x̂ = cⱼ + √var g,  j uniform                                                its samples: d₁, d₂ to the points

Started from M training points, denoising score matching ends there instance by instance: (2M − N)/M of the centers still
sit on one training point each, the others average two or three.  A sample of a single is memorized where var ‖g‖² is below
threshold² d₂², so that the share of memorized samples follows from var, and M_pt, where it passes one half, from the threshold.

That is a measured fact about this model class (docs/theory/crossover.md), no theorem, and none about networks.
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
    """A training point occurs twice: no sample is much nearer to one than to the other, and none counts as memorized."""


@dataclass(frozen=True, eq=False)
class Clusters:
    """What r restarts of Lloyd found.  centers: (r, m, d).  labels: (r, n), the center of each point.

    sizes: (r, m), points of each center.  variance: (r,), pooled.  rounds: (r,), assignments until nothing changed.
    """

    centers: Array
    labels: Index
    sizes: Index
    variance: Array
    rounds: Index

    @property
    def singles(self) -> Array:
        """Share of the centers that hold one training point and sit on it, (r,)."""
        return np.asarray((self.sizes == 1).mean(1))

    @property
    def empty(self) -> Array:
        """Share of the centers that no point is nearest to, (r,): where the starts are no training points."""
        return np.asarray((self.sizes == 0).mean(1))


def cluster(points: ArrayLike, starts: ArrayLike, rounds: int = 1000) -> Clusters:
    """Lloyd's iteration of every restart, until no point changes sides.

    points: (n, d).  starts: (r, m, d), m ≤ n.  rounds: at most so many.  A center without points stays where it is.
    Memory: the centers, and blocks of 128 MB of their (r, n, m) scores.
    """
    x, first = as_points(points), np.asarray(starts, dtype=np.float64)
    if first.ndim != 3 or first.shape[2] != x.shape[1] or not np.isfinite(first).all() or not first.size:
        raise InputError(
            got=f"starts of shape {first.shape}",
            need=f"finite centers, (r, m, {x.shape[1]})",
            remedy="see byheart.theory.starts, or give samples of your own",
        )
    check_count(first.shape[1], len(x))
    check_least("rounds", rounds, remedy="leave it out: it ends by itself")
    return _descend(x, first.copy(), rounds)


def _descend(x: Array, centers: Array, rounds: int) -> Clusters:
    """Moves the centers in place; restarts that are done drop out of the products."""
    r, m, _ = centers.shape
    labels, taken = np.full((r, len(x)), -1), np.zeros(r, dtype=np.int64)
    sizes, busy = np.zeros((r, m), dtype=np.int64), np.arange(r)
    for _ in range(rounds):
        found = _nearest(x, centers[busy])
        taken[busy] += 1
        moved = (found != labels[busy]).any(1)
        labels[busy] = found
        busy = busy[moved]
        if not len(busy):
            break
        centers[busy], sizes[busy] = _means(x, centers[busy], labels[busy])
    # Σ‖x − c‖² = Σ‖x‖² − Σ n‖c‖² cancels where clusters are tight; differences do not.
    spread = [np.square(x - c[own]).mean() for c, own in zip(centers, labels, strict=True)]
    return Clusters(centers, labels, sizes, np.array(spread), taken)


def _nearest(x: Array, centers: Array) -> Index:
    """Index of the nearest center, (r, n): the largest x·c − ‖c‖²/2, for as many points at a time as there is room."""
    halves = np.square(centers).sum(2)[:, None] / 2
    rows = max(1, SCORES // halves.size)
    parts = []
    for at in range(0, len(x), rows):
        scores = x[at : at + rows] @ centers.transpose(0, 2, 1)
        scores -= halves
        parts.append(scores.argmax(2))
    return np.concatenate(parts, axis=1, dtype=np.int64)


def _means(x: Array, centers: Array, labels: Index) -> tuple[Array, Index]:
    """Means of the points of each label, and their number; where there are none, the center as it was."""
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
    """d₁ and d₂ of samples of the mixture to their two nearest training points, (r, samples) each.

    seeds: one for every restart.  outside: dimensions that `in_span` took away, in which samples have noise and points have
    nothing.  Distances to the two are measured by differences: a perfect copy has exactly 0.
    Warns (RepeatedPointsWarning) if a point occurs twice, unless told: that the caller has said so.
    """
    x = as_points(points)
    check_seeds(seeds, len(clusters.centers))
    if len(x) < 2 or samples < 1:
        raise InputError(
            got=f"{samples} samples and {len(x)} points",
            need="at least 1 and 2",
            remedy="see samples, points",
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
    """One restart.  reference: (n, d + 1), the points with −‖x‖²/2 behind."""
    draws = np.random.default_rng(derive(seed, "samples"))
    chosen = centers[draws.integers(len(centers), size=samples)]
    drawn = chosen + np.sqrt(variance) * draws.standard_normal(chosen.shape)
    # The norms as one more column of the product cost nothing; subtracted afterwards they cost as much as it.
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
    """Eigenvalues of the covariance inside the clusters, all pooled, of the restart of the smallest variance: (min(n, d),)."""
    x, best = as_points(points), int(clusters.variance.argmin())
    left = x - clusters.centers[best, clusters.labels[best]]
    return np.asarray(np.square(np.linalg.svd(left, compute_uv=False)) / len(x))


def in_span(points: ArrayLike) -> tuple[Array, int]:
    """The points in the coordinates of their own span, (n, min(n, d)), and how many dimensions were left out.

    Distances between them, hence clusters, are the same; of n images of d pixels, n < d, products cost n/d as much.
    """
    x = as_points(points)
    if x.shape[1] <= len(x):
        return x, 0
    triangle: Array = np.asarray(np.linalg.qr(x.T, mode="r"))
    return np.ascontiguousarray(triangle.T), x.shape[1] - len(x)


def distinct(points: ArrayLike) -> Array:
    """Each point once, in order of first appearance: (u, d)."""
    x = as_points(points)
    return x[np.sort(np.unique(x, axis=0, return_index=True)[1])]


def as_points(points: ArrayLike) -> Array:
    """(n, d) float64.  Raises InputError for another shape, for NaN or infinity, and for points that are all the same."""
    x = np.asarray(points, dtype=np.float64)
    if x.ndim != 2 or not x.size or not np.isfinite(x).all():
        raise InputError(
            got=f"points of shape {x.shape}",
            need="finite numbers, (n, d)",
            remedy="flatten images, and remove rows that are not finite",
        )
    if not (x != x[:1]).any():
        raise InputError(
            got=f"{len(x)} points of variance 0", need="points that differ", remedy="check what was read"
        )
    return x


def check_count(m: int, n: int) -> None:
    """Raise InputError unless 1 ≤ M ≤ N."""
    if not 1 <= m <= n:
        raise InputError(
            got=f"M = {m} of N = {n}", need="1 ≤ M ≤ N", remedy="a center without a point learns nothing"
        )


def check_seeds(seeds: Sequence[int], count: int | None = None) -> None:
    """Raise InputError unless there are `count` seeds, or any at all."""
    if not seeds or (count is not None and len(seeds) != count):
        raise InputError(
            got=f"{len(seeds)} seeds",
            need=f"{count or 'at least 1'}, one a restart",
            remedy="hand in range(8)",
        )


def warn_of_repeats(x: Array) -> None:
    """Warn (RepeatedPointsWarning) if a point occurs twice.  x: (n, d), as they came: rounding tells copies apart."""
    repeated = len(x) - len(distinct(x))
    if repeated:
        warnings.warn(
            f"{repeated} of {len(x)} points repeat an earlier one: samples of these never count as memorized; use distinct(points)",
            RepeatedPointsWarning,
            stacklevel=3,
        )
