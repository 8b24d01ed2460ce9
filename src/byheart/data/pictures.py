"""Pictures: any image file, or the bytes of one, as numbers.

    in the file                             becomes
    ----------------------------------------------------------------------------
    1 bit, grey of 8 bits                   (1, h, w) bytes
    grey of 16 bits                         (1, h, w) 16 bits
    RGB, palette, CMYK, YCbCr, HSV          (3, h, w) bytes
    alpha, or a transparent color           laid on white, or as the reading says
    16 bits a color                         the upper 8 of them, as Pillow reads them
    32 bits a pixel, LAB                    unreadable: their black and white are not known
    EXIF orientation                        turned the way a viewer shows it, or left as the reading says
    several frames                          the first, and their number is told

A file that cannot be read is no reason to stop: `Unreadable` says why, and its caller lists and counts it.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from byheart._checks import printable
from byheart.data.raw import Array
from byheart.data.reader.reading import USUAL, Reading, Transparency

if TYPE_CHECKING:
    from PIL import Image

__all__ = [
    "MAX_PIXELS",
    "Picture",
    "Unreadable",
    "as_picture",
    "open_picture",
    "picture_values",
    "read_picture",
    "values_of",
]

MAX_PIXELS = 40_000_000
"""A file that claims more pixels is not unpacked: a small one can hold more than the memory (a decompression bomb)."""

_GREY_MODES = {"1", "L", "LA", "La"}
_ORIENTATION = 0x0112  # the EXIF tag
_STACKS = {"TIFF", "GIF", "WEBP", "PNG", "AVIF"}  # formats of Pillow whose files may hold several pictures
_TURNS = range(2, 9)  # its values that turn or mirror; 1 does nothing, and others mean nothing
_LONGEST = 200  # characters of a reason


class Unreadable(ValueError):
    """One picture that cannot be read.  Its text is the reason, safe to show on a terminal."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture that was read, and whether it could have been read otherwise.

    values: (c, h, w).  marked: it carries a rotation mark, which some loaders ignore.  clear: some pixel is transparent.
    frames: how many pictures the file holds, of which this is the first.
    """

    values: Array
    marked: bool = False
    clear: bool = False
    frames: int = 1


def read_picture(source: Path | str | bytes) -> Array:
    """Read one picture by the default reading as (c, h, w); see `open_picture`."""
    return open_picture(source, USUAL).values


def picture_values(image: Image.Image) -> Array:
    """Read an opened picture by the default reading as (c, h, w); see `as_picture`."""
    return as_picture(image, USUAL).values


def open_picture(source: Path | str | bytes, reading: Reading) -> Picture:
    """Read one picture: 1 or 3 channels of bytes, or one of 16 bits.

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
                return as_picture(image, reading)
    except Unreadable:
        raise
    except Exception as error:  # Pillow passes on whatever a broken file provokes: struct.error, KeyError, …
        raise Unreadable(_reason(error)) from error


def as_picture(image: Image.Image, reading: Reading) -> Picture:
    """Read an opened picture, and count those behind it.

    Raises Unreadable for too many pixels and for 32 bits a pixel, and passes on what Pillow raises.
    """
    picture = _alone(image, reading)
    return replace(picture, frames=_frames(image))  # counted last: Pillow forgets the pixels while it counts


def _alone(image: Image.Image, reading: Reading) -> Picture:
    if image.width * image.height > MAX_PIXELS:
        raise Unreadable(f"{image.width}×{image.height} pixels, over the limit of {MAX_PIXELS:,}")
    if image.mode in {"I", "F"}:
        raise Unreadable(f"32 bits a pixel, mode {image.mode}")
    image.load()  # TIFF files are turned here, and lose their mark
    marked = _is_marked(image)
    image = _upright(image) if marked and reading.orientation == "shown" else image
    if image.mode.startswith("I;16"):
        return Picture(np.asarray(image).astype(np.uint16)[None], marked)
    grey, clear = image.mode in _GREY_MODES, False
    if image.has_transparency_data:
        image, clear = _opaque(image.convert("RGBA"), reading.transparency)
    pixels = np.asarray(image.convert("L" if grey else "RGB"))
    return Picture(pixels[None] if grey else np.ascontiguousarray(pixels.transpose(2, 0, 1)), marked, clear)


def values_of(item: Array | Picture) -> Array:
    """Return the numbers of an item, (c, h, w) of a picture."""
    return item.values if isinstance(item, Picture) else item


def _is_marked(image: Image.Image) -> bool:
    try:
        return image.getexif().get(_ORIENTATION, 1) in _TURNS
    except Exception:  # broken metadata of pixels that can be read
        return False


def _frames(image: Image.Image) -> int:
    """Count the pictures of a stack or an animation; what cameras put behind a photograph, as in MPO files, is none."""
    if image.format not in _STACKS or image.tell() > 0:  # who has walked on in a stack has chosen a picture
        return 1
    try:
        return int(getattr(image, "n_frames", 1))
    except Exception:  # a broken end of a file whose first picture can be read
        return 1


def _upright(image: Image.Image) -> Image.Image:
    from PIL import ImageOps

    return ImageOps.exif_transpose(image)


def _opaque(image: Image.Image, transparency: Transparency) -> tuple[Image.Image, bool]:
    """Lay a picture in mode RGBA on its paper, and say whether any pixel was transparent: in many files none is."""
    from PIL import Image

    lowest, _ = image.getchannel("A").getextrema()
    if transparency == "hidden" or lowest == 255:
        return image, lowest != 255
    paper = Image.new("RGBA", image.size, transparency)
    paper.alpha_composite(image)
    return paper, True


def _reason(error: Exception) -> str:
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return "not an image"
    if isinstance(error, Image.DecompressionBombError):
        return f"far over the limit of {MAX_PIXELS:,} pixels"
    # An OSError's own text repeats the path.
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return printable(text)[:_LONGEST]
