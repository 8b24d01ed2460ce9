"""Which pictures of a set could be read in two ways, counted while they are read, and what was done to them, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from byheart._checks import printable
from byheart.data.raw import Array
from byheart.data.reader.reading import Reading
from byheart.data.reader.source import Group

__all__ = ["Traits", "notes_of"]

_NONE = np.empty(0, np.int64)
_NAMED = 3  # names in a sentence


@dataclass
class Traits:
    """Rows of a source that another reading reads otherwise, in the order in which they were met.

    marked: those with a rotation mark.  oblong: images that are not square.  clear: those that are transparent in places.
    stacked: those that are the first of several pictures in a file.  count: images in all.  frames: pictures in the files.
    """

    marked: Array = field(default_factory=lambda: _NONE)
    oblong: Array = field(default_factory=lambda: _NONE)
    clear: Array = field(default_factory=lambda: _NONE)
    stacked: Array = field(default_factory=lambda: _NONE)
    count: int = 0
    frames: int = 0

    def meet(self, rows: Array, group: Group, clear: Array | None = None) -> None:
        """Add the pictures of a group.  rows: (b,) theirs.  clear: (b,) bool, those of an array with an alpha channel."""
        height, width = group.values.shape[-2:]
        self.count += len(rows)
        self.frames += int(group.frames.sum())
        self.stacked = np.append(self.stacked, rows[group.frames > 1])
        self.marked = np.append(self.marked, rows[group.marked])
        self.clear = np.append(self.clear, rows[group.clear if clear is None else group.clear | clear])
        if height != width:
            self.oblong = np.append(self.oblong, rows)


def notes_of(
    traits: Traits, reading: Reading, names: Sequence[str], *, squared: bool = True
) -> tuple[str, ...]:
    """Say what was done to pictures that could be read in two ways, a sentence each.

    names: of all rows.  squared: whether squares were made of images that are not square.
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
    done_to = tuple(
        f"{len(rows):,} of {traits.count:,} images {what} {how}; --{option} reads them otherwise."
        for rows, what, how, option in done
        if len(rows)
    )
    return (*done_to, *_of_stacks(traits, names), *_of_white(reading))


def _of_stacks(traits: Traits, names: Sequence[str]) -> tuple[str, ...]:
    """Say how many pictures are not read, since they follow the first one in a file."""
    if not len(traits.stacked):
        return ()
    listed = [printable(names[row]) for row in sorted(traits.stacked.tolist())[:_NAMED]]
    more = ", …" if len(traits.stacked) > _NAMED else ""
    return (
        f"Left out: {traits.frames - traits.count:,} pictures behind the first in {len(traits.stacked):,} of "
        f"{traits.count:,} files ({', '.join(listed)}{more}). Split stacks and animations into files if all of them belong to the set.",
    )


def _of_white(reading: Reading) -> tuple[str, ...]:
    return () if reading.white is None else (f"White is {reading.white:,}, as given.",)
