"""Fréchet distance between the Gaussians fitted to two sets, and what the distance is worth.

    FD = |μ₁ − μ₂|² + tr(C₁ + C₂ − 2 (C₁C₂)^½)          unbiased covariances, float64

The estimate of FD is too large by about c·(1/n + 1/m), even for two sets of one distribution.  There are three remedies,
none of which is a bootstrap (a resampled mean carries the bias twice):

    floor      the expected FD of two Gaussian samples of these sizes with the reference's spectrum λ:
               (1/n + 1/m) [S + (B + S/2)/2],  S = Σ λᵢ,  B = Σᵢⱼ λᵢλⱼ/(λᵢ + λⱼ)   (leading order; exact for the identity:
               (d² + 5d)/2n at n = m).  Tails heavier than a Gaussian's add 5–8 %.
    corrected  2·FD_n − FD_{n/2}, which cancels the bias of order 1/n
    interval   from the spread of FD over halves drawn without replacement (delete-half jackknife)
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist, fmean, pstdev

import torch
from torch import Tensor

from byheart._checks import InputError
from byheart.metrics.fidelity.inputs import two_sets
from byheart.numerics.intervals import Interval
from byheart.numerics.moments import frechet_distance, moments
from byheart.random import derive, generator

__all__ = ["Frechet", "frechet", "frechet_corrected", "frechet_floor"]


@dataclass(frozen=True)
class Frechet:
    """A Fréchet distance, always with the floor that its bias sets.

    value: FD ≥ 0, in squared units of the features.  floor: the expected FD of two samples of one Gaussian.
    count, reference_count: number of samples and of reference rows.
    """

    value: float
    floor: float
    count: int
    reference_count: int


def frechet(samples: Tensor, reference: Tensor) -> Frechet:
    """Compute FD of samples (n, *shape) from a reference (m, *shape), with the null floor from the reference's spectrum.

    Raises InputError for fewer than two rows, different shapes, or NaN.
    """
    x, y = two_sets(samples, reference)
    of_reference = moments(y)
    floor = frechet_floor(of_reference.covariance, len(x), len(y))
    return Frechet(frechet_distance(moments(x), of_reference), floor, len(x), len(y))


def frechet_floor(covariance: Tensor, n: int, m: int) -> float:
    """Compute the expected FD of n and m draws from one Gaussian of the given covariance (d, d), to order 1/n + 1/m.

    Raises InputError unless the covariance is square and n, m ≥ 2.
    """
    if covariance.ndim != 2 or covariance.shape[0] != covariance.shape[1] or min(n, m) < 2:
        raise InputError(
            got=f"a covariance of shape {tuple(covariance.shape)} for {n} and {m} rows",
            need="(d, d), and at least two rows in each set",
            remedy="pass moments(reference).covariance",
        )
    spectrum = torch.linalg.eigvalsh(covariance.double()).clamp_min(0)
    total = float(spectrum.sum())
    sums = spectrum[:, None] + spectrum
    pairs = torch.where(
        sums > 0, spectrum[:, None] * spectrum / sums, 0.0
    )  # 0/0 for a pixel that never varies
    return (1 / n + 1 / m) * (total + (float(pairs.sum()) + total / 2) / 2)


def frechet_corrected(
    samples: Tensor, reference: Tensor, *, halves: int = 32, seed: int = 0, confidence: float = 0.95
) -> Interval:
    """Compute FD without its leading bias, 2·FD_n − mean FD_{n/2}, with a delete-half jackknife interval.

    samples: (n, *shape), reference: (m, *shape), at least 4 rows each.  halves: number of random halves, ≥ 2.
    seed: Random seed of the halves; the same seed gives the same result.
    The value may be negative, because the estimate is unbiased at 0.  The interval is meant for sets that differ; at FD = 0
    the spread of the estimate is of second order, and the interval is too wide.
    Raises InputError for fewer than 4 rows, different shapes, NaN, or fewer than two halves.
    """
    x, y = two_sets(samples, reference, least=4)
    if halves < 2 or not 0 < confidence < 1:
        raise InputError(
            got=f"{halves} halves at confidence {confidence}",
            need="at least two halves, and a confidence between 0 and 1",
            remedy="keep the defaults",
        )
    draws = generator(derive(seed, "halves"))
    distances = [frechet_distance(moments(_half(x, draws)), moments(_half(y, draws))) for _ in range(halves)]
    value = 2 * frechet_distance(moments(x), moments(y)) - fmean(distances)
    # With d of n rows deleted, the jackknife's variance factor is (n − d)/d, which is 1 at one half.
    reach = NormalDist().inv_cdf((1 + confidence) / 2) * pstdev(distances)
    return Interval(value, value - reach, value + reach, len(x))


def _half(x: Tensor, draws: torch.Generator) -> Tensor:
    return x[torch.randperm(len(x), generator=draws)[: len(x) // 2].to(x.device)]
