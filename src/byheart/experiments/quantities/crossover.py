"""Quantities of S1's mixtures: rows over models of M components, and over noise levels.

m_pt@T                   where the share of samples with d₁ < T d₂ passes one half, over N         (mean over cells, Student's t)
spread/m_pt@T            standard deviation of that over cells                                       (χ², for normal values)
at/NAME@S                NAME at M/N = S                    (mean over runs, Student's t; of a share also the binomial limits of all
                         samples, whichever are wider)
ratio/NAME:OTHER@S       largest |NAME/OTHER − 1| over the models of M/N ≥ S, of the means over runs (ends of Student's intervals)
stored/f_mem@L           parameters/(d N) of networks of several sizes at which the last f_mem passes L   (mean over seeds,
                         Student's t; logarithms are interpolated): M_pt/N, if a network stored points one after another
true/NAME                NAME of the true denoiser                                           (mean over runs, Student's t)
least/NAME@P, most/NAME@P    smallest and largest mean over runs of NAME over the levels of ψ ≥ P     (ends of Student's intervals)

crossover/WEIGHTING@C    M*/N by S1's formula for a named weighting and factor C                     (exact, from no run)

T is a ratio of distances.  Every run has its own population, training set and start.  Runs that differ only in the seed form a
cell; the value of a cell is the mean of its runs; if there is only one cell, each run counts as a cell.
The largest or smallest of several means uses intervals that hold all means together with 95 % (Bonferroni).
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from byheart.experiments.quantities.result import Quantity, mean_over_runs, nothing
from byheart.experiments.runs.curves import Curve
from byheart.numerics.intervals import mean_interval, proportion
from byheart.theory.crossover import WEIGHTINGS, crossover, named_weighting, snr, times
from byheart.theory.transition import crossing

__all__ = ["LEARNED", "at_share", "away", "check", "is_positive", "learned", "measured", "shares", "worst"]

VOCABULARY = (
    "m_pt@T",
    "spread/m_pt@T",
    "at/NAME@S",
    "ratio/NAME:OTHER@S",
    "stored/f_mem@L",
    "least/NAME@P",
    "most/NAME@P",
    "crossover/WEIGHTING@C",
    "true/NAME",
)

LEARNED = "learned"
"""`model` of the rows of trained mixtures."""


def check(name: str) -> bool:
    """Say whether this is one of the quantities of this file."""
    family, _, rest = name.partition("/")
    column, _, number = rest.rpartition("@")
    if name.startswith("m_pt@"):
        return is_positive(name.removeprefix("m_pt@"))
    match family:
        case "spread":
            return rest.startswith("m_pt@") and is_positive(rest.removeprefix("m_pt@"))
        case "at" | "least" | "most":
            return bool(column) and is_positive(number)
        case "crossover":
            return column in WEIGHTINGS and is_positive(number)
        case "stored":
            return column == "f_mem" and is_positive(number)
        case "ratio":
            return all(_pair(column)) and is_positive(number)
        case "true":
            return bool(rest)
    return False


def measured(name: str, curves: Sequence[Curve]) -> Quantity:
    """Measure the quantity of that name; its value is NaN if the curves do not give one.  curves: of one arm."""
    if name.startswith("m_pt@"):
        return mean_over_runs(_by_cell(curves, float(name.removeprefix("m_pt@"))))
    family, _, rest = name.partition("/")
    column, _, number = rest.rpartition("@")
    match family:
        case "spread":
            return _spread(_by_cell(curves, float(number)))
        case "at":
            return _with_binomial(at_share(curves, column, float(number)), curves, column, float(number))
        case "ratio":
            name, other = _pair(column)
            return _ratio(curves, name, other, float(number))
        case "crossover":
            at = times()
            value = crossover(named_weighting(column, at), snr(at), factor=float(number))
            return Quantity(value, value, value, 1)
        case "stored":
            return _stored(curves, float(number))
        case "true":
            return mean_over_runs([_of_truth(curve).get(rest) for curve in curves])
    return _extreme(curves, column, float(number), min if family == "least" else max)


def learned(curve: Curve) -> dict[float, dict[str, float]]:
    """Map M/N to the record of the trained mixture of that size, in increasing order."""
    rows = [row for row in curve.rows if row.get("model") == LEARNED]
    return {float(row["share"]): row for row in sorted(rows, key=lambda row: float(row["share"]))}


def _of_truth(curve: Curve) -> dict[str, float]:
    """Return the record of the true denoiser of a run; empty if the run has none."""
    return next((row for row in curve.rows if row.get("model") == "true"), {})


def _by_cell(curves: Sequence[Curve], threshold: float) -> list[float | None]:
    """Compute M_pt/N of every cell, a mean over seeds, or None if a run has no M_pt; if there is only one cell, of every run."""
    cells: dict[str, list[float | None]] = defaultdict(list)
    for curve in curves:
        settings = {name: value for name, value in curve.spec.items() if name != "seed"}
        cells[json.dumps(settings, sort_keys=True)].append(_crossing(curve, threshold))
    if len(cells) < 2:
        return [value for values in cells.values() for value in values]
    return [_mean(values) for values in cells.values()]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if len(known) == len(values) else None


def _crossing(curve: Curve, threshold: float) -> float | None:
    """Compute M_pt/N of one run."""
    rows, name = learned(curve), f"f_mem@{threshold:.3g}"
    known = {share: float(row[name]) for share, row in rows.items() if row.get(name) is not None}
    return _passing(known, 0.5)


def _passing(shares: Mapping[float, float], level: float) -> float | None:
    """Find the size at which the shares of one run pass a level; None if they do not, or there is only one size."""
    sizes = sorted(shares)
    return crossing([shares[size] for size in sizes], sizes, level) if len(sizes) > 1 else None


def _spread(values: Sequence[float | None]) -> Quantity:
    from scipy.stats import chi2

    known = np.array([value for value in values if value is not None])
    missing, count = len(values) - len(known), len(known)
    if count < 2:
        return nothing(missing)
    spread = float(known.std(ddof=1))
    low, high = (spread * math.sqrt((count - 1) / chi2.ppf(q, count - 1)) for q in (0.975, 0.025))
    return Quantity(spread, low, high, count, missing)


def at_share(curves: Sequence[Curve], column: str, share: float, together: int = 1) -> Quantity:
    """Average a column of the trained mixtures of one M/N over runs.  together: how many such means the intervals hold at once."""
    return _over_runs([learned(curve).get(share, {}).get(column) for curve in curves], together)


def _with_binomial(found: Quantity, curves: Sequence[Curve], column: str, share: float) -> Quantity:
    """Return a mean of shares with an interval at least as long as the binomial one of all samples: runs may agree by chance, such as 0 of 1,000 each."""
    rows = [row for curve in curves if (row := learned(curve).get(share)) and row.get(column) is not None]
    if not column.startswith("f_mem@") or not rows or any(not row.get("count") for row in rows):
        return found
    count = sum(int(row["count"]) for row in rows)
    pooled = proportion(round(sum(float(row[column]) * int(row["count"]) for row in rows)), count)
    low = pooled.low if found.low is None else min(found.low, pooled.low)
    high = pooled.high if found.high is None else max(found.high, pooled.high)
    return replace(found, low=max(0.0, low), high=min(1.0, high))


def _over_runs(values: Sequence[float | None], together: int = 1) -> Quantity:
    """Compute the mean over runs, with an interval that is valid for so many means together."""
    known = [float(value) for value in values if value is not None]
    found = mean_over_runs(known)
    if together > 1 and len(known) > 1:
        wide = mean_interval(known, 1 - 0.05 / together)
        found = replace(found, low=wide.low, high=wide.high)
    return replace(found, missing=len(values) - len(known))


def shares(curves: Sequence[Curve]) -> list[float]:
    """List the M/N of all trained mixtures, increasing."""
    return sorted({share for curve in curves for share in learned(curve)})


def _ratio(curves: Sequence[Curve], column: str, other: str, least: float) -> Quantity:
    """Find the largest deviation of the mean ratio from 1."""
    ratios = []
    for share in (share for share in shares(curves) if share >= least):
        rows = [learned(curve).get(share, {}) for curve in curves]
        pairs = [(row.get(column), row.get(other)) for row in rows]
        if known := [float(a) / float(b) for a, b in pairs if a is not None and b]:
            ratios.append(known)
    return worst([away(_over_runs(known, len(ratios)), 1.0, 1.0) for known in ratios])


def _stored(curves: Sequence[Curve], level: float) -> Quantity:
    """Find the size at which networks begin to memorize, one crossing per seed."""
    seeds: dict[int, dict[float, float]] = defaultdict(dict)
    for curve in curves:
        row = curve.rows[-1]
        if row.get("parameters") is not None and row.get("f_mem") is not None:
            size = float(row["parameters"]) / (float(row["dimension"]) * curve.n)
            seeds[curve.seed][math.log(size)] = float(row["f_mem"])
    crossings = [_passing(shares, level) for shares in seeds.values()]
    return mean_over_runs([None if place is None else math.exp(place) for place in crossings])


def away(found: Quantity, value: float, unit: float) -> Quantity:
    """Measure how far a mean is from a value, in units; the interval holds the smallest and the largest distance that the interval of the mean allows."""
    gap = abs(found.value - value) / unit
    if found.low is None or found.high is None:
        return Quantity(gap, None, None, found.count, found.missing)
    ends = abs(found.low - value) / unit, abs(found.high - value) / unit
    inside = found.low <= value <= found.high
    return Quantity(gap, 0.0 if inside else min(ends), max(ends), found.count, found.missing)


def worst(found: Sequence[Quantity]) -> Quantity:
    """Take the largest of several quantities; its interval is valid if the intervals of all quantities are."""
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


def _extreme(curves: Sequence[Curve], column: str, least: float, pick: Callable[..., float]) -> Quantity:
    """Return the smallest or the largest mean over levels; its interval has the smallest or largest ends of the intervals."""
    levels = sorted(
        {float(row["snr"]) for curve in curves for row in curve.rows if row.get("snr") is not None}
    )
    asked = [level for level in levels if level >= least]
    means = [_over_runs(_at_level(curves, column, level), len(asked)) for level in asked]
    known = [one for one in means if one.count]
    if not known:
        return nothing(len(curves))
    ends = [(one.low, one.high) for one in known if one.low is not None and one.high is not None]
    value = pick(one.value for one in known)
    count, missing = min(one.count for one in known), max(one.missing for one in known)
    if len(ends) < len(known):
        return Quantity(value, None, None, count, missing)
    return Quantity(value, pick(low for low, _ in ends), pick(high for _, high in ends), count, missing)


def _at_level(curves: Sequence[Curve], column: str, level: float) -> list[float | None]:
    return [row.get(column) for curve in curves for row in curve.rows if row.get("snr") == level]


def _pair(column: str) -> tuple[str, str]:
    """Split NAME:OTHER into two names, empty if there are none."""
    name, _, other = column.partition(":")
    return name, other


def is_positive(text: str) -> bool:
    """Say whether a text is a finite number above 0."""
    try:
        return 0 < float(text) < math.inf
    except ValueError:
        return False
