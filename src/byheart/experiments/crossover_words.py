"""What S1's study says in words: nothing that was not reproduced by the runs it is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from byheart.experiments.claims import Claim
from byheart.experiments.crossover_lines import COPIED, over_runs, reference
from byheart.experiments.curves import Curve
from byheart.experiments.quantities.crossover import learned
from byheart.report.audit_words import percent
from byheart.report.tables import interval, number

__all__ = ["RESTS_ON", "Reproduced", "advice", "reasons", "reproduced"]

Key = tuple[str, str]
"""Arm and quantity: what a claim is decided by."""

M_PT, COPIES = "m_pt@0.333", f"at/{COPIED}@0.8"
HALF: Key = ("transition", M_PT)
ELSEWHERE: tuple[Key, ...] = (("universality", M_PT), ("universality", f"spread/{M_PT}"))
THRESHOLDS: tuple[Key, ...] = (("transition", "m_pt@0.5"), ("transition", "m_pt@0.2"))
OTHER_STARTS: tuple[Key, ...] = (("fresh", COPIES), ("gaussian", COPIES))
PAIRS: Key = ("pairs", COPIES)
HELDOUT: Key = ("transition", "published/transition/loss/heldout")
LLOYD: Key = ("transition", "ratio/variance:lloyd/variance@0.5")
TRAINED: Key = ("losses", "crossover/eps@2")
COLORED: Key = ("colored", COPIES)
RESTS_ON = (HALF, *ELSEWHERE, *THRESHOLDS, *OTHER_STARTS, PAIRS, HELDOUT, LLOYD, TRAINED, COLORED)
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
    sentence = "A mixture copies half of its samples once it can hold four fifths of the points"
    return f"{sentence}, if it starts from them." if found.has(*OTHER_STARTS) else f"{sentence}."


def reasons(found: Reproduced, curves: Mapping[str, Sequence[Curve]]) -> list[str]:
    """What the runs mean for somebody's model, a sentence or two each."""
    makers: tuple[Callable[..., str | None], ...] = (
        _share, _start, _pairs, _threshold, _early, _lloyd, _loss, _colored,
    )  # fmt: skip
    said = [maker(found, curves) for maker in makers]
    return [sentence for sentence in said if sentence] or [
        "At this scale none of the claims that advice could rest on is reproduced; the figures show what was measured."
    ]


def _share(found: Reproduced, curves: Mapping[str, Sequence[Curve]]) -> str | None:
    if not found.has(HALF, *ELSEWHERE):
        return None
    runs = len(curves.get("universality", ()))
    return (
        "What counts is how many points the model can hold, as a share of those it is trained on: the transition came at "
        f"{found.said(ELSEWHERE[0])} of N over {runs} training sets of different size, dimension and structure. More data, "
        "or a smaller model, moves you away from it in proportion."
    )


def _start(found: Reproduced, curves: Mapping[str, Sequence[Curve]]) -> str | None:
    if not found.has(*OTHER_STARTS):
        return None
    most = max(found.value(key) for key in OTHER_STARTS)
    shares = f"at most {percent(most)}" if most else "none"
    return (
        f"Size alone does not copy. Mixtures that could hold four fifths of the points memorized {shares} of their samples when "
        "they started from fresh samples or from Gaussian noise."
    )


def _pairs(found: Reproduced, curves: Mapping[str, Sequence[Curve]]) -> str | None:
    pairs, points = (_at(curves.get(arm, ()), "loss/eps", 0.8) for arm in ("pairs", "points"))
    if not found.has(PAIRS) or pairs is None or points is None or pairs >= points:
        return None
    return (
        f"A better fit copies more: from averages of near pairs the training loss ends at {number(pairs)}, from points at {number(points)}, "
        f"and {percent(found.value(PAIRS))} of the samples are memorized."
    )


def _threshold(found: Reproduced, curves: Mapping[str, Sequence[Curve]]) -> str | None:
    if not found.has(*THRESHOLDS):
        return None
    half, fifth = (found.said(key) for key in THRESHOLDS)
    return (
        f"Where copying begins is a matter of what you call a copy: at {half} of N if a copy is twice as near to one point as to the next, "
        f"at {fifth} if it is five times as near. Compare shares of copies only at one threshold."
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
        f"The loss on held-out points warns first: with half as many components as points it is {percent(heldout / truth.value - 1)} above that "
        f"of the population, while {percent(copied)} of the samples are copies."
    )


def _lloyd(found: Reproduced, curves: Mapping[str, Sequence[Curve]]) -> str | None:
    if not found.has(LLOYD):
        return None
    return (
        "What the training finds is k-means from its start, so that the transition can be forecast from the points alone, in seconds: "
        "byheart theory crossover."
    )


def _loss(found: Reproduced, curves: Mapping[str, Sequence[Curve]]) -> str | None:
    if not found.has(HALF, TRAINED):
        return None
    return (
        f"The losses alone do not tell: under the weighting that is trained, storing points pays only from {found.said(TRAINED)} of N on, "
        f"and half of the samples are copies from {found.said(HALF)} of N on."
    )


def _colored(found: Reproduced, curves: Mapping[str, Sequence[Curve]]) -> str | None:
    floor = reference(curves.get("colored", ()), "true", COPIED)
    if not found.has(HALF, COLORED) or not floor.count:
        return None
    return (
        f"On images of few true dimensions copying comes later: {percent(found.value(COLORED))} at the same four fifths. There even new samples are "
        f"counted, {percent(floor.value)} of those of the true denoiser: put the count of fresh samples beside yours."
    )


def _at(curves: Sequence[Curve], name: str, share: float) -> float | None:
    """A column of trained mixtures of one size, mean over runs."""
    measured = over_runs([learned(curve).get(share, {}) for curve in curves], name)
    return measured.value if measured.count else None
