"""Square images: cutting or squashing, resizing, grey and RGB, and what is transparent on white.

Resizing is by area: every new pixel is the mean over the area that it covers, of the centered square that is cut out before,
or of the whole image, whose sides then shrink or grow by different factors (see `reader.reading`).  Grey
is 0.299 R + 0.587 G + 0.114 B.  Both are integer arithmetic for integer images: the same values on every machine.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from byheart._checks import InputError
from byheart.data.raw import Array, Raw
from byheart.data.reader.reading import USUAL, Fit, Reading, Transparency

__all__ = [
    "area_resized",
    "check_square",
    "cut_square",
    "fitted",
    "made_ready",
    "opaque",
    "recolored",
    "squared",
]

CHUNK = 2**22  # pixels in float64 at a time


def fitted(raw: Raw, size: int | None, channels: int | None, reading: Reading = USUAL) -> Raw:
    """Make squares of image arrays, resized and recolored as asked.

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
    values = made_ready(values, raw.peak, size, channels, reading)
    check_square(values)
    return replace(raw, values=values)


def made_ready(
    images: Array, white: float, size: int | None, channels: int | None, reading: Reading = USUAL
) -> Array:
    """Bring images (…, c, h, w) to 1 or 3 channels, and to squares (…, c, size, size); None leaves either as it is.

    white: the value of white, for what is transparent.  reading: what becomes of that, and of images that are not square.
    """
    if channels is not None:
        images = opaque(images, white, reading.transparency)
    if size is not None:
        images = area_resized(images if reading.fit == "squash" else cut_square(images), size)
    return images if channels is None else recolored(images, channels)


def cut_square(images: Array) -> Array:
    """The centered square of images (…, h, w)."""
    height, width = images.shape[-2:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return images[..., top : top + side, left : left + side]


def squared(images: Array, fit: Fit) -> Array:
    """Make squares of images (…, h, w): the centered one, or the whole image with its longer side reduced to the shorter."""
    height, width = images.shape[-2:]
    if fit == "cut" or height == width:
        return cut_square(images)
    return area_resized(images, min(height, width))


def area_resized(images: Array, size: int) -> Array:
    """Resize images (…, h, w) to (…, size, size), each pixel the mean over the area that it covers."""
    height, width = images.shape[-2:]
    if height == width == size:
        return images
    rows, columns = _overlaps(height, size), _overlaps(width, size)
    stack = images.reshape(-1, height, width)
    step = max(1, CHUNK // max(height, width, size) ** 2)
    parts = [rows @ stack[at : at + step] @ columns.T for at in range(0, len(stack), step)]
    return np.concatenate([_rounded(part / (height * width), images.dtype) for part in parts]).reshape(
        *images.shape[:-2], size, size
    )


def _overlaps(side: int, size: int) -> Array:
    """Measure how far each of `size` new pixels and each of `side` old ones overlap, (size, side), in units of 1/(side · size).

    The overlaps are integers, hence exact sums in float64.
    """
    low, high = np.arange(size)[:, None] * side, np.arange(side) * size
    overlap = np.minimum(low + side, high + size) - np.maximum(low, high)
    return overlap.clip(min=0).astype(np.float64)


def opaque(images: Array, white: float, transparency: Transparency = "white") -> Array:
    """Lay images (…, c, h, w) with 0 as black on white or black, or show their hidden colors.

    The last of 2 or 4 channels is alpha; others have none.
    """
    if images.shape[-3] not in (2, 4):
        return images
    if transparency == "hidden":
        return images[..., :-1, :, :]
    alpha, paper = images[..., -1:, :, :] / white, white if transparency == "white" else 0
    return _rounded(images[..., :-1, :, :] * alpha + paper * (1 - alpha), images.dtype)


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


def check_square(images: Array) -> None:
    """Raise InputError unless images (…, h, w) are as high as wide."""
    height, width = images.shape[-2:]
    if height != width:
        raise InputError(
            got=f"images of {width}×{height} pixels",
            need="squares",
            remedy=f"give a size, for example --size {min(32, height, width)}: it takes the middle, or all of it with --fit squash, and resizes it",
        )
