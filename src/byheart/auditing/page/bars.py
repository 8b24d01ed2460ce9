"""Shares as bars with their intervals: the detection table and the share of copies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from byheart.auditing.page.words import PLANTED, share_words
from byheart.report.words import SPACE, percent, plural, rate

if TYPE_CHECKING:
    from byheart.auditing.record import CopyShare, Planted, Share

__all__ = ["Bar", "BarGroup", "card_groups", "share_bars"]

MISSED, WEAK = 0.5, 0.9  # recalls below which the table says so
FOUND = 0.99  # share of right images among the candidates, below which the search itself loses copies


@dataclass(frozen=True)
class Bar:
    """A bar.  width, low, high: per cent of the track; low and high None without an interval.  note: smaller, after the value."""

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
    """Group the detection table: the main kinds, which the share of copies assumes, other whole copies, mixtures, parts."""
    groups = (
        (
            "Main kinds of copies (the best estimate of the share assumes that they are equally frequent)",
            [row for row in card if row.main],
        ),
        ("Other copies of a whole image", [row for row in card if not row.main and row.channel == "whole"]),
        ("Mixtures of two training images", [row for row in card if not row.main and row.channel == "blend"]),
        ("Parts of training images", [row for row in card if not row.main and row.channel == "local"]),
    )
    return [BarGroup(name, tuple(map(_planted, rows))) for name, rows in groups if rows]


def _planted(row: Planted) -> Bar:
    parts = [] if row.recall is None else [f"of {row.recall.count:,}"]
    if row.matched is not None:
        parts.append(f"right match {percent(row.matched)}")
    if row.shortlisted is not None and row.shortlisted < FOUND:
        parts.append(f"among the candidates {percent(row.shortlisted)}")
    name, note = PLANTED.get(row.name, row.name), ", ".join(parts)
    if row.recall is None:
        return Bar(name, share_words(None), note, "", 0.0, None, None)
    return _bar(name, row.recall, note, _missed(row.recall.value), scale=1.0)


def _missed(recall: float) -> str:
    if recall == 0:
        return "all missed"
    return (
        "mostly missed" if recall < MISSED else f"1 in {1 / (1 - recall):.0f} missed" if recall < WEAK else ""
    )


def share_bars(share: CopyShare) -> BarGroup:
    """Make bars of the share of copies, raw, bounded, corrected and cross-checked, on one scale."""
    known = [one for one in (share.raw, share.corrected, share.cross_check) if one is not None]
    scale = _rounded_up(max([share.low, *(one.high for one in known)]))
    raw = f"uncorrected; {percent(share.alpha)} of samples that copy nothing would be counted by chance"
    bars = [_bar("high scores", share.raw, raw, "", scale)]
    lowest = f"97.5{SPACE}% confidence; chance matches subtracted, missed copies not added; holds for every mix of kinds"
    bars.append(Bar("copies, at least", percent(share.low), lowest, "", 100 * share.low / scale, None, None))
    if share.corrected is not None:
        note = f"chance matches subtracted, missed copies added; assumption: {share.mix}"
        bars.append(_bar("copies, best estimate", share.corrected, note, "", scale))
    if share.cross_check is not None and share.cross_check.high > 0:
        note = "from the p-values alone (Storey), without test copies; shares of a few per cent do not show"
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
