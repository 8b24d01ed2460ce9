"""How far is the nearest stored point?  The factor C in the excess loss C (1 − M/N) d s of M stored points of N.

At high signal-to-noise ratio the empirical denoiser of M points sends any other training point to the nearest stored one.
With z = (x − μ)/√s of a point, ‖z‖² ~ χ²_d, a stored point of the same component lies at s χ'²_d(‖z‖²), noncentral.  Of the M
stored points, m ~ Binomial(M, p) lie in a component of weight p.  Hence

    C = (1/d) Σₖ pₖ E[min of m noncentral χ²_d]      for m ≥ 1
    C₀ = 2 + ‖μ − μ'‖²/(d s) = 4 for S1's means      for m = 0: the point goes to another component
    C ≈ 2 − √(6/d) E[max of M/K normals]             in short: such distances have mean 2d and variance 6d

S1 proves 1 ≤ C ≤ 2 up to exponentially small terms, for M ≥ K log K (1 + log d).  S1's figures take C = 2, S1's code C = 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from byheart._checks import InputError, check_open

__all__ = ["coupon_bound", "crossover_finite", "finite_factor", "quick_factor"]

Array = NDArray[np.float64]

SPREAD = 6.0  # ‖z‖ is integrated within this distance of √d, 8 standard deviations
NODES = 32  # Gauss–Legendre, over ‖z‖
REACH = 12.0  # standard deviations of a distance that are integrated over
STEPS = 128  # Gauss–Legendre, over distances
SEPARATION = 2.0  # ‖μ − μ'‖²/(d s) of random directions on S1's sphere, s = 1


def finite_factor(
    d: int,
    m: int,
    components: int,
    weights: Sequence[float] | None = None,
    separation: float = SEPARATION,
) -> float:
    """Compute C for m stored points, exact up to the geometry of the components.

    d: dimension.  m: M ≥ 1, number of stored points, an independent subset.  components: K.
    weights: (K,), of sum 1; None takes equal weights.  separation: squared distance between component means over d s.
    Raises InputError for counts below 1, or weights that are not K positive numbers of sum 1.
    """
    _check(d, m, components)
    shares = _shares(components, weights)
    # A point lies in component k with probability pₖ, and so does each stored point.
    parts = {p: _one_component(d, m, p, separation) for p in set(shares)}
    return math.fsum(p * parts[p] for p in shares)


def _one_component(d: int, m: int, p: float, separation: float) -> float:
    """Average over m ~ Binomial(M, p), from P(nearest > u) = (1 − p + p S(u))^M with S the survival of one distance."""
    from scipy.stats import chi, ncx2

    node, mass = np.polynomial.legendre.leggauss(NODES)
    low = max(0.0, math.sqrt(d) - SPREAD)
    # The length of z has a density without a pole, and a spread below 1.
    length = low + (math.sqrt(d) + SPREAD - low) * (node + 1) / 2
    mass = mass * chi.pdf(length, d)
    norm = length**2
    highest = d + norm + REACH * np.sqrt(2 * (d + 2 * norm))
    node, width = np.polynomial.legendre.leggauss(STEPS)
    u = highest[:, None] * (node + 1) / 2
    none = (1 - p) ** m
    tail = (1 - p + p * ncx2.sf(u, d, norm[:, None])) ** m - none
    nearest = (tail @ width) * highest / 2
    return float(nearest @ (mass / mass.sum()) / d + none * (2 + separation))


def quick_factor(d: int, m: int, components: int) -> float:
    """Compute 2 − √(6/d) E[max of M/K normals], which is C to a few percent if a component holds several stored points."""
    _check(d, m, components)
    return 2 - math.sqrt(6 / d) * _largest_normal(m / components)


def _largest_normal(count: float) -> float:
    """Compute E[max] of `count` standard normals; the same integral interpolates between whole counts, for any count > 0."""
    from scipy.integrate import quad
    from scipy.special import log_ndtr

    def tail(u: float) -> float:  # P(max > u) − P(max < −u)
        return -math.expm1(count * log_ndtr(u)) - math.exp(count * log_ndtr(-u))

    return float(quad(tail, 0, 40, limit=200, points=[3.0, 8.0])[0])


def coupon_bound(components: int, d: int) -> float:
    """Compute K log K (1 + log d), the M from which S1's proof finds two stored points in every component."""
    _check(d, 1, components)
    return components * math.log(components) * (1 + math.log(d))


def crossover_finite(excess: float, n: int, d: int, components: int, separation: float = SEPARATION) -> float:
    """Compute M*/N with C(M) in place of a constant: the solution of (1 − M/N) C(M) = excess.

    excess: E[λ/(1 + ψ s)]/E[λ] in (0, 1), that is 2 (1 − crossover(…, factor=2)).  separation: as in `finite_factor`.
    The gap is linear between whole M.
    Raises InputError for an excess outside (0, 1), or more components than points.
    """
    check_open("excess", excess, 1, remedy="see crossover")
    if components > n:
        raise InputError(
            got=f"K = {components} components of N = {n} points", need="K ≤ N", remedy="raise N or lower K"
        )

    def gap(m: int) -> float:
        return (1 - m / n) * finite_factor(d, m, components, separation=separation) - excess

    low, high = (
        1,
        n,
    )  # the gap falls with M: fewer points are left out, and the nearest stored point is nearer
    if gap(low) <= 0:
        return low / n
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if gap(middle) > 0 else (low, middle)
    above, below = gap(low), gap(high)
    return (low + above / (above - below)) / n


def _check(d: int, m: int, components: int) -> None:
    for name, value in {"d": d, "M": m, "K": components}.items():
        if value < 1:
            raise InputError(
                got=f"{name} = {value}", need=f"{name} ≥ 1", remedy="give a whole number from 1 on"
            )


def _shares(components: int, weights: Sequence[float] | None) -> list[float]:
    if weights is None:
        return [1 / components] * components
    shares = [float(weight) for weight in weights]
    if len(shares) != components or min(shares) <= 0 or abs(math.fsum(shares) - 1) > 1e-6:
        raise InputError(
            got=f"{len(shares)} weights of sum {math.fsum(shares):g}",
            need=f"{components} positive numbers of sum 1",
            remedy="remove components of weight 0, then divide by the sum",
        )
    return shares
