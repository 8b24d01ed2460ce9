"""How does a time grow with the training set?  The exponent a in tau ∝ n^a, with two intervals.

    given these seeds    one slope for all, an intercept a seed: how well these runs tell their common slope
    over seeds           a slope a seed, Student's t of their mean: where the mean slope of all seeds lies

The first takes the slope to be the same for every seed.  Where slopes differ between seeds by 0.1 (standard deviation), it holds the mean slope
in 75 % of cases, not in 95 %: five seeds, four sizes that double, and times that scatter by 5 %.  The second needs two seeds,
and is wide with few.
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

    value, low, high, stderr: of the exponent, given these seeds; NaN where the points leave no degree of freedom.  count:
    points used.
    missing: runs whose time never came, left out; they are mostly of large n, so that what is left understates the slope.
    sizes: the n in the fit.  definition: of the time.
    over_seeds: the mean of the seeds' own exponents and its interval, which holds for other seeds, too; its count is the
    seeds.  None where fewer than two seeds have two sizes.
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
        """The fitted time at n: the seeds' geometric mean."""
        return float(self.scale * n**self.value)


def exponent(
    n: Sequence[float], tau: Sequence[float | None], seeds: Sequence[int], definition: str = ""
) -> Exponent:
    """Fit log tau on log n by least squares, with an intercept a seed and Student's t interval (95 %), given these seeds.

    n, tau, seeds: one entry a run; tau None where the time never came.  The seed's intercept keeps what its subset and
    weights do to all its runs out of the error of the slope.  The interval for other seeds is `Exponent.over_seeds`.
    Raises InputError for lengths that differ, or sizes or times that are not positive and finite.
    """
    if not len(n) == len(tau) == len(seeds):
        raise InputError(
            got=f"{len(n)} sizes, {len(tau)} times and {len(seeds)} seeds",
            need="one of each a run",
            remedy="pass None for a time that never came",
        )
    points = [(size, time, seed) for size, time, seed in zip(n, tau, seeds, strict=True) if time is not None]
    for name, values in (("a size", n), ("a time", [time for _, time, _ in points])):
        if bad := [value for value in values if not 0 < value < math.inf]:
            raise InputError(
                got=f"{name} of {bad[0]:g}",
                need="positive, finite sizes and times",
                remedy="leave that run out, or pass None for a time that never came",
            )
    sizes = tuple(sorted({int(size) for size, _, _ in points}))
    missing, groups = len(n) - len(points), len({seed for _, _, seed in points})
    own = _slopes(points)
    if len(points) < groups + 2 or not own:
        none = float("nan")
        return Exponent(none, none, none, none, len(points), missing, sizes, none, definition)
    x, y = np.log([size for size, _, _ in points]), np.log([time for _, time, _ in points])
    fit = line(list(x), list(y), [seed for _, _, seed in points])
    scale = float(np.exp(fit.intercept))
    over_seeds = mean_interval(own) if len(own) > 1 else None
    return Exponent(
        fit.slope, fit.low, fit.high, fit.stderr, fit.count, missing, sizes, scale, definition, over_seeds
    )


def _slopes(points: Sequence[tuple[float, float, int]]) -> list[float]:
    """The slope of log tau on log n of each seed that has two sizes.  points: size, time and seed of each run."""
    slopes = []
    for seed in sorted({seed for _, _, seed in points}):
        x, y = np.log([point[:2] for point in points if point[2] == seed]).T
        if np.ptp(x) > 0:
            slopes.append(float((x - x.mean()) @ y / np.square(x - x.mean()).sum()))
    return slopes
