"""Are the numbers of one set smaller than those of another?  By ranks alone: AUC and the Mann–Whitney test.

    AUC = P(x < y) + P(x = y)/2          x of the first set, y of the second; ½ if both have one distribution
    U   = n m (1 − AUC)                  pairs with x > y, ties half
    Z   = (U − (n m − 1)/2) / √( n m (N + 1 − Σ (t³ − t)/(N (N − 1))) / 12 ),    N = n + m, t the sizes of the ties

Z is N(0, 1) under exchangeability, far below 0 where the first set is smaller; (n m − 1)/2 has the correction for
continuity.  The interval of the AUC is DeLong's on the logit scale: free of any distribution, no resampling.  Where fewer
than five rows' worth of pairs stand on one side it knows too little of the tail, and Newcombe's score interval is used.

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

_FEW = 5  # as with shares: below it the normal approximation is not trusted


@dataclass(frozen=True)
class RankTest:
    """u: pairs in which the first is larger, ties half.  z: its normal score.  p: one-sided, that the first set is smaller.

    p has its digits at any z; where it would be below 2.2e-308 it is that number, never 0.
    """

    u: float
    z: float
    p: float


def auc(first: Tensor, second: Tensor, confidence: float = 0.95) -> Interval:
    """P(x < y) + P(x = y)/2 with its interval; count is the smaller number of rows.

    first: (n,), second: (m,), at least two numbers each.  Raises InputError for fewer, NaN or infinity.
    """
    x, y = _two(first, second)
    n, m = len(x), len(y)
    below, above = (
        _smaller(y, x),
        _smaller(x, y),
    )  # of each x, the share of y under it; and the other way round
    value = float(above.mean())
    if min(value, 1 - value) * min(n, m) < _FEW:
        low, high = _newcombe(value, n, m, confidence)
    else:
        variance = float(below.var() / n + above.var() / m)
        low, high = _on_logits(value, variance, confidence)
    return Interval(value, min(low, value), max(high, value), min(n, m))


def mann_whitney(first: Tensor, second: Tensor) -> RankTest:
    """The test that the first set is smaller than the second, with corrections for ties and continuity.

    first: (n,), second: (m,), at least two numbers each.  All numbers equal: z = 0 and p = ½, there is nothing to see.
    Raises InputError for fewer, NaN or infinity.
    """
    x, y = _two(first, second)
    n, m, total = len(x), len(y), len(x) + len(y)
    u = float(_smaller(y, x).sum() * m)
    ties = torch.unique(torch.cat([x, y]), return_counts=True)[1].double()
    spread = n * m / 12 * (total + 1 - float((ties**3 - ties).sum()) / (total * (total - 1)))
    if spread <= 0:
        return RankTest(u, 0.0, 0.5)
    z = (u - (n * m - 1) / 2) / math.sqrt(spread)
    return RankTest(u, z, lower_tail(z))


def _smaller(values: Tensor, than: Tensor) -> Tensor:
    """The share of `values` below each number of `than`, equal ones half.  values: (n,).  than: (m,).  Returns (m,)."""
    ordered = values.sort().values
    left, right = torch.searchsorted(ordered, than), torch.searchsorted(ordered, than, right=True)
    return (left + right).double() / (2 * len(values))


def _on_logits(value: float, variance: float, confidence: float) -> tuple[float, float]:
    reach = NormalDist().inv_cdf((1 + confidence) / 2) * math.sqrt(variance) / (value * (1 - value))
    odds = value / (1 - value)
    return odds / (odds + math.exp(reach)), odds / (odds + math.exp(-reach))


def _newcombe(value: float, n: int, m: int, confidence: float) -> tuple[float, float]:
    """Every θ from which `value` lies within z standard deviations of Hanley and McNeil."""
    z, half = NormalDist().inv_cdf((1 + confidence) / 2), (n + m) / 2 - 1

    def near(theta: float) -> bool:
        spread = (
            theta * (1 - theta) * (1 + half * ((1 - theta) / (2 - theta) + theta / (1 + theta))) / (n * m)
        )
        return (theta - value) ** 2 <= z * z * spread

    return _end(near, value, 0.0), _end(near, value, 1.0)


def _end(near: Callable[[float], bool], inside: float, outside: float) -> float:
    """Where `near` ends between a point inside and one outside; 60 halvings."""
    for _ in range(60):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if near(middle) else (inside, middle)
    return inside


def _two(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    if first.ndim != 1 or second.ndim != 1 or min(len(first), len(second)) < 2:
        raise InputError(
            got=f"numbers of shapes {tuple(first.shape)} and {tuple(second.shape)}",
            need="(n,) and (m,), at least two of each",
            remedy="measure more images on either side",
        )
    check_finite("the first numbers", first)
    check_finite("the second numbers", second)
    # A column of a table is not contiguous, of which `searchsorted` would warn.
    return first.detach().double().cpu().contiguous(), second.detach().double().cpu().contiguous()
