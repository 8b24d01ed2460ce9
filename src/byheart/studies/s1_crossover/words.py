"""What S1's study says in words: of mixtures, and nothing that was not reproduced by the runs it is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from byheart.experiments.quantities.crossover import learned
from byheart.experiments.runs.curves import Curve
from byheart.experiments.study.claims import Claim
from byheart.report.words import interval, number, percent
from byheart.studies.s1_crossover.lines import COPIED, over_runs, reference, setting

__all__ = ["RESTS_ON", "Reproduced", "advice", "reasons", "reproduced"]

Key = tuple[str, str]
"""Arm and quantity: what a claim is decided by."""

M_PT, COPIES, EARLY_COPIES = "m_pt@0.333", f"at/{COPIED}@0.8", f"at/{COPIED}@0.5"
HALF: Key = ("transition", M_PT)
ELSEWHERE: tuple[Key, ...] = (("universality", M_PT), ("universality", f"spread/{M_PT}"))
THRESHOLDS: tuple[Key, ...] = (("transition", "m_pt@0.5"), ("transition", "m_pt@0.2"))
OTHER_STARTS: tuple[Key, ...] = (("fresh", COPIES), ("gaussian", COPIES))
PAIRS: Key = ("pairs", COPIES)
FREE: Key = ("free", EARLY_COPIES)
HELDOUT: Key = ("transition", "published/transition/loss/heldout@0.1")
LLOYD: Key = ("transition", "ratio/variance:lloyd/variance@0.5")
TRAINED: Key = ("losses", "crossover/eps@2")
COLORED: Key = ("colored", COPIES)
RESTS_ON = (HALF, *ELSEWHERE, *THRESHOLDS, *OTHER_STARTS, PAIRS, FREE, HELDOUT, LLOYD, TRAINED, COLORED)
"""All that the words rest on."""

FOUR_FIFTHS = (0.75, 0.85)


@dataclass(frozen=True)
class Reproduced:
    """The claims that these runs reproduced, by what decides them."""

    rows: Mapping[Key, Mapping[str, Any]]

    def has(self, *keys: Key) -> bool:
        """Whether all of them are among these."""
        return all(key in self.rows for key in keys)

    def said(self, key: Key) -> str:
        """What was measured, with its interval."""
        row = self.rows[key]
        return interval(row["measured"], row.get("low"), row.get("high"))

    def value(self, key: Key) -> float:
        """What was measured."""
        return float(self.rows[key]["measured"])


def reproduced(claims: Sequence[Claim], rows: Sequence[Mapping[str, Any]]) -> Reproduced:
    """claims: of the study.  rows: of its folder."""
    arms = {claim.id: claim.arm for claim in claims}
    return Reproduced(
        {
            (arms[row["id"]], row["quantity"]): row
            for row in rows
            if row["verdict"] == "reproduced" and row["id"] in arms
        }
    )


def advice(found: Reproduced) -> str:
    """The headline, as far as it was measured here."""
    if not found.has(HALF) or not FOUR_FIFTHS[0] < found.value(HALF) < FOUR_FIFTHS[1]:
        return "When a mixture begins to copy its points, as far as these runs say."
    return "Started from its points, a mixture of one variance copies half of its samples once it can hold four fifths of them."


def reasons(found: Reproduced, curves: Mapping[str, Sequence[Curve]]) -> list[str]:
    """What the runs say of mixtures, a sentence or two each."""
    makers: tuple[Callable[..., str | None], ...] = (
        _share, _start, _pairs, _free, _threshold, _early, _lloyd, _loss, _colored,
    )  # fmt: skip
    said = [maker(found, curves) for maker in makers]
    return [sentence for sentence in said if sentence] or [
        "At this scale none of the claims that these words rest on is reproduced; the figures show what was measured."
    ]


def _share(found: Reproduced, curves: Mapping[str, Sequence[Curve]]) -> str | None:
    if not found.has(HALF, *ELSEWHERE):
        return None
    runs = len(curves.get("universality", ()))
    return (
        "For mixtures started from their points, the number of components as a share of the points is what counts: the transition came at "
        f"{found.said(ELSEWHERE[0])} of N over {runs} training sets of different size, dimension and structure."
    )


def _start(found: Reproduced, curves: Mapping[str, Sequence[Curve]]) -> str | None:
    if not found.has(*OTHER_STARTS):
        return None
    most = max(found.value(key) for key in OTHER_STARTS)
    shares = f"at most {percent(most)}" if most else "none"
    return (
        f"Size alone does not make a mixture copy: those that could hold four fifths of the points memorized {shares} of their samples when "
        "they started from fresh samples or from Gaussian noise."
    )


def _pairs(found: Reproduced, curves: Mapping[str, Sequence[Curve]]) -> str | None:
    pairs, points = (_at(curves.get(arm, ()), "loss/eps", 0.8) for arm in ("pairs", "points"))
    copied = _at(curves.get("points", ()), COPIED, 0.8)
    if not found.has(PAIRS) or pairs is None or points is None or copied is None:
        return None
    if pairs >= points or copied >= found.value(PAIRS):
        return None
    return (
        f"The mixtures that ended in the better fit copied more: from averages of near pairs the training loss came to {number(pairs)} and "
        f"{percent(found.value(PAIRS))} of the samples were memorized, from points to {number(points)} and {percent(copied)}."
    )


def _free(found: Reproduced, curves: Mapping[str, Sequence[Curve]]) -> str | None:
    runs, free = curves.get("transition", ()), curves.get("free", ())
    shared = _at(runs, COPIED, 0.5)
    if not found.has(FREE) or not free or shared is None or shared >= found.value(FREE):
        return None
    return (
        "The place belongs to the one variance, too: with half as many components as points, a variance and a weight for each of them, "
        f"{percent(found.value(FREE))} of the samples were memorized ({setting(free[0])}), with one variance for all {percent(shared)} ({setting(runs[0])})."
    )


def _threshold(found: Reproduced, curves: Mapping[str, Sequence[Curve]]) -> str | None:
    if not found.has(*THRESHOLDS):
        return None
    half, fifth = (found.said(key) for key in THRESHOLDS)
    return (
        f"Where half of a mixture's samples are copies depends on what is called a copy: at {half} of N if that is twice as near to one point as to the "
        f"next, at {fifth} if it is five times as near. Shares of copies compare only at one threshold."
    )


def _early(found: Reproduced, curves: Mapping[str, Sequence[Curve]]) -> str | None:
    runs = curves.get("transition", ())
    heldout, copied = (_at(runs, name, 0.5) for name in ("loss/heldout", COPIED))
    truth = reference(runs, "true", "loss/heldout")
    if heldout is None or copied is None or not truth.count or not found.has(HELDOUT):
        return None
    if heldout < 1.1 * truth.value or copied > 0.02:
        return None
    return (
        f"In these mixtures the loss on held-out points moves first: with half as many components as points it is {percent(heldout / truth.value - 1)} above that "
        f"of the population, while {percent(copied)} of the samples are copies."
    )


def _lloyd(found: Reproduced, curves: Mapping[str, Sequence[Curve]]) -> str | None:
    if not found.has(LLOYD):
        return None
    return (
        "The training of such a mixture ends where k-means from the same start does: from half as many components as points on, their variances "
        f"differ by {percent(found.value(LLOYD))} at most. Hence the forecast without training: byheart theory crossover."
    )


def _loss(found: Reproduced, curves: Mapping[str, Sequence[Curve]]) -> str | None:
    if not found.has(HALF, TRAINED):
        return None
    return (
        f"A comparison of losses does not tell: by S1's formulas, under the weighting that is trained, storing points pays only from {found.said(TRAINED)} of N on, "
        f"and half of the samples were copies from {found.said(HALF)} of N on."
    )


def _colored(found: Reproduced, curves: Mapping[str, Sequence[Curve]]) -> str | None:
    floor = reference(curves.get("colored", ()), "true", COPIED)
    if not found.has(HALF, COLORED) or not floor.count:
        return None
    return (
        f"Mixtures of colored templates, of three true dimensions, copied later: {percent(found.value(COLORED))} at the same four fifths. There the "
        f"count finds {percent(floor.value)} of the true denoiser's samples, too, which are new: it says something only beside that floor."
    )


def _at(curves: Sequence[Curve], name: str, share: float) -> float | None:
    """A column of trained mixtures of one size, mean over runs."""
    measured = over_runs([learned(curve).get(share, {}) for curve in curves], name)
    return measured.value if measured.count else None
