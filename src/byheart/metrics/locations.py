"""Where did the means of a mixture go: to the means of the population, or to the training samples?  (S1, 2508.17689, section 5.)

    near a true mean    d(μ, nearest true mean)  < c · d(μ, nearest sample)     and  < c · d(μ, second nearest true mean)
    near a sample       d(μ, nearest sample)     < c · d(μ, nearest true mean)  and  < c · d(μ, second nearest sample)

with the threshold c = 1/3 on distances, that of the ratio test.  A learned mean may be neither; it cannot be both for c ≤ 1.
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
    """S1's table of a learned mixture, as a flat record.

    near/points, near/means          learned means near a training sample, near a true mean: counts
    distance/point, distance/mean    mean distance to the nearest sample, to the nearest true mean
    …/second                         to the second nearest of them
    …/p10, p25, p50, p75, p90        percentiles of the nearest

    learned: (m, d).  train: (n, d).  true_means: (k, d).  threshold: in (0, 1].  Raises InputError as `locate` and `near`.
    """
    found = locate(learned, true_means, train)
    record: dict[str, float] = {
        "near/points": int(near(found.to_samples, found.to_true, threshold).sum()),
        "near/means": int(near(found.to_true, found.to_samples, threshold).sum()),
    }
    for name, distance in (("point", found.to_samples), ("mean", found.to_true)):
        first, second = distance.mean(0).tolist()
        record |= {f"distance/{name}": first, f"distance/{name}/second": second}
        marks = percentiles(distance[:, 0]).tolist()
        record |= {f"distance/{name}/p{100 * p:.0f}": v for p, v in zip(PERCENTILES, marks, strict=True)}
    return record


def locate(learned: Tensor, true_means: Tensor, train: Tensor) -> Locations:
    """Exact distances of the learned means.  learned: (m, d).  true_means: (k, d).  train: (n, d).

    With one true mean, or one sample, the second nearest is infinitely far.  Raises InputError for shapes that differ, or NaN.
    """
    return Locations(_two(learned, true_means), _two(learned, train))


def near(own: Tensor, other: Tensor, threshold: float = 1 / 3) -> Tensor:
    """Which points are near the nearest of their own kind, (m,) bool.

    own, other: (m, ≥ 2) distances to the nearest points of two kinds, nearest first.  threshold: c.
    Raises InputError for a threshold out of (0, 1], or distances that are NaN.
    """
    check_ratio(threshold)
    if bool(own.isnan().any() | other.isnan().any()):
        raise InputError(got="distances that are NaN", need="numbers only", remedy="take them from locate(…)")
    return (own[:, 0] < threshold * other[:, 0]) & (own[:, 0] < threshold * own[:, 1])


def percentiles(distance: Tensor) -> Tensor:
    """The 10th, 25th, 50th, 75th and 90th percentile, (5,), interpolated linearly.  distance: (m,)."""
    marks = torch.tensor(PERCENTILES, dtype=distance.dtype, device=distance.device)
    return torch.quantile(distance, marks)


def _two(queries: Tensor, points: Tensor) -> Tensor:
    found: Neighbors = nearest(queries, points, min(2, len(points)))
    if found.distance.shape[1] == 2:
        return found.distance
    return torch.cat([found.distance, torch.full_like(found.distance, float("inf"))], 1)
