"""AuthPct: the percentage of samples farther from their nearest training image than that image is from its own neighbor.

    t = nearest training image of g;    authentic if d(t, nearest other training image) < d(g, t)

Copies are not authentic.  Fresh images are authentic in one case of three on a line, and in 55 to 80 % in many dimensions
(the nearest training image of anything lies in a dense region).  So the percentage means nothing without the percentage of
held-out images.

References: Alaa et al. 2022 (2102.08921); the percentage over samples is dgm-eval's (Stein et al. 2023, 2306.04675).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from byheart._checks import InputError, check_finite
from byheart.numerics.indexed import Indexed
from byheart.numerics.intervals import Interval, proportion
from byheart.numerics.neighbors import Neighbors, nearest

__all__ = ["authenticity", "nearest_other"]


def nearest_other(
    train: Indexed, rows: Tensor, search: Callable[[Tensor, int], Neighbors] | None = None
) -> Tensor:
    """Measure the distance of some training images to their nearest other training image: (n,) float64, NaN for the rest.

    train: (n, *shape), n ≥ 2.  rows: integers, in any order and number; each row is searched once.
    search: queries (q, *shape) and k -> their k nearest rows of train; None: train is searched in memory.
    """
    chosen = torch.unique(rows)
    distance = torch.full((len(train),), torch.nan, dtype=torch.float64, device=train.device)
    # Every row is its own first neighbor, at exactly 0, so the second neighbor is the other image, duplicates included.
    distance[chosen] = _two_nearest(train[chosen], train, search).distance[:, 1]
    return distance


def _two_nearest(
    queries: Tensor, train: Indexed, search: Callable[[Tensor, int], Neighbors] | None
) -> Neighbors:
    if search is not None:
        return search(queries, 2)
    whole = train if isinstance(train, Tensor) else train[torch.arange(len(train))]
    return nearest(queries, whole, k=2)


def authenticity(to_train: Neighbors, other: Tensor) -> Interval:
    """Compute AuthPct in [0, 100] with its 95 % interval and count.

    to_train: (q, k ≥ 1) neighbors of the samples in the training set.  other: (n,) from `nearest_other`, which must hold the
    distance for the nearest training image of every sample.  A tie is not authentic.
    Raises InputError for no samples, a training image that was not searched, or distances that are not finite.
    """
    check_finite("distances to the training images", to_train.distance[:, 0])
    first = to_train.index[:, 0]
    if not len(first) or int(first.max()) >= len(other) or bool(other[first].isnan().any()):
        raise InputError(
            got=f"{len(first)} samples and other-neighbor distances that do not cover their training images",
            need="for every sample, the distance from its nearest training image to the nearest other one",
            remedy="pass nearest_other(train, to_train.index[:, 0])",
        )
    share = proportion(int((other[first] < to_train.distance[:, 0]).sum()), len(first))
    return Interval(100 * share.value, 100 * share.low, 100 * share.high, share.count)
