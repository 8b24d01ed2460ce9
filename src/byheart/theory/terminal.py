"""How sampling with an empirical score ends: how far from a training point, and how often near enough to be a copy.

In the frame x = x₀ + σε with r = σ, once the posterior holds one point xₙ only, the probability flow of a shrunk score obeys

    d log ‖x − xₙ‖ / d log r = 1 / (1 + γ(r))

so that the distance at the end is exp(−∫ dr / (r (1 + γ(r)))) of the distance at the start.  The distance at the end is 0,
a copy, if and only if the integral diverges at r = 0.

    shrinkage                       distance left                              share of copies within tol
    ------------------------------------------------------------------------------------------------------------------
    none, constant γ                r^(1/(1+γ)) → 0                            1
    γ ∝ r^−a, a > 0                 > 0                                        < 1
    Tikhonov c, VE                  √(c / (σ² + c))                            P(χ²_d < tol²/c)
    Tikhonov c, variance preserving ((1 − σ_T²) c / (σ_T² + c))^{1/(2(1+c))}   the same, to first order in c
    consistency, τ = exp(−κ d/2)    as without, if captured                    P(χ²_d < κ d)

Reference: Baptista et al., arXiv 2501.15785 (S2): statements and figures; the formulas are derived from S2's dynamics.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from byheart._checks import InputError

__all__ = [
    "Shrinking",
    "consistency_copies",
    "distance_left",
    "escape_level",
    "shrinking",
    "tikhonov_copies",
    "tikhonov_distance",
    "tikhonov_left",
    "tikhonov_variance",
]


def tikhonov_copies(tol: float, strength: float, d: int) -> float:
    """Compute P(χ²_d < tol²/c), the share of samples within `tol` of their training point.

    tol: a distance.  strength: c, a squared distance.  d: dimension.  Neighbors closer than √c make the true share larger.
    """
    from scipy.stats import chi2

    _positive(tol=tol, strength=strength, d=d)
    return float(chi2.cdf(tol**2 / strength, d))


def consistency_copies(kappa: float, d: int) -> float:
    """Compute P(χ²_d < κ d), the share of samples that the consistency score captures; for d = 2 it is 1 − τ, τ = exp(−κ d/2)."""
    from scipy.stats import chi2

    _positive(d=d)
    return float(chi2.cdf(max(kappa, 0.0) * d, d))


def tikhonov_distance(strength: float, d: int) -> float:
    """Compute √c E χ_d, the mean distance of samples from their training point; √(πc/2) for d = 2."""
    _positive(strength=strength, d=d)
    return math.sqrt(2 * strength) * math.exp(math.lgamma((d + 1) / 2) - math.lgamma(d / 2))


def tikhonov_left(strength: float, sigma: float, *, variance_preserving: bool = False) -> float:
    """Compute the distance left at the end, over the distance at σ, for a trajectory that is bound to one point.

    sigma: noise level for VE; for variance_preserving the process's own σ_t, below 1.
    Raises InputError for σ_t ≥ 1.
    """
    _positive(strength=strength, sigma=sigma)
    if not variance_preserving:
        return math.sqrt(strength / (sigma**2 + strength))
    if sigma >= 1:
        raise InputError(
            got=f"sigma {sigma} of a variance-preserving process",
            need="0 < σ_t < 1",
            remedy="give σ_t = √(1 − α_t²)",
        )
    return float(((1 - sigma**2) * strength / (sigma**2 + strength)) ** (1 / (2 * (1 + strength))))


def tikhonov_variance(strength: float, sigma: float) -> float:
    """Compute the variance per coordinate around a training point that the reverse SDE (VE) ends with: c − c³/(σ² + c)²."""
    _positive(strength=strength, sigma=sigma)
    return strength - strength**3 / (sigma**2 + strength) ** 2


def distance_left(gamma: Callable[[float], float], start: float, end: float) -> float:
    """Compute exp(−∫ dr / (r (1 + γ(r)))) from `end` to `start`: distance at noise level `end` over distance at `start`.

    gamma: γ(r) ≥ 0.  start > end > 0.  The integral is taken in log r to 1e-9.
    Raises InputError for other levels, or γ that is negative or NaN between them.
    """
    from scipy.integrate import quad

    _positive(end=end, start=start)
    if start <= end:
        raise InputError(
            got=f"start {start:g} and end {end:g}", need="start > end > 0", remedy="swap the two levels"
        )

    def rate(log_r: float) -> float:
        value = gamma(math.exp(log_r))
        if not value >= 0:
            raise InputError(
                got=f"γ = {value:g} at r = {math.exp(log_r):g}",
                need="γ(r) ≥ 0",
                remedy="correct the function gamma",
            )
        return 1 / (1 + value)

    integral, _ = quad(rate, math.log(end), math.log(start), limit=500, epsabs=1e-9)
    return math.exp(-integral)


@dataclass(frozen=True)
class Shrinking:
    """The behavior of a shrinkage at vanishing noise.

    exponent: a in γ ∝ r^−a, from the smallest levels.
    distance: left at the smallest level, over the distance at the largest.
    memorizes: whether the integral diverges, so that the flow ends in training points; None if a is too small to tell
    (a logarithm, for example).
    """

    exponent: float
    distance: float
    memorizes: bool | None


FLAT, STEEP = 0.005, 0.05  # an exponent below FLAT counts as 0, an exponent above STEEP as positive


def shrinking(gamma: Callable[[float], float], start: float = 1.0, end: float = 1e-12) -> Shrinking:
    """Say whether a shrinkage still memorizes, which depends on its behavior at vanishing noise alone.

    gamma: γ(r) ≥ 0, also at `end`.  start > end > 0.  Any a > 0 stops the flow before it reaches the data; a constant or bounded γ
    never does.  Raises InputError for other levels, or γ that is negative or not finite.
    """
    _positive(end=end, start=start)
    last = np.geomspace(end, end * 1e3, 16)
    values = np.array([gamma(float(r)) for r in last])
    if (values < 0).any() or not np.isfinite(values).all():
        raise InputError(
            got="a γ that is negative or not finite",
            need="0 ≤ γ(r) < infinity",
            remedy="correct the function gamma",
        )
    distance = distance_left(gamma, start, end)
    if (values <= 1e-12).all():
        return Shrinking(0.0, distance, True)
    exponent = -float(np.polyfit(np.log(last), np.log(np.maximum(values, 1e-300)), 1)[0])
    # If γ falls with r, or is constant, 1/(1 + γ) stays away from 0, and the integral diverges like log(1/r).
    memorizes = True if exponent < FLAT else False if exponent > STEEP else None
    return Shrinking(exponent, distance, memorizes)


def escape_level(half_distance: float, offset: float) -> float:
    """Compute the level at which a trajectory leaves the hyperplane between two points ±a: about a / √(2 log(1/ε)).

    half_distance: a.  offset: ε < 1, the trajectory's first distance from the plane over a.  The plane is unstable below σ = a,
    where the offset grows at the rate a²/σ² − 1 in log σ; about another factor 2 in σ passes until the trajectory settles.
    Raises InputError for ε ≥ 1.
    """
    _positive(half_distance=half_distance, offset=offset)
    if offset >= 1:
        raise InputError(
            got=f"offset {offset}", need="0 < ε < 1", remedy="divide the offset by half_distance"
        )
    return half_distance / math.sqrt(2 * math.log(1 / offset))


def _positive(**values: float) -> None:
    for name, value in values.items():
        if not 0 < value < math.inf:
            raise InputError(
                got=f"{name} = {value}", need=f"{name} > 0, finite", remedy="see the docstring for its units"
            )
