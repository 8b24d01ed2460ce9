"""Quantities of closed forms and of networks beside them, read from the last record of every run, or from all its levels.

gap/NAME                 largest difference |NAME − formula/NAME| over the runs    (ends of the intervals of NAME)
slope/NAME               log-log slope of NAME in the noise level, below 0.05      (Student-t 95 % over runs)
worst/NAME               largest NAME over the runs                                (exact)
share/NAME               NAME, a share, pooled over the runs                       (Wilson or Clopper–Pearson)
relative/NAME@X          NAME at the noise level X, in units of r_c                (Student-t 95 % over runs; a share with
                         its count is pooled)
order/NAME/SETTING/S     1 if NAME grows with SETTING from each value to the next, 0 if it falls from each to the next;
                         no value where the 95 % interval of a difference (Student's t, paired by seed) holds 0 (exact)
excess/within@T/D/S      largest within@T above P(χ²_D < T²/c), c the strength of the run's loss, over the runs
                         (ends of the intervals of within@T)

S: the training steps of the statement; a run that ended before S has no value.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from byheart.experiments.quantities.result import Quantity, mean_over_runs, nothing
from byheart.experiments.runs.curves import Curve
from byheart.numerics.intervals import Proportion, mean_interval, proportion
from byheart.theory.terminal import tikhonov_copies

__all__ = ["check", "measured", "pooled_share", "setting_of"]

VOCABULARY = (
    "gap/NAME",
    "slope/NAME",
    "worst/NAME",
    "share/NAME",
    "relative/NAME@X",
    "order/NAME/SETTING/S",
    "excess/within@T/D/S",
)

BOUND = 0.05
"""The noise level below which every trajectory of S2's points is bound to one of them."""


def check(name: str) -> bool:
    """Say whether this is one of the quantities of this file."""
    family, _, rest = name.partition("/")
    match family:
        case "gap" | "slope" | "worst" | "share":
            return bool(rest)
        case "relative":
            return _number(rest.rpartition("@")[2]) and bool(rest.rpartition("@")[0])
        case "order":
            column, setting, steps = _three(rest)
            return bool(column and setting) and steps.isdigit()
        case "excess":
            column, dimension, steps = _three(rest)
            known = column.startswith("within@") and _number(column.removeprefix("within@"))
            return known and dimension.isdigit() and steps.isdigit()
    return False


def measured(name: str, curves: Sequence[Curve]) -> Quantity:
    """Measure the quantity of that name; its value is NaN if the curves do not give one.  curves: of one arm."""
    family, _, rest = name.partition("/")
    match family:
        case "gap":
            return _gap(rest, curves)
        case "slope":
            return mean_over_runs([_slope(curve, rest) for curve in curves])
        case "worst":
            values = [curve.rows[-1].get(rest) for curve in curves]
            known = [float(value) for value in values if value is not None]
            worst = max(known, default=math.nan)
            return Quantity(worst, worst, worst, len(known), len(values) - len(known))
        case "share":
            pooled = pooled_share(curves, rest)
            return (
                nothing(len(curves))
                if pooled is None
                else Quantity(pooled.value, pooled.low, pooled.high, pooled.count)
            )
        case "relative":
            column, _, level = rest.rpartition("@")
            return _relative(curves, column, float(level))
        case "order":
            column, setting, steps = _three(rest)
            return _order(column, setting, _trained(curves, int(steps)), len(curves))
    column, dimension, steps = _three(rest)
    found = _excess(column, int(dimension), _trained(curves, int(steps)))
    return replace(found, missing=len(curves) - found.count)


def _three(rest: str) -> tuple[str, str, str]:
    """Split NAME/SETTING/S, where NAME may hold slashes; empty parts if the text has another form."""
    before, _, steps = rest.rpartition("/")
    column, _, setting = before.rpartition("/")
    return column, setting, steps


def _trained(curves: Sequence[Curve], steps: int) -> list[Curve]:
    """Keep the curves of runs that were trained for at least this many steps."""
    return [curve for curve in curves if float(curve.rows[-1]["step"] or 0) >= steps]


def pooled_share(curves: Sequence[Curve], name: str) -> Proportion | None:
    """Pool a share of the last records over runs; None if no run has the share."""
    last = [curve.rows[-1] for curve in curves if curve.rows[-1].get(name) is not None]
    counts = [int(row.get("count") or row.get("f_mem_count") or 0) for row in last]
    return _pooled([float(row[name] or 0) for row in last], counts) if sum(counts) else None


def _pooled(shares: Sequence[float], counts: Sequence[int]) -> Proportion:
    hits = sum(round(share * count) for share, count in zip(shares, counts, strict=True))
    return proportion(hits, sum(counts))


def _gap(name: str, curves: Sequence[Curve]) -> Quantity:
    last = [curve.rows[-1] for curve in curves]
    found = [row for row in last if row.get(name) is not None and row.get(f"formula/{name}") is not None]
    missing = len(last) - len(found)
    if not found:
        return nothing(missing)
    gaps = [abs(float(row[name]) - float(row[f"formula/{name}"])) for row in found]
    ends = [_ends_of_gap(row, name) for row in found]
    known = [end for end in ends if end is not None]
    if len(known) < len(ends):
        return Quantity(max(gaps), None, None, len(found), missing)
    low, high = (max(column) for column in zip(*known, strict=True))
    return Quantity(max(gaps), low, high, len(found), missing)


def _ends_of_gap(row: dict[str, Any], name: str) -> tuple[float, float] | None:
    """Return the smallest and the largest |value − formula| for values in the row's interval; None without an interval."""
    if row.get(f"{name}_low") is None or row.get(f"{name}_high") is None:
        return None
    low, high, formula = float(row[f"{name}_low"]), float(row[f"{name}_high"]), float(row[f"formula/{name}"])
    away = abs(low - formula), abs(high - formula)
    return 0.0 if low <= formula <= high else min(away), max(away)


def _excess(name: str, dimension: int, curves: Sequence[Curve]) -> Quantity:
    tolerance = float(name.removeprefix("within@"))

    def above(row: dict[str, Any], end: str) -> float:
        return float(row[f"{name}{end}"]) - float(row["expected"])

    rows = [
        {**curve.rows[-1], "expected": tikhonov_copies(tolerance, penalty["strength"], dimension)}
        for curve in curves
        if (penalty := curve.spec.get("loss", {}).get("tikhonov"))
    ]
    found = [row for row in rows if row.get(name) is not None]
    if not found:
        return nothing(len(curves))
    value, low, high = (max(above(row, end) for row in found) for end in ("", "_low", "_high"))
    return Quantity(value, low, high, len(found))


def _slope(curve: Curve, name: str) -> float | None:
    pairs = [(row["level"], row.get(name)) for row in curve.rows]
    bound = [(float(r), float(value)) for r, value in pairs if r and value and 0 < float(r) < BOUND]
    if len(bound) < 3:
        return None
    levels, values = np.log(np.array(bound)).T
    return float(np.polyfit(levels, values, 1)[0])


def _relative(curves: Sequence[Curve], name: str, level: float) -> Quantity:
    rows = [row for curve in curves for row in curve.rows if math.isclose(float(row["relative"] or 0), level)]
    found = [row for row in rows if row.get(name) is not None]
    if found and found[0].get(f"{name}_count"):
        counts = [int(row[f"{name}_count"] or 0) for row in found]
        share = _pooled([float(row[name] or 0) for row in found], counts)
        return Quantity(share.value, share.low, share.high, share.count, len(curves) - len(found))
    return mean_over_runs([None if row.get(name) is None else float(row[name] or 0) for row in rows])


def _order(name: str, setting: str, curves: Sequence[Curve], asked: int) -> Quantity:
    # Runs are independent, samples are not: two networks of one width differ by more than the scatter of their samples.
    by_setting: dict[float, dict[int, float]] = defaultdict(dict)
    for curve in curves:
        if (value := curve.rows[-1].get(name)) is not None:
            by_setting[float(setting_of(curve.spec, setting))][curve.seed] = float(value)
    steps = [
        mean_interval([high[seed] - low[seed] for seed in sorted(low.keys() & high.keys())])
        for low, high in pairwise(by_setting[value] for value in sorted(by_setting))
        if len(low.keys() & high.keys()) >= 2
    ]
    if not steps or len(steps) < len(by_setting) - 1:
        return nothing(asked)
    rises, falls = all(step.low > 0 for step in steps), all(step.high < 0 for step in steps)
    value = 1.0 if rises else 0.0 if falls else math.nan
    end = None if math.isnan(value) else value
    return Quantity(value, end, end, len(curves), asked - len(curves))


def setting_of(spec: dict[str, Any], dotted: str) -> Any:
    """Return a setting of a run by its dotted name."""
    for key in dotted.split("."):
        spec = spec[key]
    return spec


def _number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
