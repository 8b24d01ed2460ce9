"""Pixels as features: no weights, no choices but one.

A Fréchet distance in d dimensions needs clearly more than d samples, or it measures the rank of the covariances.
So images with more than `limit` values are first shrunk by area averaging, and the name says to what.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from byheart._checks import InputError, check_shape

__all__ = ["downsampled", "flatten", "pixel_features", "pixel_name"]

LIMIT = 256


def flatten(x: Tensor) -> Tensor:
    """x (n, *shape) as rows (n, d).  Raises InputError unless there are rows with at least one value each."""
    check_shape(
        "a tensor",
        x,
        "sample",
        "(n, *shape)",
        floats=False,
        remedy="add the axis in front, one sample a row: x[None]",
    )
    return x.flatten(1)


def downsampled(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Images x (n, c, h, w) averaged over areas to (n, c, *size).

    size: rows and columns, each between 1 and the image's own.  Raises InputError otherwise: this never enlarges.
    """
    if x.ndim != 4 or not (1 <= size[0] <= x.shape[2] and 1 <= size[1] <= x.shape[3]):
        raise InputError(
            got=f"a tensor of shape {tuple(x.shape)} to bring to {size[0]}×{size[1]}",
            need="images (n, c, h, w) at least that large",
            remedy="choose a smaller size",
        )
    return adaptive_avg_pool2d(x, size)


def pixel_features(x: Tensor, limit: int = LIMIT) -> Tensor:
    """The pixels of x (n, *shape) as features (n, f).

    f ≤ limit for images (c, h, w), which are shrunk by area averaging if they hold more; any other shape stays whole.
    """
    size = _size(x.shape[1:], limit)
    return flatten(x) if size is None else flatten(downsampled(x, size))


def pixel_name(shape: Sequence[int], limit: int = LIMIT) -> str:
    """What `pixel_features` does to samples of that shape: `pixels 1×8×8`, `pixels 1×16×16 (area, from 1×28×28)`."""
    whole, size = "×".join(map(str, shape)), _size(shape, limit)
    return (
        f"pixels {whole}" if size is None else f"pixels {shape[0]}×{size[0]}×{size[1]} (area, from {whole})"
    )


def _size(shape: Sequence[int], limit: int) -> tuple[int, int] | None:
    """The largest size of the same proportions with at most `limit` values, or None where nothing need shrink."""
    if len(shape) != 3 or math.prod(shape) <= limit:
        return None
    channels, height, width = shape
    if limit < channels:
        raise InputError(
            got=f"a limit of {limit} features for images of {channels} channels",
            need="one value a channel at least",
            remedy=f"set the limit to {channels} or more",
        )
    shrink = math.sqrt(limit / math.prod(shape))
    # A strip one pixel high has no room to shrink on that side; the other side then takes all of it.
    rows = max(1, int(height * shrink))
    return rows, max(1, min(int(width * shrink), limit // (channels * rows)))
