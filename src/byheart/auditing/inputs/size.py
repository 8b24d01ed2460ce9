"""The working size: every image becomes 32×32, by one rule that depends on its own size only.

    size of the image                            what is done
    ---------------------------------------------------------------------------------------------------------
    both sides from 24 to 32, not squashed       centered in 32×32, the border repeated (or zeros)
    else the centered square, or the whole image squashed to a square (see `reader.reading`), of side s:
        s > 32                                   every new pixel is the mean over the area that it covers
        24 ≤ s ≤ 32                              as above
        s = 8                                    bicubic to 28, then centered as above
        8 < s < 24                               bicubic to 32
        s < 8                                    refused

The constants of the copy test were measured at this size.  An image and a copy of it at half the size agree after it;
an image that is padded and a copy that is resized do not, which `framing` tells.  Bicubic is Pillow's (a = −1/2).
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from byheart._checks import InputError
from byheart.data.images import area_resized, squared
from byheart.data.raw import Array
from byheart.data.reader.reading import Fit
from byheart.metrics.copying.spaces import SIDE

__all__ = ["SMALLEST", "Pad", "framing", "preparation", "resized", "working_size"]

Pad = Literal["edge", "zero"]
SMALLEST = 8
_PADDED = 24  # sides from here on are padded, not resized
_TINY = 28  # to which 8×8 is enlarged: the digits beside Fashion-MNIST's size


def working_size(images: Tensor, pad: Pad = "edge") -> Tensor:
    """Bring images (n, c, h, w) in [0, 1] to (n, c, 32, 32) float32, by the rule of this module.

    pad: what is around images of 24 to 31 pixels: their border repeated ("edge"), or black ("zero").
    Raises InputError for images below 8 pixels, another shape, or another pad.
    """
    if images.ndim != 4 or min(images.shape[2:]) < SMALLEST:
        raise InputError(
            got=f"images of shape {tuple(images.shape)}",
            need=f"(n, c, h, w) with sides of at least {SMALLEST}",
            remedy="add the missing dimensions, or enlarge the images",
        )
    values = resized(images.detach().cpu().double().numpy(), pad)
    return torch.from_numpy(values.clip(0, 1).astype(np.float32))


def resized(values: Array, pad: Pad, fit: Fit = "cut") -> Array:
    """Resize images (n, c, h, w) float64 to (n, c, 32, 32); black is 0.  Bicubic values may exceed the range."""
    check_pad(pad)
    if not _padded(values.shape[2], values.shape[3], fit):
        if fit == "squash" and min(values.shape[2:]) > SIDE:
            return area_resized(values, SIDE)  # both sides at once: less blur than one after the other
        values = squared(values, fit)
        side = values.shape[2]
        if side > SIDE:
            return area_resized(values, SIDE)
        if side < _PADDED:
            weights = _bicubic(side, _TINY if side == SMALLEST else SIDE)
            values = weights @ values @ weights.T
    free_rows, free_columns = (SIDE - side for side in values.shape[2:])
    if not free_rows and not free_columns:
        return values
    frame = [(0, 0), (0, 0), *((free // 2, free - free // 2) for free in (free_rows, free_columns))]
    return np.pad(values, frame, mode="edge" if pad == "edge" else "constant")


def preparation(height: int, width: int, pad: Pad, fit: Fit = "cut") -> str:
    """Say what is done to an image of that size."""
    border = "by repeating its border" if pad == "edge" else "with black"
    square = (
        "" if height == width else "its centered square " if fit == "cut" else "squashed to a square and "
    )
    side = min(height, width)
    if height == width == SIDE:
        return "taken as it is"
    if _padded(height, width, fit):
        return f"padded to {SIDE}×{SIDE} {border}"
    if side > SIDE:
        return f"{square}reduced to {SIDE}×{SIDE} by area"
    if side == SMALLEST:
        return f"{square}enlarged to {_TINY}×{_TINY} (bicubic) and padded to {SIDE}×{SIDE} {border}"
    if side < _PADDED:
        return f"{square}enlarged to {SIDE}×{SIDE} (bicubic)"
    return f"{square}padded to {SIDE}×{SIDE} {border}" if side < SIDE else f"{square}taken as it is"


def framing(height: int, width: int, fit: Fit = "cut") -> float:
    """Compute the width of the image inside the 32 working pixels, as a share: 1 unless the image is padded."""
    if _padded(height, width, fit):
        return width / SIDE
    side = min(height, width)
    if side == SMALLEST:
        return _TINY / SIDE
    return side / SIDE if _PADDED <= side < SIDE else 1.0


def check_pad(pad: str) -> None:
    """Raise InputError unless pad is "edge" or "zero"."""
    if pad not in get_args(Pad):
        raise InputError(
            got=f"pad {pad!r}",
            need="'edge' or 'zero'",
            remedy="leave it out: the border is repeated",
        )


def _padded(height: int, width: int, fit: Fit) -> bool:
    if fit == "squash" and height != width:
        return False
    return min(height, width) >= _PADDED and max(height, width) <= SIDE


def _bicubic(side: int, larger: int) -> Array:
    """Compute (larger, side) weights of the bicubic enlargement with a = −1/2, normalized at the border, as in Pillow."""
    centers = (np.arange(larger)[:, None] + 0.5) * side / larger
    x = np.abs(np.arange(side) + 0.5 - centers)
    near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    weights = np.where(x < 1, near, np.where(x < 2, far, 0.0))
    normalized: Array = weights / weights.sum(1, keepdims=True)
    return normalized
