"""Quantities of planted benchmarks, from the records that have a group and a name (experiments/kinds/audit/rows.py).

audit/GROUP/NAME         the value of that record; shares pooled over runs (binomial), means averaged over runs
audit/GROUP/main         the same over all kinds of the group `main` together
audit/GROUP/worst        the smallest value of the names in the group, each pooled over runs; only names of the kind `main` if there are any
audit/GROUP/most         the largest value; only names of the kind `safe` if there are any
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from byheart.experiments.quantities.result import Quantity, nothing
from byheart.experiments.runs.curves import Curve
from byheart.numerics.intervals import proportion

__all__ = ["check", "measured"]

VOCABULARY = ("audit/GROUP/NAME",)

_SHARES = {
    "planted",
    "matched",
    "shortlisted",
    "accused",
    "blended",
    "copier",
    "exceeded",
    "population",
    "coverage",
    "bound",
}
_MEANS = {"fpr", "estimate", "chao"}

Row = dict[str, Any]


def check(name: str) -> bool:
    """Say whether this is one of the quantities of this file."""
    family, group, rest = (*name.split("/", 2), "", "")[:3]
    return family == "audit" and group in _SHARES | _MEANS and bool(rest)


def measured(name: str, curves: Sequence[Curve]) -> Quantity:
    """Measure the quantity of that name; its value is NaN if the curves do not give one."""
    _, group, name = name.split("/", 2)
    of_runs = [
        [row for row in curve.rows if row["group"] == group and row["value"] is not None] for curve in curves
    ]
    match name:
        case "main":
            of_runs = [[row for row in rows if row["kind"] == "main"] for rows in of_runs]
        case "worst" | "most":
            pass
        case _:
            of_runs = [[row for row in rows if row["name"] == name] for rows in of_runs]
    rows, missing = [row for found in of_runs for row in found], sum(not found for found in of_runs)
    if not rows:
        return nothing(missing)
    match name:
        case "main":
            found = _pooled(rows)
        case "worst":
            found = min(_by_name(rows, group, "main"), key=_value)
        case "most":
            found = max(_by_name(rows, group, "safe"), key=_value)
        case _:
            found = _joined(rows, group)
    return replace(found, missing=missing)


def _by_name(rows: list[Row], group: str, kind: str) -> list[Quantity]:
    chosen = [row for row in rows if row["kind"] == kind] or rows
    names = dict.fromkeys(row["name"] for row in chosen)
    return [_joined([row for row in chosen if row["name"] == name], group) for name in names]


def _joined(rows: list[Row], group: str) -> Quantity:
    return _pooled(rows) if group in _SHARES else _averaged(rows)


def _pooled(rows: list[Row]) -> Quantity:
    """Compute a share pooled over the counts of one or more records."""
    count = sum(int(row["count"]) for row in rows)
    value = sum(float(row["value"]) * int(row["count"]) for row in rows) / count
    found = proportion(round(value * count), count)
    return Quantity(value, min(found.low, value), max(found.high, value), count)


def _averaged(rows: list[Row]) -> Quantity:
    """Compute the mean over runs; its interval is the mean of the runs' intervals, which is never too short for independent runs."""
    value, low, high = (sum(float(row[end]) for row in rows) / len(rows) for end in ("value", "low", "high"))
    return Quantity(value, low, high, sum(int(row["count"]) for row in rows))


def _value(found: Quantity) -> float:
    return found.value
