"""Compare a measured interval with the range that accepts a claim.

reproduced     the interval lies in the range
contradicted   the interval and the range are disjoint
unresolved     anything else, and always where there is no interval and the quantity is not exact
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

__all__ = ["Verdict", "verdict"]

Verdict = Literal["reproduced", "contradicted", "unresolved"]


def verdict(
    low: float | None,
    high: float | None,
    accept: Sequence[float | None],
    *,
    exact: bool = False,
    complete: bool = True,
) -> Verdict:
    """Return what the measured interval [low, high] says about the accepted range.

    low, high: None if there is no interval; for an `exact` quantity both are the value.
    accept: the two ends of the accepted range; None for an end that is open.
    complete: whether every run gave a value.  If a run gave none, the verdict is "unresolved".
    """
    floor = -math.inf if accept[0] is None else accept[0]
    ceiling = math.inf if accept[1] is None else accept[1]
    if low is None or high is None or not complete or (low == high and not exact):
        return "unresolved"
    if floor <= low and high <= ceiling:
        return "reproduced"
    return "contradicted" if high < floor or low > ceiling else "unresolved"
