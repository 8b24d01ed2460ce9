"""Pixels as features, without weights.

A Fréchet distance in d dimensions needs clearly more than d samples, or it measures the rank of the covariances.
So images with more than `limit` values are first reduced by area averaging, and the name states the new size.
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
    """Flatten x (n, *shape) to rows (n, d).  Raises InputError unless there are rows with at least one value each."""
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
    """Average images x (n, c, h, w) over areas to (n, c, *size).

    size: rows and columns, each between 1 and that of the images.  Raises InputError otherwise: images are never enlarged.
    """
    if x.ndim != 4 or not (1 <= size[0] <= x.shape[2] and 1 <= size[1] <= x.shape[3]):
        raise InputError(
            got=f"a tensor of shape {tuple(x.shape)} to bring to {size[0]}×{size[1]}",
            need="images (n, c, h, w) at least that large",
            remedy="choose a smaller size",
        )
    return adaptive_avg_pool2d(x, size)


def pixel_features(x: Tensor, limit: int = LIMIT) -> Tensor:
    """Return the pixels of x (n, *shape) as features (n, f).

    Images (c, h, w) are reduced by area averaging if they have more than `limit` values, so that f ≤ limit; other shapes are not reduced.
    """
    size = _size(x.shape[1:], limit)
    return flatten(x) if size is None else flatten(downsampled(x, size))


def pixel_name(shape: Sequence[int], limit: int = LIMIT) -> str:
    """Describe what `pixel_features` does to samples of that shape: `pixels 1×8×8`, `pixels 1×16×16 (area, from 1×28×28)`."""
    whole, size = "×".join(map(str, shape)), _size(shape, limit)
    return (
        f"pixels {whole}" if size is None else f"pixels {shape[0]}×{size[0]}×{size[1]} (area, from {whole})"
    )


def _size(shape: Sequence[int], limit: int) -> tuple[int, int] | None:
    """Find the largest size of the same proportions with at most `limit` values; None if no reduction is needed."""
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
    # A strip one pixel high cannot be reduced in height; then only the width is reduced.
    rows = max(1, int(height * shrink))
    return rows, max(1, min(int(width * shrink), limit // (channels * rows)))
