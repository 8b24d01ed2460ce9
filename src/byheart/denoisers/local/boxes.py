"""Box filters: sums over square windows, as two products with matrices of zeros and ones.

The sums have no negative term, so that nothing cancels, in float32 either; and their cost, h + w multiplications a pixel, does not
depend on the window.  (On images of up to 64 pixels this is as fast as cumulative sums, which do cancel.)

    centered    S_i = Σ m_j over |i − j| ≤ k // 2, cut at the border
    inside      S_i = Σ m_j over i ≤ j < i + k, for the l − k + 1 windows that fit
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["box", "centered", "inside"]


def centered(length: int, window: int, like: Tensor) -> Tensor:
    """(length, length): row i sums the window around i.  like: whose precision and device it has."""
    place = torch.arange(length, device=like.device)
    return ((place[:, None] - place).abs() <= window // 2).to(like.dtype)


def inside(length: int, window: int, like: Tensor) -> Tensor:
    """(length − window + 1, length): row i sums the window that begins at i; its transpose spreads a weight over it."""
    place = torch.arange(length, device=like.device)
    begin = place[: length - window + 1, None]
    return ((begin <= place) & (place < begin + window)).to(like.dtype)


def box(maps: Tensor, down: Tensor, across: Tensor) -> Tensor:
    """The sums along both axes.  maps: (…, h, w).  down: (h', h).  across: (w', w).  Returns (…, h', w')."""
    return down @ (maps @ across.T)
