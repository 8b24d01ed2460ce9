"""Shares as bars with their intervals: the sensitivity card and the copy share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from byheart.auditing.page.words import PLANTED, share_words
from byheart.report.words import percent, plural, rate

if TYPE_CHECKING:
    from byheart.auditing.record import CopyShare, Planted, Share

__all__ = ["Bar", "BarGroup", "card_groups", "share_bars"]

MISSED, WEAK = 0.5, 0.9  # recalls below which the card says so
FOUND = 0.99  # share of right images among the candidates, below which the search itself loses copies


@dataclass(frozen=True)
class Bar:
    """width, low, high: per cent of the track; low and high None without an interval.  note: smaller, after the value."""

    name: str
    value: str
    note: str
    tag: str
    width: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class BarGroup:
    """Bars under one heading."""

    name: str
    bars: tuple[Bar, ...]


def card_groups(card: Sequence[Planted]) -> list[BarGroup]:
    """Group the sensitivity card: the mix that the copy share assumes, what lies beyond that mix, blends, parts."""
    groups = (
        ("Whole copies, the mix that the copy share assumes", [row for row in card if row.main]),
        ("Whole copies beyond that mix", [row for row in card if not row.main and row.channel == "whole"]),
        ("Blends of two training images", [row for row in card if not row.main and row.channel == "blend"]),
        ("Parts of training images", [row for row in card if not row.main and row.channel == "local"]),
    )
    return [BarGroup(name, tuple(map(_planted, rows))) for name, rows in groups if rows]


def _planted(row: Planted) -> Bar:
    parts = [] if row.recall is None else [f"of {row.recall.count:,}"]
    if row.matched is not None:
        parts.append(f"{percent(row.matched)} named right")
    if row.shortlisted is not None and row.shortlisted < FOUND:
        parts.append(f"the search finds {percent(row.shortlisted)}")
    name, note = PLANTED.get(row.name, row.name), ", ".join(parts)
    if row.recall is None:
        return Bar(name, share_words(None), note, "", 0.0, None, None)
    return _bar(name, row.recall, note, _missed(row.recall.value), scale=1.0)


def _missed(recall: float) -> str:
    if recall == 0:
        return "never seen"
    return (
        "mostly missed" if recall < MISSED else f"1 in {1 / (1 - recall):.0f} missed" if recall < WEAK else ""
    )


def share_bars(share: CopyShare) -> BarGroup:
    """Make bars of the copy share, raw, bounded, corrected and cross-checked, on one scale."""
    known = [one for one in (share.raw, share.corrected, share.cross_check) if one is not None]
    scale = _rounded_up(max([share.low, *(one.high for one in known)]))
    accused = f"above the held-out score that {percent(share.alpha)} of innocent samples exceed, too"
    bars = [_bar("score like copies (raw)", share.raw, accused, "", scale)]
    lowest = "chance matches taken off, as if no copy were missed; holds for any mix of copies"
    bars.append(Bar("copies, at least", percent(share.low), lowest, "", 100 * share.low / scale, None, None))
    if share.corrected is not None:
        note = f"chance matches taken off, missed copies added; assumes {share.mix}"
        bars.append(_bar("copies, best estimate", share.corrected, note, "", scale))
    if share.cross_check is not None:
        note = "Storey's estimate from the p-values alone, without planted copies"
        bars.append(_bar("cross-check", share.cross_check, note, "", scale))
    return BarGroup(f"Share of {plural(share.raw.count, 'sample')}; a full bar is {rate(scale)}", tuple(bars))


def _bar(name: str, share: Share, note: str, tag: str, scale: float) -> Bar:
    width, low, high = (
        min(100.0, max(0.0, 100 * one / scale)) for one in (share.value, share.low, share.high)
    )
    return Bar(name, share_words(share), note, tag, width, low, high)


def _rounded_up(share: float) -> float:
    """Round up to the next of 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1."""
    return next((step for step in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5) if share <= step), 1.0)
