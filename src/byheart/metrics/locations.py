"""Where did the means of a mixture go: to the means of the population, or to the training samples?

    near a true mean    d(μ, nearest true mean)  < c · d(μ, nearest sample)     and  < c · d(μ, second nearest true mean)
    near a sample       d(μ, nearest sample)     < c · d(μ, nearest true mean)  and  < c · d(μ, second nearest sample)

c = 1/3 is the threshold on distances, the same as in the ratio test.  A learned mean may be near neither; for c ≤ 1 it
cannot be near both.
Reference: S1 (arXiv 2508.17689), section 5.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from byheart._checks import InputError, check_ratio
from byheart.numerics.neighbors import Neighbors, nearest

__all__ = ["PERCENTILES", "Locations", "locate", "locations", "near", "percentiles"]

PERCENTILES = (0.10, 0.25, 0.50, 0.75, 0.90)


@dataclass(frozen=True, eq=False)
class Locations:
    """Distances of m learned means to the two nearest of each kind, (m, 2) float64, nearest first."""

    to_true: Tensor
    to_samples: Tensor


def locations(
    learned: Tensor, train: Tensor, true_means: Tensor, threshold: float = 1 / 3
) -> dict[str, float]:
    """Return S1's table of a learned mixture, as a flat record.

    near/points, near/means          number of learned means near a training sample, and near a true mean
    distance/point, distance/mean    mean distance to the nearest sample, and to the nearest true mean
    …/second                         mean distance to the second nearest sample or mean
    …/p10, p25, p50, p75, p90        percentiles of the distance to the nearest sample or mean

    learned: (m, d).  train: (n, d).  true_means: (k, d).  threshold: in (0, 1].
    Raises InputError as `locate` and `near` do.
    """
    distances = locate(learned, true_means, train)
    record: dict[str, float] = {
        "near/points": int(near(distances.to_samples, distances.to_true, threshold).sum()),
        "near/means": int(near(distances.to_true, distances.to_samples, threshold).sum()),
    }
    for name, distance in (("point", distances.to_samples), ("mean", distances.to_true)):
        first, second = distance.mean(0).tolist()
        record |= {f"distance/{name}": first, f"distance/{name}/second": second}
        marks = percentiles(distance[:, 0]).tolist()
        record |= {f"distance/{name}/p{100 * p:.0f}": v for p, v in zip(PERCENTILES, marks, strict=True)}
    return record


def locate(learned: Tensor, true_means: Tensor, train: Tensor) -> Locations:
    """Measure the exact distances of the learned means to the true means and to the samples.

    learned: (m, d).  true_means: (k, d).  train: (n, d).  With a single true mean, or a single sample, the second nearest is
    infinitely far.  Raises InputError for shapes that differ, or NaN.
    """
    return Locations(_two_nearest(learned, true_means), _two_nearest(learned, train))


def near(own: Tensor, other: Tensor, threshold: float = 1 / 3) -> Tensor:
    """Say which points are near the nearest point of one kind, (m,) bool: nearer than c times the other two distances.

    own, other: (m, ≥ 2) distances to the nearest points of the kind in question and of the other kind, nearest first.
    threshold: c.  Raises InputError for a threshold outside (0, 1], or distances that are NaN.
    """
    check_ratio(threshold)
    if bool(own.isnan().any() | other.isnan().any()):
        raise InputError(
            got="distances that are NaN", need="numbers only", remedy="take the distances from locate(…)"
        )
    return (own[:, 0] < threshold * other[:, 0]) & (own[:, 0] < threshold * own[:, 1])


def percentiles(distance: Tensor) -> Tensor:
    """Compute the 10th, 25th, 50th, 75th and 90th percentile, (5,), interpolated linearly.  distance: (m,)."""
    marks = torch.tensor(PERCENTILES, dtype=distance.dtype, device=distance.device)
    return torch.quantile(distance, marks)


def _two_nearest(queries: Tensor, points: Tensor) -> Tensor:
    """Return the distances of the queries to their two nearest points, (q, 2); infinite where there is a single point."""
    neighbors: Neighbors = nearest(queries, points, min(2, len(points)))
    if neighbors.distance.shape[1] == 2:
        return neighbors.distance
    return torch.cat([neighbors.distance, torch.full_like(neighbors.distance, float("inf"))], 1)
