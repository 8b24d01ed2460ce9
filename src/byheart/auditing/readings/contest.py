"""Which of two readings of the same images fits the samples, by the means of facts.

1. A fact speaks where its means in the two readings differ by more than 4 standard errors (of the samples' mean, the images' mean and
   the difference between the readings together) and by more than a quarter of its standard deviation; a fact of tone by more than 0.2.
2. It votes for a reading whose mean is at least twice as close to that of the samples as the other one's, and no further away than
   half of the difference.
3. A reading wins if all facts that speak vote for it, and they are of two kinds at least.  One kind is enough where it is tone
   and the brightness speaks; or where its loudest fact, the one with the most standard errors, is four times as close,
   and the samples are as sharp as the images in the reading that wins: both facts of sharpness within 10 %.
4. Else the two are not told apart.

The sharpness is asked because a weak model is not as sharp as its images, and noise and blur draw gradients towards no direction, so
that one kind of fact might fit the wrong reading.  The standard error is that of samples that differ: pairs of samples whose facts all agree within
a tenth of a standard deviation, beyond the share of such pairs among the images, count as one (a collapsed model, copies of a few images).

The thresholds were chosen on digits and on random fields with the spectrum of photographs.  Trials on other sets are told in docs/how-to/audit.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from byheart.auditing.readings.facts import BRIGHTNESS, KINDS, SHARPNESS, TONE

__all__ = ["Contest", "contest", "effective"]

Numbers = NDArray[np.float64]

SPEAKS = 4.0  # standard errors between the two readings
LEAST = 0.25  # and standard deviations
TONES = 0.2  # and of tone, in [0, 1]
CLOSER = 2.0  # times as close as the other reading
CLOSEST = 4.0  # the same, of one kind of facts alone
FURTHEST = 0.5  # of the difference between the readings
SHARP = 0.1  # of the logarithm of gradient energies
ALIKE = 0.1  # standard deviations within which two samples are one
_COMPARED = 500  # samples whose pairs are compared


@dataclass(frozen=True, eq=False)
class Contest:
    """winner: 0 or 1, None where the two are not told apart.  fact: the one that tells most, by its number.

    means: of that fact, of the samples and of the images under both readings.
    """

    winner: int | None
    fact: int
    means: tuple[float, float, float]


def contest(samples: Numbers, first: Numbers, second: Numbers) -> Contest:
    """Compare the facts of samples (s, f) with those of the same images under two readings, (m, f) each."""
    centers = np.stack([samples.mean(0), first.mean(0), second.mean(0)])
    spread = np.maximum(np.maximum(first.std(0), second.std(0)), 1e-9)
    own = np.maximum(samples.std(0), spread)
    variance = own**2 / effective(samples, first, spread)
    variance += (spread**2 + (first - second).var(0)) / len(first)
    error = np.sqrt(variance)
    apart = np.abs(centers[1] - centers[2])
    speaks = (apart > SPEAKS * error) & (apart > LEAST * spread) & (KINDS != SHARPNESS)
    speaks &= (KINDS != TONE) | (apart > TONES)
    fact = int((np.where(speaks, 1.0, 1e-6) * apart / error).argmax())
    return Contest(
        _winner(centers, apart, speaks, fact),
        fact,
        (float(centers[0, fact]), float(centers[1, fact]), float(centers[2, fact])),
    )


def _winner(centers: Numbers, apart: Numbers, speaks: NDArray[np.bool_], loudest: int) -> int | None:
    """Say which reading the facts that speak agree on.  centers: (3, f), of the samples and of both readings."""
    away = np.abs(centers[1:] - centers[0])
    votes = (CLOSER * away <= away[::-1]) & (away <= FURTHEST * apart)
    agreed = votes[:, speaks].all(1)
    if not speaks.any() or not agreed.any():
        return None
    winner, kinds = int(agreed.argmax()), set(KINDS[speaks].tolist())
    if len(kinds) > 1 or (kinds == {TONE} and speaks[BRIGHTNESS]):
        return winner
    sharp = bool((away[winner, KINDS == SHARPNESS] <= SHARP).all())
    return winner if sharp and CLOSEST * away[winner, loudest] <= away[1 - winner, loudest] else None


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
