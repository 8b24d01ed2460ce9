"""Sentences for S1's page that compare runs of several arms.  Each appears only if the claim it rests on was reproduced by these runs.

Sentences that rest on claims alone stand in the study's TOML file.  These also rest on a comparison that is no claim yet, so
that code has to make it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from byheart.experiments.quantities.crossover import learned
from byheart.experiments.runs.curves import Curve
from byheart.report.words import number, percent
from byheart.studies.s1_crossover.lines import COPIED, over_runs, reference, setting

__all__ = ["RESTS_ON", "compared"]

HALF, PAIRS, FREE, HELDOUT, COLORED = "S1-F", "B-S1-J-pairs", "B-S1-J-free", "S1-F-heldout", "S1-K"
RESTS_ON = (HALF, PAIRS, FREE, HELDOUT, COLORED)
"""Ids of all claims that these sentences rest on."""

Claims = Mapping[str, Mapping[str, Any]]
"""Id -> row of the claims that these runs reproduced."""

Arms = Mapping[str, Sequence[Curve]]


def compared(claims: Claims, curves: Arms) -> list[str]:
    """Say what a comparison of these runs shows, a sentence or two each."""
    makers: tuple[Callable[[Claims, Arms], str | None], ...] = (_pairs, _free, _early, _colored)
    said = [maker(claims, curves) for maker in makers]
    return [sentence for sentence in said if sentence]


def _pairs(claims: Claims, curves: Arms) -> str | None:
    # No claim says that the pairs' loss is lower and their share of copies higher than the points'.
    pairs, points = (_at(curves.get(arm, ()), "loss/eps", 0.8) for arm in ("pairs", "points"))
    copied = _at(curves.get("points", ()), COPIED, 0.8)
    if PAIRS not in claims or pairs is None or points is None or copied is None:
        return None
    if pairs >= points or copied >= claims[PAIRS]["measured"]:
        return None
    return (
        f"The mixtures that ended in the better fit copied more: from averages of near pairs the training loss came to {number(pairs)} and "
        f"{percent(claims[PAIRS]['measured'])} of the samples were memorized, from points to {number(points)} and {percent(copied)}."
    )


def _free(claims: Claims, curves: Arms) -> str | None:
    # No claim says what mixtures of one variance memorize with half as many components as points.
    runs, free = curves.get("transition", ()), curves.get("free", ())
    shared = _at(runs, COPIED, 0.5)
    if FREE not in claims or not free or shared is None or shared >= claims[FREE]["measured"]:
        return None
    return (
        "The place of the transition belongs to the one variance, too: with half as many components as points, a variance and a weight for each of them, "
        f"{percent(claims[FREE]['measured'])} of the samples were memorized ({setting(free[0])}), with one variance for all {percent(shared)} ({setting(runs[0])})."
    )


def _early(claims: Claims, curves: Arms) -> str | None:
    # No claim says how far the held-out loss is above the population's where next to nothing is copied.
    runs = curves.get("transition", ())
    heldout, copied = (_at(runs, name, 0.5) for name in ("loss/heldout", COPIED))
    truth = reference(runs, "true", "loss/heldout")
    if heldout is None or copied is None or not truth.count or HELDOUT not in claims:
        return None
    if heldout < 1.1 * truth.value or copied > 0.02:
        return None
    return (
        f"In these mixtures the loss on held-out points moves first: with half as many components as points it is {percent(heldout / truth.value - 1)} above that "
        f"of the population, while {percent(copied)} of the samples are copies."
    )


def _colored(claims: Claims, curves: Arms) -> str | None:
    # No claim says what the count finds of the true denoiser's samples, without which the share says nothing.
    floor = reference(curves.get("colored", ()), "true", COPIED)
    if HALF not in claims or COLORED not in claims or not floor.count:
        return None
    return (
        f"Mixtures of colored templates, of three true dimensions, copied later: {percent(claims[COLORED]['measured'])} at the same four fifths. There the "
        f"count finds {percent(floor.value)} of the true denoiser's samples, too, which are new: it says something only beside that floor."
    )


def _at(curves: Sequence[Curve], name: str, share: float) -> float | None:
    """Average a column of trained mixtures of one size over runs."""
    measured = over_runs([learned(curve).get(share, {}) for curve in curves], name)
    return measured.value if measured.count else None
