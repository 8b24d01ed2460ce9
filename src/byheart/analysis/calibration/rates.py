"""How many held-out images does a small false positive rate need?  The possible rates at a threshold that they give.

A threshold is the α quantile of m held-out scores.  How many of m scores lie below the true quantile is binomial, so that the rank of a limit
is exact, and to first order the rate at the threshold lies, with probability 1 − 2·tail, within

    α (1 ± w),    w = z √((1 − α)/(α m)),    z the normal quantile of 1 − tail

With no score below the true quantile, probability (1 − α)^m, there is no lower limit at all unless that is at most the tail.
The tail is 1.25 % where the interval of a share at the threshold takes the other half of 5 % for itself (`metrics.membership`).

    α        m with a lower limit     w = 1/2     1/4       1/10
    ------------------------------------------------------------------
    5 %      86                       382         1,528     9,546
    1 %      437                      1,990       7,958     49,737
    0.1 %    4,380                    20,076      80,302    501,887
"""

from __future__ import annotations

import math
from statistics import NormalDist

from byheart._checks import check_open

__all__ = ["TAIL", "heldout_for_a_limit", "heldout_for_a_rate"]

TAIL = 0.0125
"""Probability beyond each limit of the rate, if the share at the threshold takes as much for each of its own limits."""


def heldout_for_a_limit(rate: float, tail: float = TAIL) -> int:
    """Count the held-out images below which a share at this false positive rate has the lower limit 0, whatever the data.

    rate: α, in (0, 1).  Raises InputError unless rate is in (0, 1) and tail in (0, 0.5).
    """
    _check(rate, tail)
    return math.ceil(math.log(tail) / math.log1p(-rate))


def heldout_for_a_rate(rate: float, within: float = 0.5, tail: float = TAIL) -> int:
    """Count the held-out images with which the rate at the threshold is known to lie within rate · (1 ± within), to first order.

    rate: α, in (0, 1).  within: w, in (0, 1).  Raises InputError for numbers outside of these, or a tail outside of (0, 0.5).
    """
    _check(rate, tail)
    check_open("within", within, 1, remedy="write 0.5 for half of the rate")
    normal = -NormalDist().inv_cdf(tail)
    return max(math.ceil(normal**2 * (1 - rate) / (rate * within**2)), heldout_for_a_limit(rate, tail))


def _check(rate: float, tail: float) -> None:
    check_open("rate", rate, 1, remedy="write 0.01 for 1 %")
    check_open("tail", tail, 0.5, remedy=f"leave it out for {TAIL:g}")
