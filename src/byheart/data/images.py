"""Square images: cutting, resizing, grey and RGB, and what is transparent on white.

Resizing is by area: the centered square is cut out, then every new pixel is the mean over the area that it covers.  Grey
is 0.299 R + 0.587 G + 0.114 B.  Both are integer arithmetic for integer images: the same values on every machine.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from byheart._checks import InputError
from byheart.data.raw import Array, Raw

__all__ = ["area_resized", "check_square", "cut_square", "fitted", "made_ready", "opaque", "recolored"]

CHUNK = 2**22  # pixels in float64 at a time


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
    values = made_ready(values, raw.peak, size, channels)
    check_square(values)
    return replace(raw, values=values)


def made_ready(images: Array, white: float, size: int | None, channels: int | None) -> Array:
    """Images (…, c, h, w) in 1 or 3 channels and cut and resized to (…, c, size, size); None leaves either as it is.

    white: the value of white, for what is transparent.
    """
    if channels is not None:
        images = opaque(images, white)
    if size is not None:
        images = area_resized(cut_square(images), size)
    return images if channels is None else recolored(images, channels)


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


def opaque(images: Array, white: float) -> Array:
    """Images (…, c, h, w) with 0 as black, laid on white: the last of 2 or 4 channels is alpha; others have none."""
    if images.shape[-3] not in (2, 4):
        return images
    alpha = images[..., -1:, :, :] / white
    return _rounded(images[..., :-1, :, :] * alpha + white * (1 - alpha), images.dtype)


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
            remedy=f"give a size, for example --size {min(32, height, width)}: it cuts out the middle and resizes it",
        )
