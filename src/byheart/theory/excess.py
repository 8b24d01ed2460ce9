"""How much more than the empirical denoiser does a mixture of equal Gaussians lose on the training points?  A Monte Carlo answer.

    D(x) = (v x + σ² c̄(x)) / (v + σ²),    c̄ = Σⱼ cⱼ softmaxⱼ(−‖x − cⱼ‖² / 2(v + σ²))    of M centers and one variance v
    excess = E‖D − x₀‖² − E‖D_N − x₀‖² = E‖D − D_N‖²,    x = x₀ + σ ε,  ψ = 1/σ²

D_N is the empirical denoiser: all N points, v = 0.  The second form of the excess holds for every D, since D_N is the mean of
x₀ given x, and the second form has far less noise than the difference of two losses.  The formulas of
`byheart.theory.crossover` approximate this excess.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from byheart._checks import InputError, check_open
from byheart.random import derive
from byheart.theory.lloyd import as_points, check_seeds

__all__ = ["measured_excess"]

Array = NDArray[np.float64]


def measured_excess(
    points: ArrayLike,
    centers: ArrayLike,
    variances: ArrayLike,
    snr: float,
    seeds: Sequence[int],
    *,
    outside: int = 0,
) -> Array:
    """Measure the excess loss of r mixtures, summed over coordinates, with one noise draw per point: (r,).

    points: (n, d).  centers: (r, m, d).  variances: v ≥ 0, (r,); v = 0 with training points as centers stands for stored points.
    snr: ψ.  seeds: one random seed for every mixture; the same seeds give the same result.
    outside: number of dimensions that `lloyd.in_span` removed, in which all points are 0.
    Raises InputError for shapes that do not fit, or negative variances.
    """
    x, means, widths = (
        as_points(points),
        np.asarray(centers, dtype=np.float64),
        np.asarray(variances, dtype=np.float64),
    )
    check_seeds(seeds)
    fits = means.ndim == 3 and means.shape[2] == x.shape[1] and len(means) == len(seeds) and means.size
    if not fits or widths.shape != means.shape[:1] or not (widths >= 0).all():
        raise InputError(
            got=f"centers of shape {means.shape} and variances of shape {widths.shape} for {len(seeds)} seeds",
            need=f"centers (r, m, {x.shape[1]}), variances (r,) that are not negative, and r seeds",
            remedy="take both from lloyd.cluster",
        )
    check_open("ψ", snr, remedy="give a positive number; S1 shows losses at 6.704")
    cells = zip(means, widths.tolist(), seeds, strict=True)
    return np.array([_excess(x, own, v, 1 / snr, seed, outside) for own, v, seed in cells])


def _excess(x: Array, centers: Array, variance: float, noise: float, seed: int, outside: int) -> float:
    """Measure the excess loss of one mixture.  noise: σ²."""
    draws = np.random.default_rng(derive(seed, "excess"))
    noisy = x + math.sqrt(noise) * draws.standard_normal(x.shape)
    kept = variance / (variance + noise)
    gap = kept * noisy + (1 - kept) * _posterior_mean(noisy, centers, variance + noise)
    gap -= _posterior_mean(noisy, x, noise)
    # Outside of the span D_N is 0, and D is the part of the noise that D keeps.
    return float(np.square(gap).sum(1).mean()) + outside * kept**2 * noise


def _posterior_mean(noisy: Array, centers: Array, width: float) -> Array:
    """Compute c̄ for Gaussians of variance `width` around equally likely centers, (n, d)."""
    logits = (noisy @ centers.T - np.square(centers).sum(1) / 2) / width
    weights = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(weights @ centers / weights.sum(1, keepdims=True))
