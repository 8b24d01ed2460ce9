"""Square images: reading folders of them, cutting, resizing, grey and RGB.

Resizing is by area: the centered square is cut out, then every new pixel is the mean over the area that it covers.  Grey
is 0.299 R + 0.587 G + 0.114 B.  Both are integer arithmetic for integer images: the same values on every machine.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from byheart._checks import InputError
from byheart.data.raw import Array, Raw

if TYPE_CHECKING:
    from PIL import Image

__all__ = [
    "SUFFIXES",
    "area_resized",
    "cut_square",
    "fitted",
    "image_files",
    "read_each",
    "read_folder",
    "recolored",
]

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"}
GREY_MODES = {"1", "L", "LA", "La"}
CHUNK = 2**22  # pixels in float64 at a time


def read_folder(path: Path | str, size: int | None = None, channels: int | None = None) -> Raw:
    """All images below a folder, in natural order of their paths (2.png before 10.png).

    size: side after resizing; None: all images must be squares of one size.  channels: 1 or 3; None: all images must
    agree.  8 bits, or 16 bits grey; transparent pixels become white.
    Raises InputError for a folder without images, files that cannot be read, and images that do not fit together.
    """
    files = image_files(path)

    def read(file: Path) -> Array:
        image = _read_image(file)
        image = image if size is None else area_resized(cut_square(image), size)
        return image if channels is None else recolored(image, channels)

    images = read_each(files, read)
    _check_alike(files, images, "channels", [len(image) for image in images], "--channels 1 or --channels 3")
    _check_alike(
        files, images, "size", [image.shape[1:] for image in images], "--size, which cuts and resizes them"
    )
    deep = any(image.dtype == np.uint16 for image in images)
    if deep:  # 255 · 257 = 65535: bytes among 16-bit images keep their value exactly
        images = [image if image.dtype == np.uint16 else image.astype(np.uint16) * 257 for image in images]
    values = np.stack(images)
    _check_square(values)
    return Raw(values, peak=65535 if deep else 255)


def image_files(path: Path | str) -> list[Path]:
    """Files below a folder whose name ends like an image's, in natural order; names that begin with a dot are left out.

    Raises InputError for a path that is no folder, and for a folder without images.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise InputError(
            got=f"{folder}, which is no folder", need="a folder of images", remedy="check the path"
        )
    files = []
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        files += [Path(root, name) for name in names if not name.startswith(".")]
    files = [file for file in files if file.suffix.lower() in SUFFIXES]
    if not files:
        raise InputError(
            got=f"{folder}, which holds no images",
            need="files that end in " + ", ".join(sorted(SUFFIXES)),
            remedy="check the path, or convert the images",
        )
    return sorted(files, key=lambda file: _natural(file.relative_to(folder)))


def read_each(files: Sequence[Path], read: Callable[[Path], Array]) -> list[Array]:
    """read(file) of every file.  Raises InputError that lists every file that cannot be read: none is skipped."""
    from PIL import Image

    images, refused = [], []
    for file in files:
        try:
            images.append(read(file))
        except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
            refused.append(f"{file} ({_reason(error)})")
    if refused:
        more = f" and {len(refused) - 5} more" if len(refused) > 5 else ""
        raise InputError(
            got=f"{len(refused)} of {len(files)} files that cannot be read: {', '.join(refused[:5])}{more}",
            need="whole images of 8 bits, or 16 bits grey",
            remedy="repair or remove these files",
        )
    return images


def fitted(raw: Raw, size: int | None, channels: int | None) -> Raw:
    """Image arrays cut to squares, resized and recolored as asked.

    Raises InputError for features with such a wish, and for images that are not square where no size is given.
    """
    values = raw.values
    if values.ndim == 2:
        if size is not None or channels is not None:
            raise InputError(
                got=f"size or channels for features of shape {values.shape}",
                need="images, (n, h, w), (n, c, h, w) or (n, h, w, c)",
                remedy="leave size and channels out",
            )
        return raw
    if size is not None:
        values = area_resized(cut_square(values), size)
    _check_square(values)
    if channels is not None:
        values = recolored(values, channels)
    return Raw(values, raw.peak, raw.labels)


def cut_square(images: Array) -> Array:
    """The centered square of images (…, h, w)."""
    height, width = images.shape[-2:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return images[..., top : top + side, left : left + side]


def area_resized(images: Array, size: int) -> Array:
    """Square images (…, h, h) as (…, size, size), each pixel the mean over the area that it covers."""
    side = images.shape[-1]
    if side == size:
        return images
    # Overlaps of the new pixels with the old ones in units of 1/(side · size): integers, hence exact sums in float64.
    low, high = np.arange(size)[:, None] * side, np.arange(side) * size
    overlap = np.minimum(low + side, high + size) - np.maximum(low, high)
    weights = overlap.clip(min=0).astype(np.float64)
    stack = images.reshape(-1, side, side)
    step = max(1, CHUNK // max(side, size) ** 2)
    parts = [weights @ stack[at : at + step] @ weights.T for at in range(0, len(stack), step)]
    return np.concatenate([_rounded(part / side**2, images.dtype) for part in parts]).reshape(
        *images.shape[:-2], size, size
    )


def recolored(images: Array, channels: int) -> Array:
    """Images (…, c, h, w) with 1 or 3 channels: RGB to grey by luminance, grey to RGB by repetition."""
    if images.shape[-3] == channels:
        return images
    if channels == 3:
        return np.repeat(images, 3, axis=-3)
    red, green, blue = (images[..., channel, :, :].astype(np.float64) for channel in range(3))
    grey = (299 * red + 587 * green + 114 * blue) / 1000
    return _rounded(grey, images.dtype)[..., None, :, :]


def _rounded(values: Array, dtype: np.dtype[Any]) -> Array:
    """Values in the dtype they came from, integers to the nearest, halves up."""
    return (np.floor(values + 0.5) if dtype.kind in "ui" else values).astype(dtype)


def _read_image(file: Path) -> Array:
    """One image as (c, h, w), bytes or 16 bits."""
    from PIL import Image

    with Image.open(file) as image:
        if image.mode.startswith("I;16"):
            return np.asarray(image).astype(np.uint16)[None]
        if image.mode in {"I", "F"}:
            raise ValueError(f"32 bits a pixel, mode {image.mode}")
        grey = image.mode in GREY_MODES
        flat = _on_white(image) if image.has_transparency_data else image
        pixels = np.asarray(flat.convert("L" if grey else "RGB"))
    return pixels[None] if grey else np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _on_white(image: Image.Image) -> Image.Image:
    from PIL import Image

    paper = Image.new("RGBA", image.size, "white")
    paper.alpha_composite(image.convert("RGBA"))
    return paper


def _natural(path: Path) -> tuple[list[str | int], str]:
    """Sort key that reads runs of digits as numbers: splitting alternates text and digits, so they never meet."""
    pieces = re.split(r"([0-9]+)", path.as_posix())
    return [int(piece) if place % 2 else piece for place, piece in enumerate(pieces)], path.as_posix()


def _reason(error: Exception) -> str:
    from PIL import UnidentifiedImageError

    return "not an image" if isinstance(error, UnidentifiedImageError) else str(error) or type(error).__name__


def _check_alike(
    files: Sequence[Path], images: list[Array], what: str, values: Sequence[object], flag: str
) -> None:
    other = next((at for at, value in enumerate(values) if value != values[0]), None)
    if other is not None:
        raise InputError(
            got=f"images that differ in {what}: {files[0]} {_seen(images[0])}, {files[other]} {_seen(images[other])}",
            need=f"one {what} for all",
            remedy=f"give {flag}",
        )


def _check_square(images: Array) -> None:
    height, width = images.shape[-2:]
    if height != width:
        raise InputError(
            got=f"images of {width}×{height} pixels",
            need="squares",
            remedy=f"give a size, for example --size {min(32, height, width)}: it cuts out the middle and resizes it",
        )


def _seen(image: Array) -> str:
    channels, height, width = image.shape
    return f"({'grey' if channels == 1 else 'RGB'}, {width}×{height})"
