"""Are the numbers of one set smaller than those of another?  AUC and the Mann–Whitney test, which use ranks alone.

    AUC = P(x < y) + P(x = y)/2          x of the first set, y of the second; ½ if both have one distribution
    U   = n m (1 − AUC)                  number of pairs with x > y; a tie counts half
    Z   = (U − (n m − 1)/2) / √( n m (N + 1 − Σ (t³ − t)/(N (N − 1))) / 12 ),    N = n + m, t the sizes of the ties

Z is N(0, 1) under exchangeability, and far below 0 where the first set is smaller; (n m − 1)/2 includes the correction
for continuity.  The interval of the AUC is DeLong's on the logit scale: it assumes no distribution and resamples nothing.
If fewer than five rows' worth of pairs lie on one side, DeLong's interval knows too little of the tail, and Newcombe's
score interval is used instead.

References: Mann & Whitney 1947; DeLong, DeLong & Clarke-Pearson 1988; Newcombe 2006 (method 5).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import torch
from torch import Tensor

from byheart._checks import InputError, check_finite
from byheart.numerics.intervals import Interval
from byheart.numerics.normal import lower_tail

__all__ = ["RankTest", "auc", "mann_whitney"]

_FEW = 5  # below this count the normal approximation is not trusted, as with shares


@dataclass(frozen=True)
class RankTest:
    """The result of a Mann–Whitney test.

    u: number of pairs in which the first is larger; a tie counts half.  z: normal score of u.  p: one-sided p-value for the
    first set being smaller, accurate at any z; at least 2.2e-308, never 0.
    """

    u: float
    z: float
    p: float


def auc(first: Tensor, second: Tensor, confidence: float = 0.95) -> Interval:
    """Compute P(x < y) + P(x = y)/2 with its interval; `count` is the smaller number of rows.

    first: (n,), second: (m,), at least two numbers each.  Raises InputError for fewer, NaN or infinity.
    """
    x, y = _pair_of_sets(first, second)
    n, m = len(x), len(y)
    # For each x the share of y below that x, and for each y the share of x below that y.
    below, above = _smaller(y, x), _smaller(x, y)
    value = float(above.mean())
    if min(value, 1 - value) * min(n, m) < _FEW:
        low, high = _newcombe(value, n, m, confidence)
    else:
        variance = float(below.var() / n + above.var() / m)
        low, high = _on_logits(value, variance, confidence)
    return Interval(value, min(low, value), max(high, value), min(n, m))


def mann_whitney(first: Tensor, second: Tensor) -> RankTest:
    """Test whether the first set is smaller than the second, with corrections for ties and continuity.

    first: (n,), second: (m,), at least two numbers each.  If all numbers are equal, z = 0 and p = ½.
    Raises InputError for fewer, NaN or infinity.
    """
    x, y = _pair_of_sets(first, second)
    n, m, total = len(x), len(y), len(x) + len(y)
    u = float(_smaller(y, x).sum() * m)
    ties = torch.unique(torch.cat([x, y]), return_counts=True)[1].double()
    spread = n * m / 12 * (total + 1 - float((ties**3 - ties).sum()) / (total * (total - 1)))
    if spread <= 0:
        return RankTest(u, 0.0, 0.5)
    z = (u - (n * m - 1) / 2) / math.sqrt(spread)
    return RankTest(u, z, lower_tail(z))


def _smaller(values: Tensor, than: Tensor) -> Tensor:
    """Compute the share of `values` below each number of `than`; equal values count half.

    values: (n,).  than: (m,).  Returns (m,).
    """
    ordered = values.sort().values
    left, right = torch.searchsorted(ordered, than), torch.searchsorted(ordered, than, right=True)
    return (left + right).double() / (2 * len(values))


def _on_logits(value: float, variance: float, confidence: float) -> tuple[float, float]:
    """Return DeLong's limits of the AUC `value` with that variance, symmetric on the logit scale."""
    reach = NormalDist().inv_cdf((1 + confidence) / 2) * math.sqrt(variance) / (value * (1 - value))
    odds = value / (1 - value)
    return odds / (odds + math.exp(reach)), odds / (odds + math.exp(-reach))


def _newcombe(value: float, n: int, m: int, confidence: float) -> tuple[float, float]:
    """Return the ends of the range of θ for which `value` lies within z standard deviations (Hanley and McNeil's)."""
    z, half = NormalDist().inv_cdf((1 + confidence) / 2), (n + m) / 2 - 1

    def near(theta: float) -> bool:
        spread = (
            theta * (1 - theta) * (1 + half * ((1 - theta) / (2 - theta) + theta / (1 + theta))) / (n * m)
        )
        return (theta - value) ** 2 <= z * z * spread

    return _end(near, value, 0.0), _end(near, value, 1.0)


def _end(near: Callable[[float], bool], inside: float, outside: float) -> float:
    """Find by 60 halvings where `near` ceases to hold, between a point inside and a point outside."""
    for _ in range(60):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if near(middle) else (inside, middle)
    return inside


def _pair_of_sets(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Return both sets as float64 on the CPU.  Raises InputError for other shapes, fewer than two numbers, or NaN."""
    if first.ndim != 1 or second.ndim != 1 or min(len(first), len(second)) < 2:
        raise InputError(
            got=f"numbers of shapes {tuple(first.shape)} and {tuple(second.shape)}",
            need="(n,) and (m,), with at least two numbers in each set",
            remedy="measure more images in both sets",
        )
    check_finite("the first numbers", first)
    check_finite("the second numbers", second)
    # A column of a table is not contiguous, and `searchsorted` warns about such tensors.
    return first.detach().double().cpu().contiguous(), second.detach().double().cpu().contiguous()
