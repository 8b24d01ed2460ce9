"""Clip art from Debian's openclipart-png, used because it has many near-duplicates.

Every drawing is laid on white, its longest side reduced to 32 pixels (LANCZOS; BOX if it is longer than 2,000, for speed), and
put in the middle of a white square: (3, 32, 32) bytes.  Files of more than 4·10⁷ pixels are left out.
"""

from __future__ import annotations

import warnings
from functools import cache
from pathlib import Path

import numpy as np

from byheart._checks import InputError, printable
from byheart.data.raw import Array, Raw

__all__ = ["PLACE", "REMEDY", "read_clipart"]

PLACE = Path("/usr/share/openclipart/png")
REMEDY = "sudo apt-get install openclipart-png"

SIDE = 32
_LARGE = 2000  # pixels per side above which BOX is good enough: the side shrinks more than 60 times
_HUGE = 40_000_000  # pixels


@cache
def read_clipart(place: Path = PLACE) -> Raw:
    """Read all drawings in the order of their paths, (n, 3, 32, 32) bytes; 8,100 files take about a minute and a half.

    Raises InputError if the folder is missing or holds no PNG file that can be read.
    """
    files = sorted(place.rglob("*.png"))
    found = [image for file in files if (image := _read(file)) is not None]
    if not found:
        raise InputError(got=f"no clip art in {printable(str(place))}", need="its PNG files", remedy=REMEDY)
    return Raw(np.stack(found), 255, notes=_notes(len(files), len(found)))


def _notes(there: int, read: int) -> tuple[str, ...]:
    if there == read:
        return ()
    return (f"Left out, since they are damaged or too large: {there - read:,} of {there:,} files.",)


def _read(file: Path) -> Array | None:
    """Read one drawing (3, 32, 32); None if it is too large or damaged, as some files of the package are."""
    from PIL import Image

    refused = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", Image.DecompressionBombWarning
            )  # drawings that are too large are left out below
            with Image.open(file) as image:
                width, height = image.size
                if width * height > _HUGE:
                    return None
                drawn = image.convert("RGBA")
    except refused:
        return None
    paper = Image.new("RGBA", drawn.size, "white")
    paper.alpha_composite(drawn)
    small = paper.convert("RGB")
    small.thumbnail(
        (SIDE, SIDE), Image.Resampling.BOX if max(width, height) > _LARGE else Image.Resampling.LANCZOS
    )
    square = Image.new("RGB", (SIDE, SIDE), "white")
    square.paste(small, ((SIDE - small.width) // 2, (SIDE - small.height) // 2))
    return np.ascontiguousarray(np.asarray(square).transpose(2, 0, 1))
