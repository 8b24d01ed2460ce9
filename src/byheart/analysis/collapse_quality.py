"""Does n explain the time?  How much closer curves over tau lie once they are drawn over tau / n, as a number.

    spread    rms distance of the curves from their mean, over the range of log tau that all of them cover
    ratio     spread over tau  /  spread over tau / n^a:   > 1 where the curves collapse; a = 1 unless said
    best      the exponent a of which the spread over tau / n^a is least

A ratio above 1 does not single out its exponent: curves whose times go like n^1.5 come closer in tau / n, too.  `best`
compares exponents.

Computed for each seed by itself, so that only n differs between curves; the interval is Student's over the seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from byheart._checks import InputError
from byheart.numerics.intervals import mean_interval

__all__ = ["Collapse", "Series", "best_exponents", "collapse", "spread"]

Array = NDArray[np.float64]

POINTS = 256  # of the grid in log tau: many more than evaluations, so that its choice is not felt
EXPONENTS = np.linspace(0, 2, 81)  # steps of 0.025, finer than seeds differ
EXACT = 1e-12  # a spread below this is rounding: it keeps the ratio of a perfect collapse finite


@dataclass(frozen=True)
class Series:
    """One curve of a run over training.  values: None where an evaluation has no number."""

    n: int
    seed: int
    steps: Sequence[float]
    values: Sequence[float | None]


@dataclass(frozen=True)
class Collapse:
    """Spread before and after tau → tau / n^a, geometric means over seeds, and their ratio.

    low, high: 95 % interval of the ratio over seeds, None with fewer than two.  count: curves used.  sizes: their n.
    before, after and ratio are NaN where no seed has two sizes, or the curves never leave each other (nothing happened yet).
    """

    before: float
    after: float
    ratio: float
    low: float | None
    high: float | None
    count: int
    sizes: tuple[int, ...]


def spread(curves: Sequence[tuple[Sequence[float], Sequence[float | None]]]) -> float:
    """Root mean square distance of the curves from their mean, over the common range of log x.

    curves: (x, y) pairs, x increasing, linear in log x between points; y None and x ≤ 0 are left out.  NaN where fewer than two curves share
    a range.
    Raises InputError for x and y of different lengths, or x that does not increase.
    """
    known = [(np.log(x), y) for x, y in map(_known, curves) if len(x)]
    if len(known) < 2:
        return float("nan")
    low, high = max(x[0] for x, _ in known), min(x[-1] for x, _ in known)
    if low >= high:
        return float("nan")
    grid = np.linspace(low, high, POINTS)
    values = np.array([np.interp(grid, x, y) for x, y in known])
    return float(np.sqrt(np.square(values - values.mean(0)).mean()))


def _known(curve: tuple[Sequence[float], Sequence[float | None]]) -> tuple[Array, Array]:
    x, y = np.asarray(curve[0], dtype=np.float64), np.asarray(curve[1], dtype=np.float64)
    if x.shape != y.shape or not np.isfinite(x).all() or not (np.diff(x) > 0).all():
        raise InputError(
            got=f"a curve of {len(y)} values at {len(x)} places"
            + (", which do not increase" if x.shape == y.shape else ""),
            need="a value at each of the increasing places",
            remedy="sort the records by step, and pass None where there is no value",
        )
    known = np.isfinite(y) & (x > 0)
    return x[known], y[known]


def collapse(series: Sequence[Series], exponent: float = 1.0) -> Collapse:
    """How much the spread between sizes falls under tau → tau / n^exponent.

    series: curves of one quantity, any number of sizes n and seeds; seeds with one size are left out.
    """
    groups = _by_seed(series)
    pairs = [(group, _spread_over(group, 0.0), _spread_over(group, exponent)) for group in groups]
    found = [(group, before, after) for group, before, after in pairs if before > 0 and after >= 0]
    if not found:
        nothing = float("nan")
        return Collapse(nothing, nothing, nothing, None, None, 0, ())
    before = np.log([pair[1] for pair in found])
    after = np.log([max(pair[2], EXACT) for pair in found])
    fall = before - after
    interval = mean_interval(list(fall)) if len(found) > 1 else None
    return Collapse(
        before=float(np.exp(before.mean())),
        after=float(np.exp(after.mean())),
        ratio=float(np.exp(fall.mean())),
        low=None if interval is None else float(np.exp(interval.low)),
        high=None if interval is None else float(np.exp(interval.high)),
        count=sum(len(group) for group, _, _ in found),
        sizes=tuple(sorted({curve.n for group, _, _ in found for curve in group})),
    )


def best_exponents(series: Sequence[Series]) -> list[float | None]:
    """The exponent a in 0 … 2 that brings the curves of a seed closest together over tau / n^a, one number a seed.

    series: as for `collapse`.  None: the curves share no range, never leave each other, or lie closest at 0 or 2, so that
    the best exponent may lie beyond.
    """
    return [_best(group) for group in _by_seed(series)]


def _best(group: Sequence[Series]) -> float | None:
    spreads = np.array([_spread_over(group, exponent) for exponent in EXPONENTS])
    if not np.isfinite(spreads).all() or not spreads[0] > 0:
        return None
    least = int(spreads.argmin())
    return float(EXPONENTS[least]) if 0 < least < len(EXPONENTS) - 1 else None


def _by_seed(series: Sequence[Series]) -> list[list[Series]]:
    seeds = sorted({curve.seed for curve in series})
    return [[curve for curve in series if curve.seed == seed] for seed in seeds]


def _spread_over(group: Sequence[Series], exponent: float) -> float:
    return spread([([step / c.n**exponent for step in c.steps], c.values) for c in group])
