"""From p-values to the numbers of an audit: the three tests, the share of copies, distinct training images, power."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from byheart.analysis.calibration.global_test import global_test
from byheart.analysis.calibration.ranks import Rank, flags, threshold
from byheart.analysis.calibration.share import Counts, ShareOfCopies, not_excluded, share_of_copies
from byheart.analysis.calibration.sources import distinct_sources, false_singletons
from byheart.auditing.record import Channel, ChannelName, CopyShare, Distinct, PopulationCheck, Power, Share
from byheart.numerics.intervals import Interval, proportion
from byheart.report.words import plain_percent

__all__ = ["ChannelNumbers", "channel", "copy_share", "distinct", "population", "power", "share"]

Numbers = NDArray[np.float64]

_FIRES = 0.01


@dataclass(frozen=True, eq=False)
class ChannelNumbers:
    """p: (b,) of the samples, global_p: of all samples together.  flagged: (b,) whether a sample is flagged.  record: for the result."""

    p: Numbers
    global_p: float
    flagged: NDArray[np.bool_]
    record: Channel


def share(found: Interval) -> Share:
    """Make the record of an interval."""
    return Share(value=found.value, low=found.low, high=found.high, count=found.count)


def channel(
    name: ChannelName,
    p: Numbers,
    null: Numbers,
    rank: Rank,
    *,
    may_flag: bool = True,
    guard: Sequence[Numbers] = (),
) -> ChannelNumbers:
    """Compute what one of the three tests says.

    p: (b,) of the samples.  null: (m,) held-out scores.  may_flag: whether single samples may be flagged.  guard: scores of the
    same images blurred; a flagged sample must be above the rank among these scores as well.
    """
    found = global_test(p, len(null))
    flagged = flags(p, rank.rank if may_flag else None, len(null))
    record = Channel(
        name=name,
        global_p=found.p,
        rule=rank.rule if may_flag else "none",
        rank=rank.rank,
        threshold=None if rank.rank is None else max(threshold(one, rank.rank) for one in (null, *guard)),
        flags=int(flagged.sum()),
        count=len(p),
        fires=found.p < _FIRES,
    )
    return ChannelNumbers(p, found.p, flagged, record)


def copy_share(
    p: Numbers, card: Sequence[Numbers], heldout: int, rank: int | None, draws: np.random.Generator
) -> tuple[CopyShare, ShareOfCopies]:
    """Estimate the share of copies: as the record of the result, and with the counts behind it.

    p: (b,) of the samples.  card: p-values of each main kind of test copy.  rank: of the flags, None if no sample may be
    flagged.
    """
    found = share_of_copies(p, card, heldout, draws, rank=rank)
    record = CopyShare(
        raw=share(found.raw),
        low=found.low,
        corrected=share(found.corrected),
        cross_check=share(found.cross_check),
        alpha=found.counts.false,
        rank=found.counts.rank,
        mix=f"the {len(card)} main kinds of copies in the detection table are equally frequent",
    )
    return record, found


def population(null: Numbers, level: float, exact: Numbers, alpha: float) -> PopulationCheck:
    """Say whether held-out images look like copies: if more than α/2 of the held-out images do, no sample is flagged.

    null: (m,) held-out scores.  level: score that all but 5 % of close copies reach.  exact: scores of exact test copies.
    """
    found = proportion(int((null >= level).sum()), len(null))
    return PopulationCheck(
        share=share(found),
        limit=alpha / 2,
        as_close=float((null > np.median(exact)).mean()),
        flags_on=found.value <= alpha / 2,
    )


def distinct(
    sources: Sequence[int], samples: int, copies: float, rank: Rank, *, accuracy: float, most: int
) -> Distinct:
    """Estimate of how many training images there are copies.

    sources: training image of every flagged sample, by cluster.  copies: the corrected share.  rank: of the flags, not none.
    accuracy: share of test copies whose training image is named right.  most: number of different training images.
    """
    false = false_singletons(samples, copies, rank.mean or 0.0, accuracy)
    found = distinct_sources(sources, false)
    return Distinct(
        observed=found.observed,
        once=found.singletons,
        twice=found.doubletons,
        corrected=found.corrected,
        estimate=min(found.estimate, float(most)),
        raw_estimate=min(found.raw_estimate, float(most)),
    )


def power(
    samples: int, heldout: int, rank: Rank, card: Sequence[Numbers], draws: np.random.Generator
) -> Power:
    """Compute which share of copies could go unseen with these numbers of samples and held-out images."""
    if rank.rank is None or not card:
        sentence = f"{heldout} held-out images allow no statement about the share of copies."
        return Power(below=None, smallest_p=1 / (heldout + 1) if heldout else None, sentence=sentence)
    planted = np.concatenate(card)
    seen = int(flags(planted, rank.rank, heldout).sum())
    below = not_excluded(Counts(0, samples, rank.rank, heldout, seen, len(planted)), draws)
    return Power(
        below=below,
        smallest_p=1 / (heldout + 1),
        sentence=(
            f"With {samples} samples and {heldout} held-out images, copies that make up less than {plain_percent(below)} of the"
            " samples could have gone unseen, if the main kinds of copies in the detection table are equally frequent."
        ),
    )
