"""Weak spots of the copy test that the numbers of a planted benchmark show, whether a claim is about them or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from byheart.numerics.intervals import Interval
from byheart.report.words import listed, percent, rate
from byheart.studies.audit_planted.content import PlantedContent, Population
from byheart.studies.audit_planted.figures import BLENDED, FLOOR, LIMIT
from byheart.studies.audit_planted.words import copy_alone, innocent, share, true_share

__all__ = ["missed_shares", "weak_spots"]

SEARCHED = ("main", "compound", "blend", "local")
"""Kinds of test copies that the audit searches for."""

HALF = 0.5
"""Where less than this share of a kind of test copies is flagged, the test is weak."""

PROMISED = 0.05
"""Share of audits in which the rule pac may flag more than its rate."""


def weak_spots(content: PlantedContent) -> list[str]:
    """Write a sentence for every weak spot that these runs show: copies missed, images flagged by mistake, limits not kept."""
    return [
        *_missed(content.shown),
        *_unsearched(content.shown),
        *_flagged(content.shown, "accused", LIMIT, "flagged as copies"),
        *_flagged(content.shown, "blended", BLENDED, "flagged as mixtures of two training images"),
        *_exceeded(content.shown, content.alpha),
        *missed_shares(content.shown),
        *_unnamed(content.populations),
    ]


def missed_shares(populations: Sequence[Population]) -> list[str]:
    """Write a sentence for every true share whose interval holds the share less often than the claims ask for."""
    return [
        f"{one.title}, true share {true_share(name)}: the 95 % interval holds the true share in only "
        f"{share(found)} of the repetitions."
        for one in populations
        for name in one.names("coverage")
        if (found := one.at("coverage", name)) is not None and found.value < FLOOR
    ]


def _missed(populations: Sequence[Population]) -> Iterator[str]:
    names = dict.fromkeys(
        name for kind in SEARCHED for one in populations for name in one.names("planted", kind)
    )
    for name in names:
        if rates := _rates(populations, "planted", name, lambda found: found.value < HALF):
            yield f"Of the test copies “{copy_alone(name)}”, few are flagged in some data sets: {rates}."


def _unsearched(populations: Sequence[Population]) -> Iterator[str]:
    names = dict.fromkeys(name for one in populations for name in one.names("planted", "outside"))
    weak = [name for name in names if _rates(populations, "planted", name, lambda found: found.value < HALF)]
    if weak:
        kinds = listed([f"“{copy_alone(name)}”" for name in weak])
        yield f"The audit does not search for {kinds}: in some data sets fewer than half of such copies are flagged."


def _flagged(populations: Sequence[Population], group: str, limit: float, how: str) -> Iterator[str]:
    for name in dict.fromkeys(name for one in populations for name in one.names(group, "safe")):
        if rates := _rates(populations, group, name, lambda found: found.value > limit):
            yield f"More than {rate(limit)} of the images “{innocent(name)}”, which copy nothing, are {how}: {rates}."


def _rates(populations: Sequence[Population], group: str, name: str, weak: Callable[[Interval], bool]) -> str:
    """List the shares of the data sets in which a kind is weak: `40.8 % (Glyphs) and 37.3 % (Digits)`."""
    return listed(
        [
            f"{percent(found.value)} ({one.title})"
            for one in populations
            if (found := one.at(group, name)) is not None and weak(found)
        ]
    )


def _exceeded(populations: Sequence[Population], alpha: float) -> Iterator[str]:
    for one in populations:
        found = one.at("exceeded", "pac")
        if found is not None and found.low > PROMISED:
            yield (
                f"{one.title}: under the rule pac more than {rate(alpha)} of the judged unseen images are flagged in {share(found)} of "
                f"the random divisions; {rate(PROMISED)} are promised at most, and chance among the judged images adds to that."
            )


def _unnamed(populations: Sequence[Population]) -> Iterator[str]:
    for one in populations:
        found, close = one.at("planted", "main"), one.at("population", "close")
        if not one.accusable and close is not None:
            flagged = "" if found is None else f"; {percent(found.value)} of the test copies are flagged"
            yield (
                f"{one.title}: {percent(close.value)} of the unseen images come as close to a training image as copies do, so "
                f"that the audit names no single copy{flagged}."
            )
