"""Box filters: sums over square windows, as two products with matrices of zeros and ones.

The sums have no negative term, so nothing cancels, even in float32.  The cost of the sums, h + w multiplications per pixel, does
not depend on the window.  (For images of up to 64 pixels the products are as fast as cumulative sums, which do cancel.)

    centered    S_i = Σ m_j over |i − j| ≤ k // 2, cut at the border
    inside      S_i = Σ m_j over i ≤ j < i + k, for the l − k + 1 windows that fit
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["box", "centered", "inside"]


def centered(length: int, window: int, like: Tensor) -> Tensor:
    """Return the matrix (length, length) whose row i sums the window around i.  like: a tensor of the precision and device to use."""
    position = torch.arange(length, device=like.device)
    return ((position[:, None] - position).abs() <= window // 2).to(like.dtype)


def inside(length: int, window: int, like: Tensor) -> Tensor:
    """Return the matrix (length − window + 1, length) whose row i sums the window that begins at i.

    The transpose of the matrix spreads a weight over its window.  like: a tensor of the precision and device to use.
    """
    position = torch.arange(length, device=like.device)
    begin = position[: length - window + 1, None]
    return ((begin <= position) & (position < begin + window)).to(like.dtype)


def box(maps: Tensor, down: Tensor, across: Tensor) -> Tensor:
    """Sum along both axes.  maps: (…, h, w).  down: (h', h).  across: (w', w).  Returns (…, h', w')."""
    return down @ (maps @ across.T)
