"""Carlini's ratio: a copy is far nearer to one training image than to its 50 nearest training images on average.

    r(g) = d₁ / (α · mean of d₁ … d₅₀),    α = ½;    extracted where r < 1

The mean over 50 works for a training set with repeated images, where d₁/d₂ is blind.  The threshold 1 does not transfer
between data sets: it flags 0.3 % of the real held-out images of one set and 38 % of another.  So the share is also computed
with a threshold read off held-out images.

Reference: Carlini et al., Extracting training data from diffusion models, 2023 (2301.13188), section 5 (CIFAR-10).
"""

from __future__ import annotations

import torch
from torch import Tensor

from byheart._checks import InputError, check_finite
from byheart.metrics.calibrated import Calibrated, calibrated_share
from byheart.numerics.intervals import Proportion, proportion
from byheart.numerics.neighbors import Neighbors

__all__ = ["calibrated_carlini", "carlini_ratio", "carlini_share"]

ALPHA = 0.5
COUNT = 50


def carlini_ratio(to_train: Neighbors, count: int = COUNT) -> Tensor:
    """Compute r for every sample, (q,) float64, in [0, 1/α].

    to_train: (q, k ≥ count) neighbors in the training set.  count: number of neighbors averaged, the nearest included.
    0/0 gives 1/α, the value at equal distances: `count` identical copies in the training set make the ratio blind.
    Raises InputError for fewer neighbors, count < 2, or distances that are not finite.
    """
    if to_train.distance.ndim != 2 or not 2 <= count <= to_train.distance.shape[1]:
        raise InputError(
            got=f"a neighbor table of shape {tuple(to_train.distance.shape)} for a mean over {count}",
            need="(q, k) with k ≥ count ≥ 2",
            remedy=f"search with nearest(samples, train, k={COUNT})",
        )
    check_finite("distances", to_train.distance[:, :count])
    mean = to_train.distance[:, :count].mean(1)
    return torch.where(mean > 0, to_train.distance[:, 0] / (ALPHA * mean), 1 / ALPHA)


def carlini_share(to_train: Neighbors, count: int = COUNT) -> Proportion:
    """Compute the share of samples with r < 1, with its 95 % interval.  to_train: (q, k ≥ count)."""
    ratio = carlini_ratio(to_train, count)
    return proportion(int((ratio < 1).sum()), len(ratio))


def calibrated_carlini(
    to_train: Neighbors, heldout_to_train: Neighbors, alpha: float = 0.01, count: int = COUNT
) -> Calibrated:
    """Compute the share of samples with r below the alpha quantile of held-out images.

    to_train: (q, k ≥ count).  heldout_to_train: (m, k ≥ count).  Raises InputError for too few held-out images.
    """
    return calibrated_share(carlini_ratio(to_train, count), carlini_ratio(heldout_to_train, count), alpha)
