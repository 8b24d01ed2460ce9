"""Confidence intervals: every reported number has one.

for                                  interval             source
--------------------------------------------------------------------------------------------
a share                              Wilson's score       Wilson 1927
a share near 0 or 1, or of few       Clopper–Pearson      Clopper & Pearson 1934 (never too short)
a mean of a few values (seeds)       Student's t          Student 1908
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from byheart._checks import InputError, check_open

__all__ = ["Interval", "Proportion", "clopper_pearson", "mean_interval", "proportion", "wilson"]

_FEW = 5  # successes or failures below which the normal approximation behind Wilson's score is not trusted


@dataclass(frozen=True)
class Interval:
    """An estimate between its confidence limits, low <= value <= high, and the number of observations behind the estimate."""

    value: float
    low: float
    high: float
    count: int

    def entries(self, name: str) -> dict[str, float]:
        """Return the three numbers in the form of a flat record: name, name_low, name_high."""
        return {name: self.value, f"{name}_low": self.low, f"{name}_high": self.high}


Proportion = Interval
"""An interval of a share, with all three numbers in [0, 1]."""


def proportion(successes: int, count: int, confidence: float = 0.95) -> Proportion:
    """Return a share with Wilson's interval, or Clopper–Pearson's if successes or failures are fewer than 5.

    Raises InputError unless 0 <= successes <= count, count >= 1 and 0 < confidence < 1.
    """
    few = min(successes, count - successes) < _FEW
    return (clopper_pearson if few else wilson)(successes, count, confidence)


def wilson(successes: int, count: int, confidence: float = 0.95) -> Proportion:
    """Return Wilson's score interval: every share from which the observed share lies within z standard deviations.

    Raises InputError as `proportion` does.
    """
    _check_share(successes, count, confidence)
    from scipy.special import ndtri

    z, share = float(ndtri((1 + confidence) / 2)), successes / count
    center = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + (z / (2 * count)) ** 2)
    # At 0 and at count a limit is the share itself up to rounding.
    return Proportion(share, min(share, max(0.0, center - half)), max(share, min(1.0, center + half)), count)


def clopper_pearson(successes: int, count: int, confidence: float = 0.95) -> Proportion:
    """Return the exact interval: every share under which so few, or so many, successes are not too improbable.

    Raises InputError as `proportion` does.
    """
    _check_share(successes, count, confidence)
    from scipy.special import betaincinv

    tail, failures = (1 - confidence) / 2, count - successes
    low = float(betaincinv(successes, failures + 1, tail)) if successes else 0.0
    high = float(betaincinv(successes + 1, failures, 1 - tail)) if failures else 1.0
    return Proportion(successes / count, low, high, count)


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Return the mean of independent values with Student's t interval.

    Raises InputError for fewer than 2 values, for NaN or infinity, and unless 0 < confidence < 1.
    """
    _check_confidence(confidence)
    if len(values) < 2 or not all(map(math.isfinite, values)):
        raise InputError(
            got=f"{len(values)} values {list(values)[:5]}",
            need="at least 2 finite values, because a single value has no spread",
            remedy="repeat the measurement with another seed",
        )
    from scipy.special import stdtrit

    count = len(values)
    mean = math.fsum(values) / count
    variance = math.fsum((value - mean) ** 2 for value in values) / (count - 1)
    half = float(stdtrit(count - 1, (1 + confidence) / 2)) * math.sqrt(variance / count)
    return Interval(mean, mean - half, mean + half, count)


def _check_share(successes: int, count: int, confidence: float) -> None:
    _check_confidence(confidence)
    if not (count >= 1 and 0 <= successes <= count):
        raise InputError(
            got=f"{successes} successes of {count}",
            need="count >= 1 and 0 <= successes <= count",
            remedy="measure at least one sample",
        )


def _check_confidence(confidence: float) -> None:
    check_open("confidence", confidence, 1, remedy="write 0.95 for 95 %")
