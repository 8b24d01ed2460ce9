"""Measured quantities, and what all families of quantities share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from byheart.numerics.intervals import mean_interval

__all__ = ["Quantity", "mean_over_runs", "nothing"]


@dataclass(frozen=True)
class Quantity:
    """A measured quantity.  low, high: its 95 % interval, None if there is none.  missing: number of runs without a value."""

    value: float
    low: float | None
    high: float | None
    count: int
    missing: int = 0


def nothing(missing: int) -> Quantity:
    """Return a quantity without a value, from so many runs."""
    return Quantity(math.nan, None, None, 0, missing)


def mean_over_runs(values: Sequence[float | None]) -> Quantity:
    """Compute the mean of one number per run, with Student's interval; None stands for a run without the number."""
    known = [value for value in values if value is not None]
    missing = len(values) - len(known)
    if len(known) < 2:
        return Quantity(known[0] if known else math.nan, None, None, len(known), missing)
    mean = mean_interval(known)
    return Quantity(mean.value, mean.low, mean.high, mean.count, missing)
