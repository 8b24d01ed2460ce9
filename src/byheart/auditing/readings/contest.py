"""Which of two readings of the same images fits the samples, by the means of facts.

A fact speaks where the two readings differ in its mean by more than 4 standard errors (of the samples' mean and of the
images' together) and by more than a quarter of its standard deviation.  It votes for the reading whose mean is at least
twice as close to that of the samples.  A reading wins if some fact speaks and all that speak vote for it; else the two are not told
apart.

Two safeguards.  A model that gives few different images (a collapsed one, or copies of few) has a mean that is less certain than
its number of samples says: pairs of samples whose facts all agree within a tenth of a standard deviation, beyond the
share of such pairs among the images, count as one sample.  And a weak model is off in many facts: the quarter, and that all must agree,
leave it undecided rather than wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Contest", "contest", "effective"]

Numbers = NDArray[np.float64]

SPEAKS = 4.0  # standard errors between the two readings
LEAST = 0.25  # and standard deviations
CLOSER = 2.0  # times as close as the other reading
ALIKE = 0.1  # standard deviations within which two samples are one
_COMPARED = 500  # samples whose pairs are compared


@dataclass(frozen=True, eq=False)
class Contest:
    """winner: 0 or 1, None where they are not told apart.  fact: the one that tells most, by number; spoke: how many speak.

    means: of that fact, of the samples and of the images under both readings.
    """

    winner: int | None
    spoke: int
    fact: int
    means: tuple[float, float, float]


def contest(samples: Numbers, first: Numbers, second: Numbers) -> Contest:
    """Compare the facts of samples (s, f) with those of the same images under two readings, (m, f) each."""
    centers = samples.mean(0), first.mean(0), second.mean(0)
    spread = np.maximum(np.maximum(first.std(0), second.std(0)), 1e-9)
    own = np.maximum(samples.std(0), spread)
    error = np.sqrt(own**2 / effective(samples, first, spread) + spread**2 / len(first))
    apart = np.abs(centers[1] - centers[2])
    speaks = (apart > SPEAKS * error) & (apart > LEAST * spread)
    away = [np.abs(centers[0] - center) for center in centers[1:]]
    votes = [bool(speaks.any() and (CLOSER * away[one] <= away[1 - one])[speaks].all()) for one in (0, 1)]
    winner = votes.index(True) if any(votes) else None
    fact = int((np.where(speaks, 1.0, 1e-6) * apart / error).argmax())
    means = float(centers[0][fact]), float(centers[1][fact]), float(centers[2][fact])
    return Contest(winner, int(speaks.sum()), fact, means)


def effective(samples: Numbers, images: Numbers, spread: Numbers) -> float:
    """Count the samples that tell something by themselves, from the share of pairs that are one in all facts."""
    repeated = max(0.0, _repeated(samples, spread) - _repeated(images, spread))
    return 1 / (1 / len(samples) + repeated)


def _repeated(facts: Numbers, spread: Numbers) -> float:
    """Return the share of pairs whose facts all agree within a tenth of their standard deviation."""
    some = (facts / spread)[:: max(1, -(-len(facts) // _COMPARED))]
    if len(some) < 2:
        return 0.0
    alike = np.ones((len(some), len(some)), bool)
    for column in some.T:
        alike &= np.abs(column[:, None] - column) < ALIKE
    return float((alike.sum() - len(some)) / (len(some) * (len(some) - 1)))
