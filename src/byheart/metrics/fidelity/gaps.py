"""The train/held-out gap of FD and of KID, and how large the gap is by chance.

    gap = D(samples, held-out) − D(samples, training images)        s images of each kind, as in `reference_gap`

If the samples do not know which images were trained on, the labels train and held-out are exchangeable: the gap is one
draw from the gaps of all splits of the 2s images into halves, whose mean is 0.  (This is a permutation test, valid for
any samples.)

FD     the null is the spread of random splits.
KID    the null is exact without a split: with sums over the 2s images zᵢ, signs εᵢ = +1 for held-out and −1 for training
       images,

       gap = Σ εᵢ φᵢ,    φᵢ = Σⱼ≠ᵢ k(zᵢ, zⱼ)/s(s−1) − 2 Σ_g k(zᵢ, g)/qs,    variance = 2s/(2s−1) Σ (φᵢ − φ̄)²,

       since within halves a, b of a symmetric matrix bᵀKb − aᵀKa = (b − a)ᵀK(a + b).
"""

from __future__ import annotations

from statistics import NormalDist, fmean

import torch
from torch import Tensor

from byheart._checks import InputError
from byheart.metrics.fidelity.eigenvalues import quick_frechet
from byheart.metrics.fidelity.inputs import two_sets
from byheart.metrics.fidelity.kernel_sums import cross_sums, kernel_rows, self_sums
from byheart.numerics.intervals import Interval
from byheart.numerics.moments import Moments, moments
from byheart.random import derive, generator

__all__ = ["frechet_gap", "kid_gap"]


@torch.no_grad()
def frechet_gap(
    samples: Tensor, train: Tensor, heldout: Tensor, *, splits: int = 16, seed: int, confidence: float = 0.95
) -> Interval:
    """Compute the gap of FD with an interval as wide as the null of `splits` random splits; 0 outside means more than chance.

    samples: (q, *shape).  train: (n, *shape), heldout: (m, *shape), each in random order; the first min(n, m) of both are used.
    seed: Random seed of the splits; the same seed gives the same result.
    Raises InputError for fewer than two rows, different shapes, NaN, or no split.
    """
    if splits < 1 or not 0 < confidence < 1:
        raise InputError(
            got=f"{splits} splits at confidence {confidence}",
            need="at least one split, and a confidence between 0 and 1",
            remedy="keep the defaults",
        )
    from scipy.special import stdtrit

    size = min(len(train), len(heldout))
    first, second = two_sets(train[:size], heldout[:size])
    of_samples, of_train, of_heldout = moments(two_sets(samples, heldout)[0]), moments(first), moments(second)
    value = quick_frechet(of_samples, of_heldout) - quick_frechet(of_samples, of_train)
    pooled, draws = torch.cat([first, second]), generator(derive(seed, "splits"))
    whole, squares = moments(pooled), []
    for _ in range(splits):
        half = moments(pooled[torch.randperm(2 * size, generator=draws)[:size].to(pooled.device)])
        other = _without(whole, half)
        squares.append((quick_frechet(of_samples, half) - quick_frechet(of_samples, other)) ** 2)
    # The mean is known to be 0, so there are as many degrees of freedom as splits.
    reach = float(stdtrit(splits, (1 + confidence) / 2)) * fmean(squares) ** 0.5
    return Interval(value, value - reach, value + reach, len(samples))


@torch.no_grad()
def kid_gap(samples: Tensor, train: Tensor, heldout: Tensor, *, confidence: float = 0.95) -> Interval:
    """Compute the gap of KID with an interval as wide as the exact null, taken as normal.

    samples: (q, *shape).  train: (n, *shape), heldout: (m, *shape), each in random order; the first min(n, m) of both are used.
    Raises InputError for fewer than three rows, different shapes, or NaN.
    """
    size = min(len(train), len(heldout))
    x, of_train, of_heldout = kernel_rows(samples, train[:size], heldout[:size])
    pooled = torch.cat([of_heldout, of_train])
    phi = self_sums(pooled) / (size * (size - 1)) - 2 * cross_sums(pooled, x)[0] / (len(x) * size)
    value = float(phi[:size].sum() - phi[size:].sum())
    variance = 2 * size * float(phi.var())
    reach = NormalDist().inv_cdf((1 + confidence) / 2) * variance**0.5
    return Interval(value, value - reach, value + reach, len(x))


def _without(whole: Moments, part: Moments) -> Moments:
    """Return the moments of the rows outside the part: `merge` solved for its second argument."""
    count = whole.count - part.count
    mean = (whole.mean * whole.count - part.mean * part.count) / count
    delta = mean - part.mean
    scatter = whole.scatter - part.scatter - torch.outer(delta, delta) * (part.count * count / whole.count)
    return Moments(count, mean, scatter)
