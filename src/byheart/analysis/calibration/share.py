"""What share of the samples are copies?

Of N samples, x score above the k-th largest of n_h held-out scores; of m test copies, tp do.  With F the false and T the
true positive rate there, the share of copies is (Rogan & Gladen 1978)

    c = (p − F)/(T − F),      p = x/N,   F = k/(n_h + 1),   T = tp/m

and its interval comes from draws of all three (2.5 % quantile of the lower, 97.5 % of the upper, in [0, 1]):

    F ~ Beta(k, n_h + 1 − k)      T ~ Beta(tp + ½, m − tp + ½)
    p ~ Beta(x, N − x + 1) below, Beta(x + 1, N − x) above      (Clopper–Pearson's limits are quantiles of these)

The upper end is never below the share that is absent from N samples once in forty times, 1 − 0.025^(1/N): if fewer samples
are flagged than original samples alone would give, the difference of rates would exclude every share, which no sample of N
can.  Nor is the lower end above the share that all of N samples show once in forty times, 0.025^(1/N).

Three numbers that differ in what they assume:

    low            the lower end at T = 1: right under any mix of copies, however few of them are detected
    corrected      right if the kinds of change are as frequent among real copies as among the test copies
    cross_check    1 − 2·P(p > ½) (Storey 2002): needs no test copies, and says little below some per cent

k is fixed before the samples are examined; otherwise it could be the rank at which the samples happen to say little.  k is the
rank of the flags, so that the share refers to the flagged samples.  If no sample may be flagged, k belongs to the level with the
smallest standard error on one half of the test copies, for a share of copies of one tenth; T then comes from the other half, so
that chance does not choose the rank.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from byheart._checks import InputError
from byheart.analysis.calibration.ranks import marginal_rank, rank_counts
from byheart.numerics.intervals import Interval, clopper_pearson

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Counts",
    "ShareOfCopies",
    "corrected_share",
    "lower_share",
    "not_excluded",
    "share_of_copies",
    "standard_error",
    "storey",
]

LEVELS = (0.002, 0.01, 0.05, 0.2)  # besides 1/(n_h + 1)
PLANNED = 0.1  # share of copies for which a rank is chosen if the flags have none
DRAWS = 4000
TAIL = 0.025
LEAST_GAP = 1e-3  # T − F below this says that no test copy is detected


@dataclass(frozen=True)
class Counts:
    """The counts from which the share is estimated: `flagged` of `samples`, `rank` of `heldout`, `seen` of `planted`.

    Raises InputError if a part exceeds its whole, or a whole is empty.
    """

    flagged: int
    samples: int
    rank: int
    heldout: int
    seen: int
    planted: int

    def __post_init__(self) -> None:
        pairs = (self.flagged, self.samples), (self.rank, self.heldout), (self.seen, self.planted)
        if self.rank < 1 or not all(0 <= part <= whole >= 1 for part, whole in pairs):
            raise InputError(
                got=", ".join(f"{part} of {whole}" for part, whole in pairs),
                need="flagged of samples, rank of held-out and seen of planted, rank at least 1",
                remedy="check the order of the counts",
            )

    @property
    def false(self) -> float:
        """Return F, the false positive rate."""
        return self.rank / (self.heldout + 1)

    @property
    def true(self) -> float:
        """Return T, the true positive rate."""
        return self.seen / self.planted

    @property
    def estimate(self) -> float:
        """Compute c, which noise may carry outside [0, 1]."""
        return (self.flagged / self.samples - self.false) / max(self.true - self.false, LEAST_GAP)


@dataclass(frozen=True)
class ShareOfCopies:
    """The estimates of the share of copies.  raw: x/N.  counts: on which all estimates but the cross-check rest.

    agrees: whether the corrected share is within two joint standard errors of the cross-check.
    """

    raw: Interval
    low: float
    corrected: Interval
    cross_check: Interval
    agrees: bool
    counts: Counts


def share_of_copies(
    p: ArrayLike,
    card: Sequence[ArrayLike],
    heldout: int,
    generator: np.random.Generator,
    *,
    rank: int | None = None,
) -> ShareOfCopies:
    """Estimate the share of copies among samples from their p-values and the p-values of test copies.

    p: (N,).  card: (m_j,) of each kind of test copy, in random order, at least two of each.  heldout: n_h.
    rank: of the flags; None: the rank that the test copies suggest, see the head of this file.
    Raises InputError for no samples, no test copies, or p-values that are no ranks among n_h.
    """
    found = rank_counts(p, heldout)
    kinds = [rank_counts(each, heldout) for each in card]
    if not len(found) or not kinds or min(map(len, kinds)) < 2:
        raise InputError(
            got=f"{len(found)} samples and kinds of planted copies with {[len(kind) for kind in kinds]} images",
            need="at least one sample, and a card with two copies of each kind",
            remedy="plant more copies",
        )
    planted = np.concatenate(kinds)
    if rank is None:
        rank = _planned(np.concatenate([kind[: len(kind) // 2] for kind in kinds]), len(found), heldout)
        planted = np.concatenate([kind[len(kind) // 2 :] for kind in kinds])
    counts = _counts(found, planted, rank, heldout)
    corrected, check = corrected_share(counts, generator), storey(p, heldout)
    error = math.hypot(standard_error(counts), _storey_error(len(found), heldout))
    return ShareOfCopies(
        raw=clopper_pearson(counts.flagged, counts.samples),
        low=lower_share(counts, generator),
        corrected=corrected,
        cross_check=check,
        agrees=abs(corrected.value - check.value) <= 2 * error,
        counts=counts,
    )


def _planned(card: NDArray[np.int64], samples: int, heldout: int) -> int:
    """Find the rank with the smallest standard error if the planned share of the samples were copies, of all kinds alike."""
    ranks = {1, *filter(None, (marginal_rank(level, heldout) for level in LEVELS))}

    def error(rank: int) -> float:
        seen = Counts(0, samples, rank, heldout, int((card <= rank).sum()), len(card))
        flagged = samples * (seen.false + PLANNED * (seen.true - seen.false))
        return standard_error(replace(seen, flagged=round(flagged)))

    return min(sorted(ranks), key=error)


def _counts(samples: NDArray[np.int64], card: NDArray[np.int64], rank: int, heldout: int) -> Counts:
    flagged, seen = int((samples <= rank).sum()), int((card <= rank).sum())
    return Counts(flagged, len(samples), rank, heldout, seen, len(card))


def standard_error(counts: Counts) -> float:
    """Compute the standard error of c to first order.

    √( p(1 − p)/N + F(1 − F)(1 − c)²/(n_h + 2) + T(1 − T) c²/m ) / (T − F)
    """
    p, false, true, c = counts.flagged / counts.samples, counts.false, counts.true, counts.estimate
    variance = (
        p * (1 - p) / counts.samples
        + false * (1 - false) * (1 - c) ** 2 / (counts.heldout + 2)
        + true * (1 - true) * c**2 / counts.planted
    )
    return math.sqrt(variance) / max(true - false, LEAST_GAP)


def corrected_share(counts: Counts, generator: np.random.Generator, draws: int = DRAWS) -> Interval:
    """Compute the Rogan–Gladen share with its Beta Monte-Carlo interval (95 %), for kinds of change as frequent as among test copies."""
    false = _false_rates(counts, generator, draws)
    seen, missed = counts.seen + 0.5, counts.planted - counts.seen + 0.5
    gap = np.maximum(generator.beta(seen, missed, draws) - false, LEAST_GAP)
    lower, upper = _flagged_rates(counts, generator, draws)
    low = float(np.quantile((lower - false) / gap, TAIL).clip(0, 1))
    high = float(np.quantile((upper - false) / gap, 1 - TAIL).clip(0, 1))
    low, high = min(low, TAIL ** (1 / counts.samples)), max(high, 1 - TAIL ** (1 / counts.samples))
    value = min(max(counts.estimate, 0.0), 1.0)
    # Few draws, or few of anything, may leave the point outside; an interval that is too long misleads nobody.
    return Interval(value, min(low, value), max(high, value), counts.samples)


def lower_share(counts: Counts, generator: np.random.Generator, draws: int = DRAWS) -> float:
    """Compute the lower bound of the share of copies (97.5 % confidence), whatever copies look like: T = 1."""
    false = _false_rates(counts, generator, draws)
    lower, _ = _flagged_rates(counts, generator, draws)
    return float(np.quantile((lower - false) / (1 - false), TAIL).clip(0, 1))


def not_excluded(counts: Counts, generator: np.random.Generator) -> float:
    """Compute the share that "no evidence" leaves open: the upper limit if as many samples are flagged as original samples would be.

    counts: of the audit; the field `flagged` is not used.
    """
    innocent = round(counts.samples * counts.false)
    expected = Counts(innocent, counts.samples, counts.rank, counts.heldout, counts.seen, counts.planted)
    return corrected_share(expected, generator).high


def storey(p: ArrayLike, heldout: int) -> Interval:
    """Compute Storey's share, 1 − 2·P(p > ½), with a normal interval: what is missing from the upper half of the p-values."""
    ranks = rank_counts(p, heldout)
    if not len(ranks):
        raise InputError(got="no samples", need="at least one p-value", remedy="audit at least one sample")
    value = 1 - 2 * float((2 * ranks > heldout + 1).mean())
    reach = 1.96 * _storey_error(len(ranks), heldout)
    low, middle, high = np.clip([value - reach, value, value + reach], 0, 1).tolist()
    return Interval(middle, low, high, len(ranks))


def _storey_error(samples: int, heldout: int) -> float:
    return 2 * math.sqrt(0.25 / samples + 0.25 / heldout)


def _false_rates(counts: Counts, generator: np.random.Generator, draws: int) -> NDArray[np.float64]:
    return generator.beta(counts.rank, counts.heldout + 1 - counts.rank, draws)


def _flagged_rates(
    counts: Counts, generator: np.random.Generator, draws: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Draw the lower and upper flagged rates of the samples; a Beta of 0 is the end itself."""
    flagged, others = counts.flagged, counts.samples - counts.flagged
    lower = generator.beta(flagged, others + 1, draws) if flagged else np.zeros(draws)
    upper = generator.beta(flagged + 1, others, draws) if others else np.ones(draws)
    return lower, upper
