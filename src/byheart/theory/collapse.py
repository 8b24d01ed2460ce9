"""At which noise level does the exact score of n points begin to copy?  Levels from the spectrum and from losses.

    r_c       collapse: below r_c the posterior holds one training point.  I(x₀; x₀ + rε) = log n; for a Gaussian population
              with covariance eigenvalues λᵢ   ½ Σᵢ log(1 + λᵢ/r²) = log n
    r_s       speciation: below r_s samples choose their class.  √(largest λ)
    dof(r)    Σᵢ λᵢ/(λᵢ + r²): the trace of the Wiener filter's Jacobian, the number of dimensions resolved at r

I-MMSE: a denoiser of total squared error L(ρ) at level ρ bounds the information, I(r) ≤ ∫_r^∞ L(ρ) ρ⁻³ dρ, with equality for
the posterior mean.  So a held-out loss curve gives an upper bound of r_c.

Units are those of the data.  In a variance-preserving process t follows from r = σ_t/α_t (OU: t = ½ log(1 + r²)).
References: Biroli, Bonnaire, de Bortoli, Mézard, arXiv 2402.18491 (collapse and speciation); Guo, Shamai, Verdú 2005 (I-MMSE).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from byheart._checks import InputError, check_least, check_open

__all__ = ["collapse_bound", "collapse_level", "degrees_of_freedom", "information", "speciation_level"]


def collapse_level(variances: ArrayLike, n: int) -> float:
    """Compute r_c for n draws from a Gaussian: ½ Σᵢ log(1 + λᵢ/r²) = log n.

    variances: λ, (d,), nonnegative, not all 0.  n: number of training points, at least 2; with labels, of one class.
    Raises InputError for other variances or n.
    """
    from scipy.optimize import brentq

    spectrum = _spectrum(variances)
    check_least("n", n, 2, "training points", remedy="one point is always copied")
    top = float(spectrum.max())

    def excess(log_r: float) -> float:
        return information(spectrum, math.exp(log_r)) - math.log(n)

    # One direction alone needs λ/r² = n² − 1; all d directions hold at most d times the information of one.
    low = math.log(top) / 2 - math.log(n) - 1
    high = math.log(top) / 2 + math.log(len(spectrum)) / 2 + 1
    return math.exp(float(brentq(excess, low, high, xtol=1e-13)))


def information(variances: ArrayLike, r: float) -> float:
    """Compute I(x₀; x₀ + rε) of a Gaussian, in nats: ½ Σᵢ log(1 + λᵢ/r²).  variances: λ, (d,).  r: noise level > 0."""
    return float(np.log1p(_spectrum(variances) / _level(r) ** 2).sum() / 2)


def speciation_level(variances: ArrayLike) -> float:
    """Compute r_s = √(largest λ), where the Jacobian of the denoiser at the mean reaches 1.  variances: λ, (d,)."""
    return math.sqrt(float(_spectrum(variances).max()))


def degrees_of_freedom(variances: ArrayLike, r: float) -> float:
    """Compute Σᵢ λᵢ/(λᵢ + r²), which falls from the number of λ > 0 at small r to 0.  variances: λ, (d,).  r: noise level > 0."""
    spectrum = _spectrum(variances)
    return float((spectrum / (spectrum + _level(r) ** 2)).sum())


def collapse_bound(levels: Sequence[float], losses: Sequence[float], n: int) -> float | None:
    """Compute an upper bound of r_c from a held-out loss curve: where ∫_r^∞ L(ρ) ρ⁻³ dρ = log n.

    levels: noise levels, (s,), increasing.  losses: (s,), total squared error E‖D − x₀‖² at each (sum over pixels, not mean).
    The loss is taken as log-linear between the levels and as constant above the last level, which should be high enough for that.
    Returns None if even the smallest level does not reach log n.
    Raises InputError for levels that are not positive and increasing, or losses that are not positive.
    """
    r, loss = np.asarray(levels, dtype=np.float64), np.asarray(losses, dtype=np.float64)
    if r.ndim != 1 or r.shape != loss.shape or len(r) < 2 or not (np.diff(r) > 0).all() or r[0] <= 0:
        raise InputError(
            got=f"levels {r.shape} and losses {loss.shape}",
            need="at least two positive, increasing levels, and a loss for each",
            remedy="sort the levels",
        )
    if not (np.isfinite(loss) & (loss > 0)).all():
        raise InputError(got="losses that are not positive", need="E‖D − x₀‖² > 0", remedy="check the losses")
    power = np.diff(np.log(loss)) / np.diff(np.log(r)) - 2  # of ρ in the integrand dρ/ρ
    start = loss[:-1] / r[:-1] ** 2
    safe = np.where(np.abs(power) < 1e-9, 1.0, power)
    pieces = np.where(
        np.abs(power) < 1e-9, start * np.diff(np.log(r)), start * ((r[1:] / r[:-1]) ** power - 1) / safe
    )
    total = np.append(np.cumsum(pieces[::-1])[::-1], 0.0) + loss[-1] / (2 * r[-1] ** 2)
    return _crossing(r, total, math.log(n))


def _crossing(r: NDArray[np.float64], total: NDArray[np.float64], height: float) -> float | None:
    """Find where a decreasing curve, log-linear between points, falls to a height; None if the curve starts below the height."""
    if total[0] < height:
        return None
    above = int(np.flatnonzero(total >= height)[-1])
    if above == len(r) - 1:
        raise InputError(
            got=f"more than log n = {height:.3g} nats above the largest level",
            need="levels up to where noise hides the data",
            remedy="measure losses at larger levels",
        )
    share = math.log(total[above] / height) / math.log(total[above] / total[above + 1])
    return float(r[above] * (r[above + 1] / r[above]) ** share)


def _spectrum(variances: ArrayLike) -> NDArray[np.float64]:
    spectrum = np.asarray(variances, dtype=np.float64).ravel()
    if not spectrum.size or not np.isfinite(spectrum).all() or (spectrum < 0).any() or not spectrum.any():
        raise InputError(
            got=f"{spectrum.size} variances" + (f" from {spectrum.min():g}" if spectrum.size else ""),
            need="finite variances ≥ 0, not all 0",
            remedy="take the eigenvalues of the covariance of the data",
        )
    return spectrum


def _level(r: float) -> float:
    check_open("r", r, remedy="give σ in the data's units")
    return r
