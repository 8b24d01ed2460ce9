"""Blank images on the pages: how many of a set, and their names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from byheart.report.words import counted

if TYPE_CHECKING:
    from byheart.auditing.record import Inputs, InputSet

__all__ = ["BlankView", "blank_view", "blank_views"]


@dataclass(frozen=True)
class BlankView:
    """The blank images of a set: what the set is called, how many of it are blank, and rows of their names."""

    role: str
    count: str
    names: tuple[tuple[str], ...]


def blank_view(role: str, source: InputSet) -> BlankView | None:
    """Make the view of a set's blank images; None where the set has none."""
    if not source.blank:
        return None
    return BlankView(role, counted(source.blank, source.count), tuple((name,) for name in source.blank_names))


def blank_views(inputs: Inputs) -> list[BlankView]:
    """Make the views of those sets of an audit that have blank images."""
    named = (
        ("samples", inputs.samples),
        ("training images", inputs.train),
        ("held-out images", inputs.heldout),
    )
    views = (blank_view(role, source) for role, source in named if source is not None)
    return [view for view in views if view is not None]
