"""Tails of the normal distribution, accurate where 1 − erf has no digits left.

Φ(z) = erfc(−z/√2) / 2.  Computed from 1 + erf, Φ loses a digit for every factor 10 below 1, and is 0 from z = −8.3 on.
"""

from __future__ import annotations

import math
import sys

__all__ = ["SMALLEST", "lower_tail"]

SMALLEST = sys.float_info.min
"""2.2e-308, the smallest p-value that is reported: float64 has fewer digits below, and 0 would say that chance is excluded."""


def lower_tail(z: float) -> float:
    """Compute Φ(z) = P(N(0, 1) ≤ z) to 13 digits at every z.

    The result is never less than SMALLEST, which is reached at z = −37.5.  NaN stays NaN.
    """
    return z if math.isnan(z) else max(math.erfc(-z / math.sqrt(2)) / 2, SMALLEST)
