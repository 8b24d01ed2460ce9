"""Does n explain the time?  Measure how much closer curves over tau lie once they are drawn over tau / n.

    spread    rms distance of the curves from their mean, over the range of log tau that all curves cover
    ratio     spread over tau  /  spread over tau / n^a:   > 1 where the curves collapse; a = 1 by default
    best      the exponent a for which the spread over tau / n^a is smallest

A ratio above 1 does not single out its exponent: curves whose times go like n^1.5 come closer in tau / n, too.  `best`
compares exponents.

The ratio is computed for each seed separately, so that the curves differ only in n.  Its interval is Student's t
interval over the seeds.
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

POINTS = (
    256  # grid points in log tau: many more than evaluations, so that the choice of the grid has no effect
)
EXPONENTS = np.linspace(0, 2, 81)  # steps of 0.025, smaller than the difference between seeds
EXACT = 1e-12  # a spread below this is rounding; the floor keeps the ratio of a perfect collapse finite


@dataclass(frozen=True)
class Series:
    """One curve of a run over training.  values: None where an evaluation lacks the number."""

    n: int
    seed: int
    steps: Sequence[float]
    values: Sequence[float | None]


@dataclass(frozen=True)
class Collapse:
    """Spread before and after tau → tau / n^a, as geometric means over seeds, and the ratio of the two.

    low, high: 95 % interval of the ratio over seeds, None with fewer than two seeds.  count: number of curves used.
    sizes: the n of those curves.
    before, after and ratio are NaN if no seed has two sizes, or if the curves never separate.
    """

    before: float
    after: float
    ratio: float
    low: float | None
    high: float | None
    count: int
    sizes: tuple[int, ...]


def spread(curves: Sequence[tuple[Sequence[float], Sequence[float | None]]]) -> float:
    """Compute the root mean square distance of the curves from their mean, over the range of log x that all curves cover.

    curves: (x, y) pairs, x increasing; between points the curve is linear in log x.  Points with y None or x ≤ 0 are left out.
    Returns NaN if fewer than two curves share a range.
    Raises InputError if x and y differ in length, or if x does not increase.
    """
    usable = [(np.log(x), y) for x, y in map(_present_points, curves) if len(x)]
    if len(usable) < 2:
        return float("nan")
    low, high = max(x[0] for x, _ in usable), min(x[-1] for x, _ in usable)
    if low >= high:
        return float("nan")
    grid = np.linspace(low, high, POINTS)
    values = np.array([np.interp(grid, x, y) for x, y in usable])
    return float(np.sqrt(np.square(values - values.mean(0)).mean()))


def _present_points(curve: tuple[Sequence[float], Sequence[float | None]]) -> tuple[Array, Array]:
    x, y = np.asarray(curve[0], dtype=np.float64), np.asarray(curve[1], dtype=np.float64)
    if x.shape != y.shape or not np.isfinite(x).all() or not (np.diff(x) > 0).all():
        raise InputError(
            got=f"a curve of {len(y)} values at {len(x)} steps"
            + (", which are not finite and increasing" if x.shape == y.shape else ""),
            need="one value for each step, and increasing steps",
            remedy="sort the records by step, and pass None where there is no value",
        )
    present = np.isfinite(y) & (x > 0)
    return x[present], y[present]


def collapse(series: Sequence[Series], exponent: float = 1.0) -> Collapse:
    """Measure how much the spread between sizes falls under tau → tau / n^exponent.

    series: curves of one quantity, for any number of sizes n and seeds; seeds with a single size are left out.
    """
    groups = _by_seed(series)
    pairs = [(group, _spread_over(group, 0.0), _spread_over(group, exponent)) for group in groups]
    usable = [(group, before, after) for group, before, after in pairs if before > 0 and after >= 0]
    if not usable:
        undefined = float("nan")
        return Collapse(undefined, undefined, undefined, None, None, 0, ())
    before = np.log([pair[1] for pair in usable])
    after = np.log([max(pair[2], EXACT) for pair in usable])
    fall = before - after
    interval = mean_interval(list(fall)) if len(usable) > 1 else None
    return Collapse(
        before=float(np.exp(before.mean())),
        after=float(np.exp(after.mean())),
        ratio=float(np.exp(fall.mean())),
        low=None if interval is None else float(np.exp(interval.low)),
        high=None if interval is None else float(np.exp(interval.high)),
        count=sum(len(group) for group, _, _ in usable),
        sizes=tuple(sorted({curve.n for group, _, _ in usable for curve in group})),
    )


def best_exponents(series: Sequence[Series]) -> list[float | None]:
    """Find, for each seed, the exponent a in 0 … 2 that brings the seed's curves closest together over tau / n^a.

    series: as for `collapse`.  Returns one exponent per seed, in order of the seeds.  An exponent is None if the seed's
    curves share no range, never separate, or lie closest at 0 or 2, so that the best exponent may lie beyond.
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
