"""When is storing M of N points cheaper than knowing the population?  S1's comparison of two losses, and their crossover.

Data: N draws from K equal Gaussians of variance s per coordinate in d dimensions; noise of signal-to-noise ratio ψ = α²/σ².
L is the training loss E‖D − x₀‖², summed over coordinates.  The excess of L over the loss of the empirical denoiser is

    true denoiser         d s / (1 + ψ s)                    if ψ ≥ log²d / d
    M of N points         C (1 − M/N) d s,  1 ≤ C ≤ 2        if also M ≥ K log K (1 + log d)   (C: byheart.theory.partial)
    equal, weighted λ     M*/N = 1 − E[λ/(1 + ψ s)] / (C E[λ])

M*/N does not depend on d, K and N.  M* says which of two *fixed* denoisers has the smaller loss.  That a trained model
memorizes where the two losses cross is S1's hypothesis, for a λ that is fitted to the answer (`byheart.theory.weighting`).
The λ of plain training, ψ, puts M* at N.

For components of covariance eigenvalues λⱼ (low rank: few eigenvalues), Σⱼ λⱼ/(1 + ψ λⱼ) replaces d s/(1 + ψ s), and
Σⱼ λⱼ replaces d s.

Reference: Buchanan, Pai, Ma, De Bortoli, arXiv 2508.17689 (S1), theorems of section 3 and equation 21.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from byheart._checks import InputError, unknown

__all__ = [
    "PUBLISHED_WEIGHTING",
    "WEIGHTINGS",
    "crossover",
    "crossover_spectrum",
    "excess_partial",
    "excess_spectrum",
    "excess_true",
    "named_weighting",
    "smallest_snr",
    "snr",
    "times",
]

Array = NDArray[np.float64]

# Read off the paper's figure, accurate to the width of the line; for the loss of x₀, in the order of `times()`, noise to data.
PUBLISHED_WEIGHTING = (
    *(0.3841, 0.4004, 0.4204, 0.4452, 0.4767, 0.5169, 0.5692, 0.6376, 0.7235, 0.8170, 0.8731, 0.8169, 0.6886),
    *(0.5646, 0.4657, 0.3917, 0.3368, 0.2956, 0.2645, 0.2407, 0.2227, 0.2091, 0.1991, 0.1924, 0.1884, 0.1871),
)
"""S1's fitted λ̃ at `times()`, from t = 0.999 down to t = 0.001."""

WEIGHTINGS: Mapping[str, str] = MappingProxyType(
    {
        "x0": "error of x₀, all t alike",
        "eps": "error of ε: ψ",
        "v": "error of the velocity: α² (σ'/σ − α'/α)²",
        "score": "error of the score: α²/σ⁴",
        "published": "S1's fit to its own transitions",
    }
)
"""Name -> the error that is squared.  Each name stands for a factor on the loss of x₀."""


def times(count: int = 26) -> Array:
    """Return S1's grid: `count` equal steps down from t = 0.999 to t = 0.001, (count,).  Raises InputError for fewer than 2."""
    if count < 2:
        raise InputError(got=f"a grid of {count}", need="at least 2 times", remedy="S1 takes 26")
    return np.linspace(0.999, 0.001, count)


def snr(t: ArrayLike) -> Array:
    """Compute ψ = (1 − t²)/t² of S1's process, in which α = √(1 − t²) and σ = t.  t: in (0, 1), any shape."""
    time = _times(t)
    return (1 - time**2) / time**2


def smallest_snr(d: int) -> float:
    """Compute log²d / d, the ψ above which the formulas for the excess losses hold.

    In S1's process that is t below 1/√(1 + ψ).
    """
    _positive(d=d)
    return math.log(d) ** 2 / d


def named_weighting(name: str, t: ArrayLike) -> Array:
    """Return the factor that turns the loss of x₀ into the loss of another target: (s,).

    name: one of WEIGHTINGS.  t: times of S1's process, (s,); for "published" they must be `times()`.
    Raises InputError for another name or other times.
    """
    time = _times(t)
    match name:
        case "x0":
            return np.ones_like(time)
        case "eps":
            return (1 - time**2) / time**2
        case "v":  # σ'/σ − α'/α = 1/(t (1 − t²))
            return 1 / (time**2 * (1 - time**2))
        case "score":
            return (1 - time**2) / time**4
        case "published":
            return _published(time)
    raise unknown(
        "weighting", name, WEIGHTINGS, remedy="choose one of these names, or give the weights as numbers"
    )


def _published(time: Array) -> Array:
    if time.shape != (len(PUBLISHED_WEIGHTING),) or not np.allclose(time, times(), rtol=0, atol=1e-9):
        raise InputError(
            got=f"times of shape {time.shape} for the published weighting",
            need="S1's 26 times from 0.999 down to 0.001, the only times at which the weighting was fitted",
            remedy="use times()",
        )
    return np.array(PUBLISHED_WEIGHTING)


def excess_true(snr: ArrayLike, d: int, variance: float = 1.0) -> Array:
    """Compute d s / (1 + ψ s): the training loss of the population's denoiser, minus the loss of the empirical denoiser.

    snr: ψ, any shape; the formula is far too large below `smallest_snr(d)`.  variance: s.
    """
    _positive(d=d, variance=variance)
    return d * variance / (1 + _snr(snr) * variance)


def excess_partial(m: ArrayLike, n: int, d: int, variance: float = 1.0, factor: ArrayLike = 2.0) -> Array:
    """Compute C (1 − M/N) d s: the training loss of M stored points of N, minus the loss of the empirical denoiser.

    m: M, any shape.  factor: C, one number or one for every M; S1's figures take 2, S1's code 1 (`partial.finite_factor`).
    Raises InputError unless 1 ≤ M ≤ N.
    """
    _positive(n=n, d=d, variance=variance)
    kept = np.asarray(m, dtype=np.float64)
    if not ((kept >= 1) & (kept <= n)).all():
        raise InputError(
            got=f"M from {kept.min():g} to {kept.max():g} of N = {n}",
            need="1 ≤ M ≤ N",
            remedy="choose M up to N: a model cannot store more points than there are",
        )
    return np.asarray(factor, dtype=np.float64) * (1 - kept / n) * d * variance


def crossover(weights: ArrayLike, snr: ArrayLike, variance: float = 1.0, factor: float = 2.0) -> float:
    """Compute M*/N = 1 − E[λ/(1 + ψ s)] / (C E[λ]): the share of points whose storage costs as much as the population.

    weights: λ on the loss of x₀, (s,), nonnegative, of any scale.  snr: ψ at the same times, (s,).  factor: C.
    """
    _positive(variance=variance)
    return crossover_spectrum(weights, snr, [variance], factor)


def excess_spectrum(snr: ArrayLike, variances: ArrayLike) -> Array:
    """Compute the mean over components of Σⱼ λⱼ/(1 + ψ λⱼ): `excess_true` for any covariances; r/ψ for r large λ.

    snr: ψ, any shape.  variances: λ, (r,) of one component or (k, r) of equally likely components; zeros do not count.
    """
    spectra, ratio = _spectra(variances), _snr(snr)
    return np.asarray((spectra / (1 + ratio[..., None, None] * spectra)).sum(-1).mean(-1))


def crossover_spectrum(
    weights: ArrayLike, snr: ArrayLike, variances: ArrayLike, factor: float = 2.0
) -> float:
    """Compute `crossover` for components of any covariances, where only directions with variance count.

    variances: λ as in `excess_spectrum`; if all are equal to s, the result is that of `crossover`.
    """
    _positive(factor=factor)
    given, ratio = np.asarray(weights, dtype=np.float64), _snr(snr)
    if given.ndim != 1 or given.shape != ratio.shape or not np.isfinite(given).all() or (given < 0).any():
        raise InputError(
            got=f"weights of shape {given.shape} at {ratio.shape} times",
            need="one finite number ≥ 0 for every time",
            remedy="give both on the same grid",
        )
    if not given.any():
        raise InputError(
            got="weights that are all 0", need="at least one weight above 0", remedy="check the weighting"
        )
    total = _spectra(variances).sum(-1).mean()
    return float(1 - given @ excess_spectrum(ratio, variances) / (factor * total * given.sum()))


def _spectra(variances: ArrayLike) -> Array:
    spectra = np.atleast_2d(np.asarray(variances, dtype=np.float64))
    if spectra.ndim != 2 or not np.isfinite(spectra).all() or (spectra < 0).any() or not spectra.any():
        raise InputError(
            got=f"variances of shape {spectra.shape}",
            need="finite eigenvalues ≥ 0, (r,) or (k, r), not all 0",
            remedy="give components with variance: without variance there is nothing to store",
        )
    return spectra


def _times(t: ArrayLike) -> Array:
    time = np.asarray(t, dtype=np.float64)
    if not ((time > 0) & (time < 1)).all():
        raise InputError(
            got=f"times from {time.min():g} to {time.max():g}", need="0 < t < 1", remedy="use times()"
        )
    return time


def _snr(snr: ArrayLike) -> Array:
    ratio = np.asarray(snr, dtype=np.float64)
    if not ((ratio >= 0) & np.isfinite(ratio)).all():
        raise InputError(
            got="an SNR that is negative or not finite", need="ψ = α²/σ² ≥ 0", remedy="use snr(t)"
        )
    return ratio


def _positive(**values: float) -> None:
    for name, value in values.items():
        if not 0 < value < math.inf:
            raise InputError(
                got=f"{name} = {value}", need=f"{name} > 0, finite", remedy="see the docstring for its units"
            )
