"""Perceptual hashes as features: rows of 0 and 1, whose squared distance is the number of bits that differ.

    dHash   grey, averaged to 8 rows of 9; a bit says whether a pixel is brighter than the one on its left: 64 bits
    pHash   grey, averaged to 32 × 32; DCT-II, the 8 × 8 lowest frequencies; above their median: 64 bits

(Krawetz 2011, 2013.)  Of 32×32 images these are the bits of `metrics.copying.classical`.  Hashes find nearly identical images fast,
but are weak evidence of copying: a shift by one pixel changes the bits.  `mirrored` hashes the left-right mirror image: the distance up to flips of a
and b is the smaller one of hash(a) and of hash(a, mirrored=True) to hash(b).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from byheart.features.preprocessing import check_images, recolored

__all__ = ["dhash", "phash"]

_SIDE = 8
_PHASH_SIDE = 32
_TIE = 1e-9  # float64 sums of equal pixels differ by 1e-16; a step of 8 bits is 4e-3


@torch.no_grad()
def dhash(images: Tensor, *, mirrored: bool = False) -> Tensor:
    """Compute the 64 difference bits of images (b, c, h, w) in [0, 1], as (b, 64) float32.  Raises InputError for others."""
    grey = _grey(images, (_SIDE, _SIDE + 1), mirrored)
    return (grey[:, :, 1:] - grey[:, :, :-1] > _TIE).flatten(1).float()


@torch.no_grad()
def phash(images: Tensor, *, mirrored: bool = False) -> Tensor:
    """Compute the 64 frequency bits of images (b, c, h, w) in [0, 1], as (b, 64) float32.  Raises InputError for others."""
    grey = _grey(images, (_PHASH_SIDE, _PHASH_SIDE), mirrored)
    waves = _cosines().to(grey)
    lowest = (waves @ grey @ waves.T).flatten(1)
    ordered = lowest.sort(1).values
    return (lowest - (ordered[:, 31:32] + ordered[:, 32:33]) / 2 > _TIE).float()


def _grey(images: Tensor, size: tuple[int, int], mirrored: bool) -> Tensor:
    """Convert images to grey and average them to (b, *size) in float64."""
    check_images(images)
    grey = recolored(images.double(), 1)
    grey = grey.flip(-1) if mirrored else grey
    return adaptive_avg_pool2d(grey, size)[:, 0]


def _cosines() -> Tensor:
    """Return the lowest rows (8, 32) of the DCT-II, not normalized, as in the imagehash package."""
    place = torch.arange(_PHASH_SIDE, dtype=torch.float64) + 0.5
    return torch.cos(math.pi / _PHASH_SIDE * torch.arange(_SIDE, dtype=torch.float64)[:, None] * place)
