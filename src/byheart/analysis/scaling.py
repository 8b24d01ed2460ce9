"""How does a time grow with the training set?  Fit the exponent a in tau ∝ n^a, with two intervals.

    given these seeds    one slope for all seeds, one intercept per seed: how well these runs determine the common slope
    over seeds           one slope per seed, Student's t interval of their mean: where the mean slope of all seeds lies

The first interval assumes that the slope is the same for every seed.  Where slopes differ between seeds by 0.1
(standard deviation), the first interval holds the mean slope in 75 % of cases, not in 95 % (with five seeds, four
sizes that double, and times that scatter by 5 %).  The second interval needs two seeds, and is wide with few.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from byheart._checks import InputError
from byheart.numerics.fits import line
from byheart.numerics.intervals import Interval, mean_interval

__all__ = ["Exponent", "exponent"]


@dataclass(frozen=True)
class Exponent:
    """A fitted power law tau = scale · n^value, as numbers.

    value, low, high, stderr: of the exponent, given these seeds; NaN if the points leave no degree of freedom.
    count: number of points used.
    missing: runs in which the event never occurred, left out of the fit.  Most of those runs have a large n, so the fit
    understates the slope.
    sizes: the n in the fit.  definition: of the time, in words.
    over_seeds: the mean of the seeds' own exponents with an interval that holds for other seeds, too; its count is the
    number of seeds.  None if fewer than two seeds have two sizes.
    """

    value: float
    low: float
    high: float
    stderr: float
    count: int
    missing: int
    sizes: tuple[int, ...]
    scale: float
    definition: str
    over_seeds: Interval | None = None

    def at(self, n: float) -> float:
        """Return the fitted time at n, which is the geometric mean over the seeds."""
        return float(self.scale * n**self.value)


def exponent(
    n: Sequence[float], tau: Sequence[float | None], seeds: Sequence[int], definition: str = ""
) -> Exponent:
    """Fit log tau on log n by least squares, with one intercept per seed and a Student's t interval (95 %) given these seeds.

    n, tau, seeds: one entry per run; tau is None if the event never occurred.  A seed's intercept absorbs what the seed's
    subset and initial weights do to all runs of that seed, so the error of the slope does not contain those effects.
    The interval for other seeds is `Exponent.over_seeds`.
    Raises InputError for lengths that differ, or sizes or times that are not positive and finite.
    """
    if not len(n) == len(tau) == len(seeds):
        raise InputError(
            got=f"{len(n)} sizes, {len(tau)} times and {len(seeds)} seeds",
            need="one size, one time and one seed per run",
            remedy="pass None as the time of a run in which the event never occurred",
        )
    points = [(size, time, seed) for size, time, seed in zip(n, tau, seeds, strict=True) if time is not None]
    for name, values in (("a size", n), ("a time", [time for _, time, _ in points])):
        if bad := [value for value in values if not 0 < value < math.inf]:
            raise InputError(
                got=f"{name} of {bad[0]:g}",
                need="positive, finite sizes and times",
                remedy="leave that run out, or pass None as its time if the event never occurred",
            )
    sizes = tuple(sorted({int(size) for size, _, _ in points}))
    missing, groups = len(n) - len(points), len({seed for _, _, seed in points})
    seed_slopes = _slopes(points)
    if len(points) < groups + 2 or not seed_slopes:
        undefined = float("nan")
        return Exponent(
            undefined, undefined, undefined, undefined, len(points), missing, sizes, undefined, definition
        )
    x, y = np.log([size for size, _, _ in points]), np.log([time for _, time, _ in points])
    fit = line(list(x), list(y), [seed for _, _, seed in points])
    scale = float(np.exp(fit.intercept))
    over_seeds = mean_interval(seed_slopes) if len(seed_slopes) > 1 else None
    return Exponent(
        fit.slope, fit.low, fit.high, fit.stderr, fit.count, missing, sizes, scale, definition, over_seeds
    )


def _slopes(points: Sequence[tuple[float, float, int]]) -> list[float]:
    """Compute the slope of log tau on log n for each seed that has two sizes.  points: size, time and seed of each run."""
    slopes = []
    for seed in sorted({seed for _, _, seed in points}):
        x, y = np.log([point[:2] for point in points if point[2] == seed]).T
        if np.ptp(x) > 0:
            slopes.append(float((x - x.mean()) @ y / np.square(x - x.mean()).sum()))
    return slopes
