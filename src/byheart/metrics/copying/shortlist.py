"""The shortlist: which training images could lie in a sample under some pose, by coarse correlations with all of them.

Both images are filtered (space `soft`), blurred and averaged over 2×2 pixels, and compared on every second pixel: 14×14
values for the unchanged sample, the inner 12×12 where the sample is shrunk to 0.9 to undo a crop.  The score of a training
image is the largest correlation over 2 flips × 2 zooms × 25 shifts.  The shortlist is the only part of the orbit ratio
whose cost grows with n.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d, pad

from byheart.metrics.copying.poses import FLIPS, REACH, undone
from byheart.metrics.copying.spaces import Spaces, filtered, unit
from byheart.numerics.products import matmul_t

__all__ = ["CANDIDATES", "ShortlistTable", "shortlist_table"]

CANDIDATES = 32
_GRIDS = ((1.0, 2, 14), (0.9, 4, 12))  # zoom of the sample, first pixel of the grid, pixels per side
_CHUNK = 1024  # training images per product: 3 MB of correlations for 16 samples, reduced while in the cache


@dataclass(frozen=True, eq=False)
class ShortlistTable:
    """Training images ready for the search.

    rows: for each grid, (n, c·g²) unit rows.  soft: (32, 17), the filter.
    """

    rows: tuple[Tensor, ...]
    soft: Tensor

    def __len__(self) -> int:
        return len(self.rows[0])

    def __call__(
        self, x: Tensor, without: Tensor | None = None, k: int = CANDIDATES
    ) -> tuple[Tensor, Tensor]:
        """Find the k best training images and their scores, best first: (b, k) each.

        x: (b, c, 32, 32) in [0, 1].  without: (b, n) True where a training image must not be chosen.
        k: number of images; fewer are returned if fewer may be chosen.
        """
        score = self.scores(x)
        if without is not None:
            score = score.masked_fill(without, -torch.inf)
            k = min(k, len(self) - int(without.sum(1).max()))
        best = score.topk(min(k, len(self)), dim=1)
        return best.values, best.indices

    def scores(self, x: Tensor) -> Tensor:
        """Compute the largest correlation of samples x (b, c, 32, 32) with every training image, (b, n)."""
        queries = [_views(filtered(x, self.soft), *grid) for grid in _GRIDS]
        parts = [
            torch.stack(
                [
                    matmul_t(views.flatten(0, 1), rows[start : start + _CHUNK])
                    .view(len(x), views.shape[1], -1)
                    .amax(1)
                    for views, rows in zip(queries, self.rows, strict=True)
                ]
            ).amax(0)
            for start in range(0, len(self), _CHUNK)
        ]
        return torch.cat(parts, 1)


@torch.no_grad()
def shortlist_table(train: Tensor, found: Spaces, batch: int = 256) -> ShortlistTable:
    """Prepare the table of training images (n, c, 32, 32) in [0, 1].  found: the spaces of the training set."""
    rows: list[list[Tensor]] = [[] for _ in _GRIDS]
    for part in torch.split(train, batch):
        coarse = _coarse(filtered(part, found.soft))
        for parts, (_, first, side) in zip(rows, _GRIDS, strict=True):
            last = first + 2 * side - 1
            parts.append(unit(coarse[:, :, first:last:2, first:last:2]))
    return ShortlistTable(tuple(torch.cat(parts) for parts in rows), found.soft)


def _views(x: Tensor, zoom: float, first: int, side: int) -> Tensor:
    """Return all views of filtered samples x (b, c, 32, 32) on one grid, as unit rows (b, 2·25, c·side²)."""
    flips = torch.tensor(FLIPS, dtype=torch.float32)
    warped = undone(
        x.repeat(len(flips), 1, 1, 1),
        flips.repeat_interleave(len(x)),
        x.new_zeros(len(flips) * len(x)),
        x.new_full((len(flips) * len(x),), zoom),
    )
    coarse = _coarse(warped)
    views = [unit(coarse[:, :, rows, columns]) for rows, columns in _grids(first, side)]
    return torch.cat(torch.split(torch.stack(views, 1), len(x)), 1)


def _grids(first: int, side: int) -> Iterator[tuple[slice, slice]]:
    starts = range(first - REACH, first + REACH + 1)
    slices = [slice(start, start + 2 * side - 1, 2) for start in starts]
    return ((rows, columns) for rows in slices for columns in slices)


def _coarse(x: Tensor) -> Tensor:
    """Blur x (b, c, 32, 32) (σ 0.8, radius 3, border repeated) and average over 2×2 pixels: (b, c, 31, 31)."""
    taps = torch.exp(-(torch.arange(-3.0, 4.0, dtype=torch.float32) ** 2) / (2 * 0.8**2))
    taps = (taps / taps.sum()).to(x)
    flat = pad(x.flatten(0, 1)[:, None], (3, 3, 3, 3), mode="replicate")
    blurred = conv2d(conv2d(flat, taps.view(1, 1, 7, 1)), taps.view(1, 1, 1, 7))
    return avg_pool2d(blurred, 2, stride=1).view(*x.shape[:2], 31, 31)
