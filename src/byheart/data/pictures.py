"""Pictures: any image file, or the bytes of one, as numbers.

    in the file                             becomes
    ----------------------------------------------------------------------------
    1 bit, grey of 8 bits                   (1, h, w) bytes
    grey of 16 bits                         (1, h, w) 16 bits
    RGB, palette, CMYK, YCbCr, HSV          (3, h, w) bytes
    alpha, or a transparent color           laid on white
    16 bits a color                         the upper 8 of them, as Pillow reads them
    32 bits a pixel, LAB                    unreadable: their black and white are not known
    EXIF orientation                        turned the way a viewer shows it
    several frames                          the first

A file that cannot be read is no reason to stop: `Unreadable` says why, and its caller lists and counts it.
"""

from __future__ import annotations

import warnings
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from byheart._checks import printable
from byheart.data.raw import Array

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["MAX_PIXELS", "Unreadable", "picture_values", "read_picture"]

MAX_PIXELS = 40_000_000
"""A file that claims more pixels is not unpacked: a small one can hold more than the memory (a decompression bomb)."""

_GREY_MODES = {"1", "L", "LA", "La"}
_ORIENTATION = 0x0112  # the EXIF tag
_LONGEST = 200  # characters of a reason


class Unreadable(ValueError):
    """One picture that cannot be read.  Its text is the reason, safe to show on a terminal."""


def read_picture(source: Path | str | bytes) -> Array:
    """One picture as (c, h, w), 1 or 3 channels of bytes or one of 16 bits.

    source: a file, or what such a file holds.  Raises Unreadable, whatever is wrong with it.
    """
    from PIL import Image

    source = Path(source) if isinstance(source, str) else source
    if isinstance(source, Path) and not source.is_file():  # a pipe would wait for ever
        raise Unreadable("no file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's, about metadata; sizes are checked below
            with Image.open(BytesIO(source) if isinstance(source, bytes) else source) as image:
                return picture_values(image)
    except Unreadable:
        raise
    except Exception as error:  # Pillow passes on whatever a broken file provokes: struct.error, KeyError, …
        raise Unreadable(_reason(error)) from error


def picture_values(image: Image.Image) -> Array:
    """An opened picture as (c, h, w).

    Raises Unreadable for too many pixels and for 32 bits a pixel, and passes on what Pillow raises.
    """
    if image.width * image.height > MAX_PIXELS:
        raise Unreadable(f"{image.width}×{image.height} pixels, over the limit of {MAX_PIXELS:,}")
    if image.mode in {"I", "F"}:
        raise Unreadable(f"32 bits a pixel, mode {image.mode}")
    image = _upright(image)
    if image.mode.startswith("I;16"):
        return np.asarray(image).astype(np.uint16)[None]
    grey = image.mode in _GREY_MODES
    flat = _on_white(image) if image.has_transparency_data else image
    pixels = np.asarray(flat.convert("L" if grey else "RGB"))
    return pixels[None] if grey else np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _upright(image: Image.Image) -> Image.Image:
    from PIL import ImageOps

    try:
        turned = image.getexif().get(_ORIENTATION, 1) != 1
    except Exception:  # broken metadata of pixels that can be read
        return image
    return ImageOps.exif_transpose(image) if turned else image


def _on_white(image: Image.Image) -> Image.Image:
    from PIL import Image

    paper = Image.new("RGBA", image.size, "white")
    paper.alpha_composite(image.convert("RGBA"))
    return paper


def _reason(error: Exception) -> str:
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return "not an image"
    if isinstance(error, Image.DecompressionBombError):
        return f"far over the limit of {MAX_PIXELS:,} pixels"
    # An OSError's own text repeats the path.
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return printable(text)[:_LONGEST]
