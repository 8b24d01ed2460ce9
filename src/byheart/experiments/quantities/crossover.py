"""Quantities of S1's mixtures: rows over models of M components, and over noise levels.

m_pt@T                   where the share of samples with d₁ < T d₂ passes one half, over N         (mean over runs, Student's t)
spread/m_pt@T            standard deviation of that over runs                                        (χ², for normal values)
at/NAME@S                NAME at M/N = S                                                             (mean over runs, Student's t)
ratio/NAME:OTHER@S       largest |NAME/OTHER − 1| over the models of M/N ≥ S, of the means over runs (ends of Student's intervals)
published/FIGURE/NAME    largest |NAME − published| over the published M/N; of losses and distances relative, and where the
                         published value is positive                                                  (ends of Student's intervals)
stored/f_mem@L           parameters/(d N) of networks of several sizes at which the last f_mem passes L   (mean over seeds,
                         Student's t; logarithms are interpolated): M_pt/N, if a network stored points one after another
least/NAME@P, most/NAME@P    smallest and largest mean over runs of NAME over the levels of ψ ≥ P     (Student's t there)

crossover/WEIGHTING@C    M*/N by S1's formula for a named weighting and factor C                     (exact, from no run)

T is a ratio of distances.  A run is a training set, with a population and a start of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from byheart.experiments.curves import Curve
from byheart.experiments.published import PUBLISHED
from byheart.experiments.quantities.result import Quantity, mean_over_runs, nothing
from byheart.theory.crossover import WEIGHTINGS, crossover, named_weighting, snr, times
from byheart.theory.transition import transition

__all__ = ["LEARNED", "check", "learned", "measured"]

VOCABULARY = (
    "m_pt@T",
    "spread/m_pt@T",
    "at/NAME@S",
    "ratio/NAME:OTHER@S",
    "published/FIGURE/NAME",
    "stored/f_mem@L",
    "least/NAME@P",
    "most/NAME@P",
    "crossover/WEIGHTING@C",
)

LEARNED = "learned"
"""`model` of the rows of trained mixtures."""

_COLUMNS = {"f_mem": "f_mem@0.333"}
"""Published column -> that of our records, where they differ: S1 counts samples at a third of the second distance."""

_RELATIVE = ("loss/", "distance/")


def check(name: str) -> bool:
    """Whether this is one of the quantities of this file."""
    family, _, rest = name.partition("/")
    column, _, number = rest.rpartition("@")
    if name.startswith("m_pt@"):
        return _positive(name.removeprefix("m_pt@"))
    match family:
        case "spread":
            return rest.startswith("m_pt@") and _positive(rest.removeprefix("m_pt@"))
        case "at" | "least" | "most":
            return bool(column) and _positive(number)
        case "crossover":
            return column in WEIGHTINGS and _positive(number)
        case "stored":
            return column == "f_mem" and _positive(number)
        case "ratio":
            return all(_pair(column)) and _positive(number)
        case "published":
            figure, _, column = rest.partition("/")
            return column in PUBLISHED.get(figure, {})
    return False


def measured(name: str, curves: Sequence[Curve]) -> Quantity:
    """The quantity of that name; its value is NaN where the curves do not give one.  curves: of one arm."""
    if name.startswith("m_pt@"):
        return mean_over_runs([_crossing(curve, float(name.removeprefix("m_pt@"))) for curve in curves])
    family, _, rest = name.partition("/")
    column, _, number = rest.rpartition("@")
    match family:
        case "spread":
            return _spread([_crossing(curve, float(number)) for curve in curves])
        case "at":
            return _at(curves, column, float(number))
        case "ratio":
            name, other = _pair(column)
            return _ratio(curves, name, other, float(number))
        case "crossover":
            at = times()
            value = crossover(named_weighting(column, at), snr(at), factor=float(number))
            return Quantity(value, value, value, 1)
        case "stored":
            return _stored(curves, float(number))
        case "published":
            figure, _, column = rest.partition("/")
            return _published(curves, figure, column)
    return _extreme(curves, column, float(number), min if family == "least" else max)


def learned(curve: Curve) -> dict[float, dict[str, float]]:
    """M/N -> the record of the trained mixture of that size, increasing."""
    rows = [row for row in curve.rows if row.get("model") == LEARNED]
    return {float(row["share"]): row for row in sorted(rows, key=lambda row: float(row["share"]))}


def _crossing(curve: Curve, threshold: float) -> float | None:
    """M_pt/N of one run."""
    rows, name = learned(curve), f"f_mem@{threshold:.3g}"
    known = {share: float(row[name]) for share, row in rows.items() if row.get(name) is not None}
    if len(known) < 2:
        return None
    # Twice the same run: an interval over runs is made of many such crossings, not of one run's.
    found = transition([[value] * 2 for value in known.values()], list(known))
    return None if found is None else found.mean.value


def _spread(values: Sequence[float | None]) -> Quantity:
    from scipy.stats import chi2

    known = np.array([value for value in values if value is not None])
    missing, count = len(values) - len(known), len(known)
    if count < 2:
        return nothing(missing)
    spread = float(known.std(ddof=1))
    low, high = (spread * math.sqrt((count - 1) / chi2.ppf(q, count - 1)) for q in (0.975, 0.025))
    return Quantity(spread, low, high, count, missing)


def _at(curves: Sequence[Curve], column: str, share: float) -> Quantity:
    values = [learned(curve).get(share, {}).get(column) for curve in curves]
    return mean_over_runs([None if value is None else float(value) for value in values])


def _shares(curves: Sequence[Curve]) -> list[float]:
    return sorted({share for curve in curves for share in learned(curve)})


def _ratio(curves: Sequence[Curve], column: str, other: str, least: float) -> Quantity:
    """The largest deviation of the mean ratio from 1."""
    found = []
    for share in _shares(curves):
        rows = [learned(curve).get(share, {}) for curve in curves]
        pairs = [(row.get(column), row.get(other)) for row in rows]
        if share >= least and (known := [float(a) / float(b) for a, b in pairs if a is not None and b]):
            found.append(_away(mean_over_runs(list(known)), 1.0, 1.0))
    return _worst(found)


def _published(curves: Sequence[Curve], figure: str, column: str) -> Quantity:
    found = []
    for share, value in PUBLISHED[figure][column].items():
        measured, unit = _at(curves, _COLUMNS.get(column, column), share), 1.0
        if column.startswith(_RELATIVE):
            unit = value
        if measured.count and unit > 0:
            found.append(_away(measured, value, unit))
    return _worst(found)


def _stored(curves: Sequence[Curve], level: float) -> Quantity:
    """Where networks of growing size begin to memorize, one crossing a seed."""
    crossings = []
    for seed in sorted({curve.seed for curve in curves}):
        rows = [(curve.rows[-1], curve.n) for curve in curves if curve.seed == seed]
        points = sorted(
            (math.log(float(row["parameters"]) / (float(row["dimension"]) * n)), float(row["f_mem"]))
            for row, n in rows
        )
        sizes, shares = zip(*points, strict=True)
        found = transition([[share] * 2 for share in shares], sizes, level) if len(set(sizes)) > 1 else None
        crossings.append(None if found is None else math.exp(found.mean.value))
    return mean_over_runs(crossings)


def _away(found: Quantity, value: float, unit: float) -> Quantity:
    """How far a mean is from a value, in units; the interval is the least and the most that its own allows."""
    gap = abs(found.value - value) / unit
    if found.low is None or found.high is None:
        return Quantity(gap, None, None, found.count, found.missing)
    ends = abs(found.low - value) / unit, abs(found.high - value) / unit
    inside = found.low <= value <= found.high
    return Quantity(gap, 0.0 if inside else min(ends), max(ends), found.count, found.missing)


def _worst(found: Sequence[Quantity]) -> Quantity:
    """The largest of them; its interval holds the largest of all, where each holds its own."""
    if not found:
        return nothing(0)
    value = max(one.value for one in found)
    count, missing = min(one.count for one in found), max(one.missing for one in found)
    lows, highs = [one.low for one in found], [one.high for one in found]
    if None in lows or None in highs:
        return Quantity(value, None, None, count, missing)
    return Quantity(
        value,
        max(low for low in lows if low is not None),
        max(high for high in highs if high is not None),
        count,
        missing,
    )


def _extreme(curves: Sequence[Curve], column: str, least: float, pick: Callable[..., Quantity]) -> Quantity:
    found = list(_by_level(curves, column, least))
    known = [one for one in found if one.count]
    return pick(known, key=lambda one: one.value) if known else nothing(len(curves))


def _by_level(curves: Sequence[Curve], column: str, least: float) -> Iterator[Quantity]:
    """The mean over runs at every level of a signal-to-noise ratio from `least` on."""
    levels = sorted(
        {float(row["snr"]) for curve in curves for row in curve.rows if row.get("snr") is not None}
    )
    for level in levels:
        if level >= least:
            rows = [row for curve in curves for row in curve.rows if row.get("snr") == level]
            values = [row.get(column) for row in rows]
            yield mean_over_runs([None if value is None else float(value) for value in values])


def _pair(column: str) -> tuple[str, str]:
    """NAME:OTHER as two names, empty where there are none."""
    name, _, other = column.partition(":")
    return name, other


def _positive(text: str) -> bool:
    try:
        return 0 < float(text) < math.inf
    except ValueError:
        return False
