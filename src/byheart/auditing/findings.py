"""From the copy test of images to the records of the result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from byheart.analysis.calibration.ranks import Rank, chosen_rank, flags, p_values
from byheart.analysis.calibration.share import ShareOfCopies
from byheart.auditing.assess import (
    ChannelNumbers,
    channel,
    copy_share,
    distinct,
    population,
    power,
    share,
)
from byheart.auditing.copies import Copies, Reference, compared, reference
from byheart.auditing.pairs import random_pairs, worst_pairs
from byheart.auditing.record import (
    ChannelName,
    CopyShare,
    Distinct,
    Histogram,
    Planted,
    PopulationCheck,
    Power,
)
from byheart.auditing.sets import Body, Request, Sets
from byheart.auditing.verdict import Evidence, decide
from byheart.metrics.copying.card import CardRow
from byheart.metrics.copying.copy_test import Matches
from byheart.metrics.copying.groups import grouped
from byheart.metrics.copying.null import Null, unlike
from byheart.numerics.intervals import proportion
from byheart.random import derive
from byheart.report.words import plain_percent

__all__ = ["copies_of_images", "histograms", "unranked"]

Numbers = NDArray[np.float64]

BINS = 60
_NAMED = 50  # clusters of duplicates that are listed, the largest first
_MEMBERS = 20  # of each of them
_BLIND = 0.5  # share of exact test copies that are flagged, below which the training set itself hides copies


def copies_of_images(sets: Sets, request: Request) -> Body:
    """Make the copy test of three sets of images without blank images."""
    samples, train, heldout = sets.images
    known = reference(
        train.small,
        None if heldout is None else heldout.small,
        seed=request.seed,
        planted=request.planted,
        queries=request.queries,
        tell=request.tell,
    )
    found = compared(samples.small, known, request.tell)
    ranked = None if known.null is None else _ranked(found, known.null, request)
    channels: dict[ChannelName, ChannelNumbers] = {} if ranked is None else ranked.channels
    far, beyond = (False, False) if heldout is None else unlike(samples.small, heldout.small)
    pairs = samples, train, found, channels
    limit = _power(len(samples), ranked, request)
    return Body(
        decision=decide(_evidence(sets, found, ranked, limit, request, unlike=beyond)),
        warnings=tuple(_warnings(known, ranked, len(train), far=far)),
        power=limit,
        channels=tuple(one.record for one in channels.values()),
        copy_share=None if ranked is None else ranked.share[0],
        distinct=None if ranked is None else ranked.distinct,
        population=None if ranked is None else ranked.population,
        card=tuple(_planted(row, ranked) for row in known.card),
        pairs=worst_pairs(*pairs),
        random_pairs=random_pairs(*pairs, derive(request.seed, "pairs")),
        histograms=histograms(found.seen.whole, None if known.null is None else known.null.plain.whole),
        duplicates=_named(known, train.names),
        test=known.test,
    )


@dataclass(frozen=True, eq=False)
class _Ranked:
    """Samples ranked among held-out images.

    card: p-values of each main kind of test copy.  share: as recorded, and with the counts behind it.
    """

    null: Null
    rank: Rank
    population: PopulationCheck
    channels: dict[ChannelName, ChannelNumbers]
    card: list[Numbers]
    share: tuple[CopyShare, ShareOfCopies]
    distinct: Distinct | None


def _ranked(found: Copies, null: Null, request: Request) -> _Ranked:
    assert found.whole is not None and found.blend is not None and found.local is not None
    assert null.plain.blend is not None and null.plain.local is not None
    known, heldout = found.reference, len(null)
    rank = chosen_rank(request.alpha, heldout, rule=request.rule)
    held = _population(null, known, request)
    enough = rank.rank is not None
    whole = channel(
        "whole",
        found.whole,
        null.plain.whole,
        rank,
        may_flag=enough and held.flags_on,
        guard=null.blurred,
    )
    # A whole copy matches in part as well: the other tests are made of the remaining samples.
    blend, local = (np.where(whole.flagged, 1.0, p) for p in (found.blend, found.local))
    channels: dict[ChannelName, ChannelNumbers] = {
        "whole": whole,
        "blend": channel("blend", blend, null.plain.blend, rank, may_flag=enough),
        "local": channel("local", local, null.plain.local, rank, may_flag=enough),
    }
    card = [null.whole(row.scores) for row in known.card if row.planting.main]
    counted = rank.rank if held.flags_on else None
    of_copies = copy_share(found.whole, card, heldout, counted, _draws(request, "share"))
    sources = _distinct(found, channels["whole"], rank, of_copies[1].corrected.value)
    return _Ranked(null, rank, held, channels, card, of_copies, sources)


def _distinct(found: Copies, whole: ChannelNumbers, rank: Rank, copies: float) -> Distinct | None:
    """Count the distinct training images of the flagged samples; None if no sample is flagged."""
    flagged = np.flatnonzero(whole.flagged)
    if rank.rank is None or not len(flagged):
        return None
    known = found.reference
    matched = np.concatenate([row.matched for row in known.card if row.planting.main])
    return distinct(
        known.groups[found.source[flagged]].tolist(),
        len(found.source),
        copies,
        rank,
        accuracy=float(matched.mean()),
        most=int(torch.count_nonzero(known.groups.bincount())),
    )


def _population(null: Null, known: Reference, request: Request) -> PopulationCheck:
    exact = next(row.scores for row in known.card if row.planting.name == "exact")
    return population(null.plain.whole, known.level, exact, request.alpha)


def _evidence(
    sets: Sets, found: Copies, ranked: _Ranked | None, limit: Power, request: Request, *, unlike: bool
) -> Evidence:
    """Collect what the verdict rests on."""
    samples = len(sets.samples)
    if ranked is None:
        return Evidence(samples=samples, heldout=0, alpha=request.alpha)
    whole, (recorded, counts) = ranked.channels["whole"], ranked.share
    return Evidence(
        samples=samples,
        heldout=len(ranked.null),
        global_p=whole.global_p,
        rank=ranked.rank,
        flags=whole.record.flags,
        flags_low=proportion(whole.record.flags, samples).low,
        low=recorded.low,
        share=(counts.corrected.value, counts.corrected.low, counts.corrected.high),
        flags_on=ranked.population.flags_on,
        as_close=ranked.population.share.value,
        fires=tuple(name for name in ("blend", "local") if ranked.channels[name].record.fires),
        unlike=unlike,
        below=limit.below,
        alpha=request.alpha,
        spared=_spared(found.seen.whole, whole, ranked.null.plain, ranked.rank),
        blank=sets.blank,
        collages=_recall(found.reference, "collage", ranked),
        noisy=_recall(found.reference, "noise-0.30", ranked),
    )


def _spared(scores: Numbers, whole: ChannelNumbers, plain: Matches, rank: Rank) -> int:
    """Count how many more samples would be flagged without the blurred held-out images.  scores: (b,).  plain: of m images."""
    if whole.record.rule == "none":
        return 0
    alone = flags(p_values(scores, plain.whole), rank.rank, len(plain.whole))
    return int(alone.sum()) - whole.record.flags


def _recall(known: Reference, name: str, ranked: _Ranked) -> float | None:
    """Return the share of a kind of test copies that is flagged; None if unknown."""
    row = next(row for row in known.card if row.planting.name == name)
    seen = _planted(row, ranked).recall
    return None if seen is None else seen.value


def _power(samples: int, ranked: _Ranked | None, request: Request) -> Power:
    if ranked is None:
        return power(samples, 0, unranked(request.alpha), [], _draws(request, "power"))
    return power(samples, len(ranked.null), ranked.rank, ranked.card, _draws(request, "power"))


def unranked(alpha: float) -> Rank:
    """Make the rank of an audit without held-out images: none."""
    return Rank("none", None, alpha, 0, None, None)


def _planted(row: CardRow, ranked: _Ranked | None) -> Planted:
    """Make a row of the detection table at the rank of the flags; without a rank the share that is flagged is unknown."""
    recall = None
    if ranked is not None and ranked.rank.rank is not None:
        null = ranked.null
        p = {"whole": null.whole, "blend": null.blend, "local": null.local}[row.planting.channel](row.scores)
        recall = share(proportion(int(flags(p, ranked.rank.rank, len(null)).sum()), len(row.scores)))
    return Planted(
        name=row.planting.name,
        channel=row.planting.channel,
        main=row.planting.main,
        recall=recall,
        matched=float(row.matched.mean()),
        shortlisted=None if row.shortlisted is None else float(row.shortlisted.mean()),
    )


def histograms(samples: Numbers, heldout: Numbers | None) -> tuple[Histogram, ...]:
    """Count the similarity scores of samples and held-out images, in the same bins."""
    both = samples if heldout is None else np.concatenate([samples, heldout])
    edges = np.linspace(min(0.0, float(both.min())), max(float(both.max()), 1.0), BINS + 1)
    named = {"samples": samples} | ({} if heldout is None else {"held-out": heldout})
    return tuple(
        Histogram(
            name=name,
            edges=tuple(edges.tolist()),
            counts=tuple(np.histogram(scores, edges)[0].astype(int).tolist()),
        )
        for name, scores in named.items()
    )


def _draws(request: Request, name: str) -> np.random.Generator:
    """Make the random generator of the Monte-Carlo intervals."""
    return np.random.default_rng(derive(request.seed, name))


def _named(known: Reference, names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    return tuple(
        tuple(names[int(row)] for row in members[:_MEMBERS]) for members in grouped(known.groups)[:_NAMED]
    )


def _warnings(known: Reference, ranked: _Ranked | None, n: int, *, far: bool) -> Iterator[str]:
    if known.duplicated > 0:
        how = (
            "all images were compared"
            if known.exhaustive
            else "for nearly equal images this is an estimate from a part of the images"
        )
        yield (
            f"{plain_percent(known.duplicated)} of the {n} training images have an equal or nearly equal duplicate ({how});"
            " copies of such images count as copies of one image."
        )
    if far:
        yield (
            "Samples and held-out images differ more than twofold in the power of some spatial frequency: different"
            " resizing, compression, noise or blur. The comparison with blurred held-out images allows for blur only."
        )
    if ranked is None:
        return
    exact = _recall(known, "exact", ranked)
    if exact is not None and exact < _BLIND and ranked.population.flags_on:
        yield (
            f"Only {100 * exact:.0f} % of exact test copies are flagged: large groups of near-duplicates in the training set hide"
            " copies. Find the duplicates with `byheart dedup`, and audit with one image of each group as the training set."
        )
    if not ranked.share[1].agrees:
        corrected, check = ranked.share[1].corrected.value, ranked.share[1].cross_check.value
        yield (
            f"The share of copies is {corrected:.2g} by the detection table and {check:.2g} by the cross-check without it: the"
            " kinds of change are not equally frequent among the copies, or the samples differ from held-out images in other ways"
            " too. Trust the lower bound."
        )
