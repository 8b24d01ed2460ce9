"""Quantities of planted benchmarks, from the records that have a group and a name (experiments/kinds/audit_rows.py).

audit/GROUP/NAME         the value of that record; shares pooled over runs (binomial), means averaged over runs
audit/GROUP/main         the same over all kinds of the group `main` together
audit/GROUP/worst        the smallest value of the names in the group, each pooled over runs; of the kind `main` if there is one
audit/GROUP/most         the largest, of the kind `safe` if there is one
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from byheart.experiments.curves import Curve
from byheart.experiments.quantities.result import Quantity, nothing
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
    """Whether this is one of the quantities of this file."""
    family, group, rest = (*name.split("/", 2), "", "")[:3]
    return family == "audit" and group in _SHARES | _MEANS and bool(rest)


def measured(name: str, curves: Sequence[Curve]) -> Quantity:
    """The quantity of that name; its value is NaN where the curves do not give one."""
    _, group, name = name.split("/", 2)
    rows = [
        row for curve in curves for row in curve.rows if row["group"] == group and row["value"] is not None
    ]
    match name:
        case "main":
            return _pooled([row for row in rows if row["kind"] == "main"], len(curves))
        case "worst":
            return min(_by_name(rows, group, "main"), key=_value, default=nothing(len(curves)))
        case "most":
            return max(_by_name(rows, group, "safe"), key=_value, default=nothing(len(curves)))
    return _joined([row for row in rows if row["name"] == name], group, len(curves))


def _by_name(rows: list[Row], group: str, kind: str) -> list[Quantity]:
    chosen = [row for row in rows if row["kind"] == kind] or rows
    names = dict.fromkeys(row["name"] for row in chosen)
    return [_joined([row for row in chosen if row["name"] == name], group, 0) for name in names]


def _joined(rows: list[Row], group: str, curves: int) -> Quantity:
    return _pooled(rows, curves) if group in _SHARES else _averaged(rows, curves)


def _pooled(rows: list[Row], curves: int) -> Quantity:
    """A share of all that the records count."""
    count = sum(int(row["count"]) for row in rows)
    if not count:
        return nothing(curves)
    value = sum(float(row["value"]) * int(row["count"]) for row in rows) / count
    found = proportion(round(value * count), count)
    return Quantity(value, min(found.low, value), max(found.high, value), count)


def _averaged(rows: list[Row], curves: int) -> Quantity:
    """The mean over runs; its interval is the mean of theirs, which is never too short for independent runs."""
    if not rows:
        return nothing(curves)
    value, low, high = (sum(float(row[end]) for row in rows) / len(rows) for end in ("value", "low", "high"))
    return Quantity(value, low, high, sum(int(row["count"]) for row in rows))


def _value(found: Quantity) -> float:
    return found.value
