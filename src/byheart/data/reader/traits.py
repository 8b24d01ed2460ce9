"""Which pictures of a set could be read in two ways, counted while they are read, and what was done to them, in words."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from byheart.data.raw import Array
from byheart.data.reader.reading import Reading
from byheart.data.reader.source import Group

__all__ = ["Traits", "notes_of"]

_NONE = np.empty(0, np.int64)


@dataclass
class Traits:
    """Rows of a source that another reading reads otherwise, in the order in which they were met.

    marked: those with a rotation mark.  oblong: images that are not square.  clear: those that are transparent in places.
    count: images in all.
    """

    marked: Array = field(default_factory=lambda: _NONE)
    oblong: Array = field(default_factory=lambda: _NONE)
    clear: Array = field(default_factory=lambda: _NONE)
    count: int = 0

    def meet(self, rows: Array, group: Group, clear: Array | None = None) -> None:
        """Add the pictures of a group.  rows: (b,) theirs.  clear: (b,) bool, those of an array with an alpha channel."""
        height, width = group.values.shape[-2:]
        self.count += len(rows)
        self.marked = np.append(self.marked, rows[group.marked])
        self.clear = np.append(self.clear, rows[group.clear if clear is None else group.clear | clear])
        if height != width:
            self.oblong = np.append(self.oblong, rows)


def notes_of(traits: Traits, reading: Reading, *, squared: bool = True) -> tuple[str, ...]:
    """Say what was done to pictures that could be read in two ways, a sentence each.

    squared: whether squares were made of images that are not square.
    """
    turned = {"shown": "were turned as a viewer shows them", "stored": "were left as they are stored"}
    fitted = {
        "cut": "were cut to their centered square",
        "squash": "were squashed to squares, the longer side reduced to the shorter",
    }
    papers = {
        "white": "were laid on white",
        "black": "were laid on black",
        "hidden": "were read without their transparency, in the colors that it hides",
    }
    done = [
        (traits.marked, "carry a rotation mark and", turned[reading.orientation], "orientation"),
        (traits.oblong if squared else _NONE, "are not square and", fitted[reading.fit], "fit"),
        (traits.clear, "are transparent in places and", papers[reading.transparency], "transparency"),
    ]
    return tuple(
        f"{len(rows):,} of {traits.count:,} images {what} {how}; --{option} reads them otherwise."
        for rows, what, how, option in done
        if len(rows)
    ) + _of_white(reading)


def _of_white(reading: Reading) -> tuple[str, ...]:
    return () if reading.white is None else (f"White is {reading.white:,}, as given.",)
