"""How does a time grow with the training set?  The exponent a in tau ∝ n^a, with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from byheart._checks import InputError
from byheart.numerics.fits import line

__all__ = ["Exponent", "exponent"]


@dataclass(frozen=True)
class Exponent:
    """A fitted power law tau = scale · n^value, as numbers.

    value, low, high, stderr: of the exponent, NaN where the points leave no degree of freedom.  count: points used.
    missing: runs whose time never came, left out; they are mostly of large n, so that what is left understates the slope.
    sizes: the n in the fit.  definition: of the time.
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

    def at(self, n: float) -> float:
        """The fitted time at n: the seeds' geometric mean."""
        return float(self.scale * n**self.value)


def exponent(
    n: Sequence[float], tau: Sequence[float | None], seeds: Sequence[int], definition: str = ""
) -> Exponent:
    """Least squares of log tau on log n, with an intercept a seed and Student's t interval (95 %).

    n, tau, seeds: one entry a run; tau None where the time never came.  The seed's intercept keeps what its subset and
    weights do to all its runs out of the error of the slope.
    Raises InputError for lengths that differ or times that are not positive.
    """
    if not len(n) == len(tau) == len(seeds):
        raise InputError(
            got=f"{len(n)} sizes, {len(tau)} times and {len(seeds)} seeds",
            need="one of each a run",
            remedy="pass None for a time that never came",
        )
    points = [(size, time, seed) for size, time, seed in zip(n, tau, seeds, strict=True) if time is not None]
    if any(size <= 0 or time <= 0 for size, time, _ in points):
        raise InputError(got="a size or a time ≤ 0", need="positive ones", remedy="leave that run out")
    sizes = tuple(sorted({int(size) for size, _, _ in points}))
    missing, groups = len(n) - len(points), len({seed for _, _, seed in points})
    if len(points) < groups + 2 or len(sizes) < 2:
        none = float("nan")
        return Exponent(none, none, none, none, len(points), missing, sizes, none, definition)
    x, y = np.log([size for size, _, _ in points]), np.log([time for _, time, _ in points])
    fit = line(list(x), list(y), [seed for _, _, seed in points])
    scale = float(np.exp(fit.intercept))
    return Exponent(fit.slope, fit.low, fit.high, fit.stderr, fit.count, missing, sizes, scale, definition)
