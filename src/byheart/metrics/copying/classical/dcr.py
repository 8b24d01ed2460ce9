"""DCR share (distance to the closest record): are samples nearer to training images than to as many held-out ones?

    share = P( d(g, T*) < d(g, H*) ) + ½ P( equal ),    |T*| = |H*| = min(n, m)

If the samples know nothing of T that they do not know of H, T* and H* can be exchanged and the share is exactly ½, in any
space and dimension.  The larger set is cut into disjoint random parts of the size of the smaller set, and the shares are
averaged.  If n ≫ m, a copy's own training image is in only one part of n/m, so the share of pure copies is about ½ + m/2n
and the measure is weak.  In that case all of T is compared with all of H:

    share of T = P( d(g, T) < d(g, H) ) + ½ P( equal ),    n/(n + m) under the null, 1 for copies

Samples with a nearest real image in common are not independent, and in many dimensions few images are nearest to many
samples.  So the interval counts the samples c_x for which each real image x is the nearest, and takes the images of T and of
H as two random samples: share s = A/(A + B), A = Σ_T c, B = Σ_H c, var s = [(1 − s)² n var_T(c) + s² m var_H(c)]/q², on the
logit scale.  Under the null this variance is the variance over exchanges of T and H; binomial intervals leave out the
choice of the held-out images.

References: SDMetrics (DCROverfittingProtection) and MOSTLY AI, for tables; the interval is byheart's own, checked by
simulation.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import torch
from torch import Tensor

from byheart._checks import InputError, check_finite
from byheart.numerics.indexed import Indexed
from byheart.numerics.intervals import Interval, proportion
from byheart.numerics.neighbors import Neighbors, nearest
from byheart.random import derive, generator

__all__ = ["dcr_share", "train_share"]

PARTS = 20


def dcr_share(
    samples: Tensor,
    train: Indexed,
    heldout: Tensor,
    *,
    seed: int = 0,
    parts: int = PARTS,
    confidence: float = 0.95,
) -> Interval:
    """Compute the size-matched share, ½ under the null, with an interval over samples, training and held-out images.

    samples: (q, *shape), train: (n, *shape), heldout: (m, *shape), in one space.
    seed: Random seed of the cut into parts; the same seed gives the same result.
    parts: largest number of parts searched, which takes q·min(n, m)·parts distances and never more than q·max(n, m).
    Raises InputError for no samples, fewer than two images in a set, different shapes or NaN.
    """
    _check(len(samples), len(train), len(heldout), parts)
    if len(train) < len(heldout):
        whole = train[torch.arange(len(train), device=train.device)]
        mirrored = dcr_share(samples, heldout, whole, seed=seed, parts=parts, confidence=confidence)
        return Interval(1 - mirrored.value, 1 - mirrored.high, 1 - mirrored.low, mirrored.count)
    order = torch.randperm(len(train), generator=generator(derive(seed, "size-matched parts"))).to(
        train.device
    )
    chosen = torch.split(order, len(heldout))[: min(parts, len(train) // len(heldout))]
    to_heldout = nearest(samples, heldout, k=1)
    counts = [
        _won(nearest(samples, train[part], k=1), to_heldout, len(heldout), len(heldout)) for part in chosen
    ]
    by_train = torch.cat([of_train for of_train, _ in counts]) / len(counts)
    by_heldout = torch.stack([of_heldout for _, of_heldout in counts]).mean(0)
    return _share(by_train, by_heldout, len(samples), confidence)


def train_share(
    to_train: Neighbors, to_heldout: Neighbors, n: int, m: int, confidence: float = 0.95
) -> Interval:
    """Compute the share of samples whose nearest real image is a training image, n/(n + m) under the null.

    to_train: (q, k ≥ 1) neighbors of the samples among all n training images.
    to_heldout: (q, k ≥ 1) neighbors of the samples among all m held-out images.
    Raises InputError for no samples, fewer than two images in a set, tables of different samples, or distances that are not
    finite.
    """
    check_finite("distances to the training images", to_train.distance[:, 0])
    check_finite("distances to the held-out images", to_heldout.distance[:, 0])
    _check(len(to_train.distance), n, m, 1)
    if len(to_train.distance) != len(to_heldout.distance):
        raise InputError(
            got=f"neighbors of {len(to_train.distance)} and of {len(to_heldout.distance)} samples",
            need="two tables of the same samples",
            remedy="search both sets with the same samples",
        )
    return _share(*_won(to_train, to_heldout, n, m), len(to_train.distance), confidence)


def _won(to_train: Neighbors, to_heldout: Neighbors, n: int, m: int) -> tuple[Tensor, Tensor]:
    """Count the samples nearest to every training image (n,) and to every held-out image (m,); a tie counts half for each."""
    win = (torch.sign(to_heldout.distance[:, 0] - to_train.distance[:, 0]) + 1) / 2
    return tuple(  # type: ignore[return-value]
        torch.bincount(table.index[:, 0], weights=points, minlength=size)
        for table, points, size in ((to_train, win, n), (to_heldout, 1 - win, m))
    )


def _share(by_train: Tensor, by_heldout: Tensor, count: int, confidence: float) -> Interval:
    """Compute A/(A + B) from the counts of the images, (n,) and (m,), over `count` samples, with the interval above."""
    value = min(1.0, float(by_train.sum()) / count)
    if min(value, 1 - value) * count < 0.5:  # no sample on one side, so the variance of that side is unknown
        whole = proportion(round(value * count), count, confidence)
        return Interval(value, min(value, whole.low), max(value, whole.high), count)
    parts = (1 - value) ** 2 * len(by_train) * by_train.var() + value**2 * len(by_heldout) * by_heldout.var()
    spread = math.sqrt(float(parts)) / count / (value * (1 - value))
    reach = math.exp(NormalDist().inv_cdf((1 + confidence) / 2) * spread)
    odds = value / (1 - value)
    return Interval(value, odds / (odds + reach), odds / (odds + 1 / reach), count)


def _check(samples: int, train: int, heldout: int, parts: int) -> None:
    if samples < 1 or min(train, heldout) < 2 or parts < 1:
        raise InputError(
            got=f"{samples} samples, {train} training and {heldout} held-out images, in {parts} parts",
            need="at least one sample, two training images, two held-out images and one part",
            remedy="hold out images before training: without held-out images the share does not exist",
        )
