"""Glyphs: Chinese characters U+4E00 … U+9FA5 drawn white on black, as an exact number of distinct images.

Characters that a font draws equally, or does not have, are left out: Noto Sans CJK gives 20,899 distinct images at 32×32.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from byheart._checks import InputError, printable
from byheart.data.raw import Raw

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["COUNT", "REMEDY", "SIZE", "find_font", "read_glyphs"]

CHARACTERS = range(0x4E00, 0x9FA6)
UNASSIGNED = 0xFFFF  # drawn as the box for characters that a font lacks
FONTS = Path("/usr/share/fonts")
SIZE = 32
COUNT = 20_899  # distinct images of Noto Sans CJK at 32×32
REMEDY = "sudo apt-get install fonts-noto-cjk, or give a font's path"


def find_font(folder: Path = FONTS) -> Path | None:
    """Find Noto Sans CJK Regular below a folder; None if it is not installed."""
    return next(iter(sorted(folder.rglob("NotoSansCJK*-Regular.[to]t[cf]"))), None)


def read_glyphs(path: Path | str | None = None, size: int | None = None, count: int | None = None) -> Raw:
    """Draw the first `count` distinct characters (None: all), (count, 1, size, size) bytes; size 32 unless given.

    path: a font file; None finds Noto Sans CJK.  Labels are code points.
    Raises InputError for a font that is missing or unreadable, and for more characters than the font has.
    """
    font = find_font() if path is None else Path(path)
    if font is None or not font.is_file():
        raise InputError(
            got="no Noto CJK font here" if font is None else f"{printable(str(font))}, which is no file",
            need="a font with Chinese characters",
            remedy=REMEDY,
        )
    drawn = dict(islice(_distinct(font, SIZE if size is None else size), count))
    if len(drawn) < (count or 2):
        raise InputError(
            got=f"{count or 'all'} characters of {printable(font.name)}, which draws {len(drawn)} distinct ones",
            need="at most that many, and at least 2",
            remedy="lower the count, or raise the size",
        )
    side = SIZE if size is None else size
    values = np.frombuffer(b"".join(drawn.values()), np.uint8).reshape(-1, 1, side, side)
    return Raw(values, peak=255, labels=np.array(list(drawn)))


def _distinct(font: Path, size: int) -> Iterator[tuple[int, bytes]]:
    """Yield (code point, pixels) of the characters whose pixels differ from those of all earlier characters."""
    from PIL import Image, ImageDraw, ImageFont

    try:  # 28 points of 32 pixels, so that no stroke is cut; the basic layout does not depend on other software
        face = ImageFont.truetype(font, size * 7 / 8, layout_engine=ImageFont.Layout.BASIC)
    except OSError as error:
        raise InputError(
            got=f"{printable(str(font))}, which is no font ({printable(str(error))})",
            need="a font file",
            remedy=REMEDY,
        ) from error

    def draw(character: int) -> bytes:
        image = Image.new("L", (size, size))
        ImageDraw.Draw(image).text((size / 2, size / 2), chr(character), fill=255, font=face, anchor="mm")
        return image.tobytes()

    seen = {draw(UNASSIGNED), bytes(size * size)}
    for character in CHARACTERS:
        pixels = draw(character)
        if pixels not in seen:
            seen.add(pixels)
            yield character, pixels
