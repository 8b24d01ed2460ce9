"""When does the exact score of n points begin to copy?  Noise levels from the spectrum, from losses, and their relatives.

    r_c       collapse: below it the posterior holds one training point.  I(x₀; x₀ + rε) = log n; for a Gaussian population
              with covariance eigenvalues λᵢ   ½ Σᵢ log(1 + λᵢ/r²) = log n
    r_s       speciation: below it samples choose their class.  √(largest λ)
    dof(r)    Σᵢ λᵢ/(λᵢ + r²): the trace of the Wiener filter's Jacobian, the dimension that is resolved at r

I-MMSE: a denoiser of total squared error L(ρ) at level ρ bounds the information, I(r) ≤ ∫_r^∞ L(ρ) ρ⁻³ dρ, with equality for
the posterior mean; a held-out loss curve so gives an upper bound of r_c.

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
    """r_c of n draws from a Gaussian: ½ Σᵢ log(1 + λᵢ/r²) = log n.

    variances: λ, (d,), nonnegative, not all 0.  n: training points, at least 2; of a class, for labels.
    """
    from scipy.optimize import brentq

    spectrum = _spectrum(variances)
    check_least("n", n, 2, "training points", remedy="one point is always copied")
    top = float(spectrum.max())

    def excess(log_r: float) -> float:
        return information(spectrum, math.exp(log_r)) - math.log(n)

    # One direction alone needs λ/r² = n² − 1; all d of them at most d times that information.
    low = math.log(top) / 2 - math.log(n) - 1
    high = math.log(top) / 2 + math.log(len(spectrum)) / 2 + 1
    return math.exp(float(brentq(excess, low, high, xtol=1e-13)))


def information(variances: ArrayLike, r: float) -> float:
    """I(x₀; x₀ + rε) in nats, of a Gaussian: ½ Σᵢ log(1 + λᵢ/r²).  variances: λ, (d,)."""
    return float(np.log1p(_spectrum(variances) / _level(r) ** 2).sum() / 2)


def speciation_level(variances: ArrayLike) -> float:
    """r_s = √(largest λ): where the Jacobian of the denoiser at the mean reaches 1.  variances: λ, (d,)."""
    return math.sqrt(float(_spectrum(variances).max()))


def degrees_of_freedom(variances: ArrayLike, r: float) -> float:
    """Σᵢ λᵢ/(λᵢ + r²), from d (or the number of λ > 0) at small r to 0.  variances: λ, (d,)."""
    spectrum = _spectrum(variances)
    return float((spectrum / (spectrum + _level(r) ** 2)).sum())


def collapse_bound(levels: Sequence[float], losses: Sequence[float], n: int) -> float | None:
    """An upper bound of r_c from a held-out loss curve: where ∫_r^∞ L(ρ) ρ⁻³ dρ = log n.

    levels: noise levels, (s,), increasing.  losses: total squared error E‖D − x₀‖² at each (sum over pixels, not mean).
    Between the levels the loss is log-linear; above the last it stays, which the last level should be high enough for.
    None where even the smallest level does not reach log n.
    """
    r, loss = np.asarray(levels, dtype=np.float64), np.asarray(losses, dtype=np.float64)
    if r.ndim != 1 or r.shape != loss.shape or len(r) < 2 or not (np.diff(r) > 0).all() or r[0] <= 0:
        raise InputError(
            got=f"levels {r.shape} and losses {loss.shape}",
            need="at least two positive, increasing levels, and a loss for each",
            remedy="sort the levels",
        )
    if not (np.isfinite(loss) & (loss > 0)).all():
        raise InputError(got="losses that are not positive", need="E‖D − x₀‖² > 0", remedy="check the curve")
    power = np.diff(np.log(loss)) / np.diff(np.log(r)) - 2  # of ρ in the integrand dρ/ρ
    start = loss[:-1] / r[:-1] ** 2
    safe = np.where(np.abs(power) < 1e-9, 1.0, power)
    pieces = np.where(
        np.abs(power) < 1e-9, start * np.diff(np.log(r)), start * ((r[1:] / r[:-1]) ** power - 1) / safe
    )
    total = np.append(np.cumsum(pieces[::-1])[::-1], 0.0) + loss[-1] / (2 * r[-1] ** 2)
    return _crossing(r, total, math.log(n))


def _crossing(r: NDArray[np.float64], total: NDArray[np.float64], height: float) -> float | None:
    """Where a decreasing curve, log-linear in between, comes down to a height; None if it starts below."""
    if total[0] < height:
        return None
    above = int(np.flatnonzero(total >= height)[-1])
    if above == len(r) - 1:
        raise InputError(
            got=f"more than log n = {height:.3g} nats above the largest level",
            need="levels up to where the data drown",
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
