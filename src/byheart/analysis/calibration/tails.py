"""The tail map: scores of different scales become comparable by how rare they are among training images left out.

With L the n_L leave-one-out scores, t their 90 % quantile and β = (Q.98 − t)/ln 5,

    s ≤ t    −ln((#{L ≥ s} + 1)/(n_L + 1)), at most ln 10     the empirical survival
    s > t    ln 10 + (s − t)/β                                an exponential tail through both quantiles

It is a fixed function of the training set and rises with the score.  So the maximum of two mapped components is again one
score whose ranks among held-out images are exact; a map that fits badly costs power and never validity.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from byheart._checks import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["TailMap", "tail_map"]

LEAST = 10  # scores below which no quantile of 90 % can be estimated
START, ANCHOR = 0.90, 0.98  # quantiles: where the exponential tail begins, and the other one it goes through


@dataclass(frozen=True, eq=False)
class TailMap:
    """Score -> −log survival.  scores: (n_L,) ascending.  start: t.  scale: β, in units of the score."""

    scores: NDArray[np.float64]
    start: float
    scale: float

    def __call__(self, scores: ArrayLike) -> NDArray[np.float64]:
        """Map scores of any shape.  Raises InputError for NaN."""
        s = _numbers(scores)
        above = len(self.scores) - np.searchsorted(self.scores, s, side="left")
        edge = -math.log(1 - START)
        body = np.minimum(-np.log((above + 1) / (len(self.scores) + 1)), edge)
        return np.where(s <= self.start, body, edge + (s - self.start) / self.scale)


def tail_map(scores: ArrayLike) -> TailMap:
    """Fit the map to leave-one-out scores (n_L,).  Raises InputError for fewer than 10, or any that is not finite."""
    ordered = np.sort(_numbers(scores), axis=None)
    if np.ndim(scores) != 1 or len(ordered) < LEAST or not np.isfinite(ordered).all():
        raise InputError(
            got=f"leave-one-out scores of shape {np.shape(scores)}, {np.isfinite(ordered).sum()} of them finite",
            need=f"a row of at least {LEAST} finite numbers",
            remedy="score more training images against the others",
        )
    start, anchor = np.quantile(ordered, [START, ANCHOR])
    steps = math.log((1 - START) / (1 - ANCHOR))  # ln 5
    return TailMap(ordered, float(start), max(float(anchor - start) / steps, 1e-9))


def _numbers(scores: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(scores, dtype=np.float64)
    if np.isnan(values).any():
        raise InputError(
            got=f"{int(np.isnan(values).sum())} scores that are NaN",
            need="numbers only",
            remedy="look for blank or broken images among them",
        )
    return values
