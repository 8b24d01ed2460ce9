"""Quantities that are one number of the last record of every run.

last/NAME                mean over runs of the last value of the record NAME       (Student-t 95 % over runs)
"""

from __future__ import annotations

from collections.abc import Sequence

from byheart.experiments.quantities.result import Quantity, mean_over_runs
from byheart.experiments.runs.curves import Curve

__all__ = ["check", "measured"]

VOCABULARY = ("last/NAME",)


def check(name: str) -> bool:
    """Say whether this is one of the quantities of this file."""
    family, _, rest = name.partition("/")
    return family == "last" and bool(rest)


def measured(name: str, curves: Sequence[Curve]) -> Quantity:
    """Measure the quantity of that name; its value is NaN if the curves do not give one."""
    name = name.partition("/")[2]
    last = [curve.rows[-1].get(name) for curve in curves]
    return mean_over_runs([None if value is None else float(value) for value in last])
