"""Duplicates in a training set, by the same score that finds copies: two images are the same if one looks like a copy.

Equal images, and those that correlate above 0.999, are the same without further question: `same_groups` finds them by one
product.  Beyond that, a training image is a duplicate of another where its leave-one-out `whole` score reaches that of all but 5 % of close planted
copies (card.copy_level).  Clusters are the connected components of (image, what it matches).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from byheart.metrics.copying.copy_test import CopyTest, leave_one_out
from byheart.metrics.copying.groups import merged
from byheart.metrics.copying.spaces import filtered, spaces
from byheart.numerics.products import matmul_t

__all__ = ["Clusters", "clusters", "equal_groups", "same_groups"]

_SAME, _BLANK = 0.999, 1e-5
_CHUNK = 1024


@dataclass(frozen=True, eq=False)
class Clusters:
    """groups: (n,) the first image of each one's cluster.  score: (n,) leave-one-out.  source: (n,) what each matches."""

    groups: Tensor
    score: NDArray[np.float64]
    source: Tensor


@torch.no_grad()
def clusters(test: CopyTest, level: float, tell: Callable[[int], None] = lambda done: None) -> Clusters:
    """The clusters of all n training images of a test.

    level: of `whole`, from which on two images are the same.  tell: hears how many of the n are compared.
    """
    rows = torch.arange(len(test.tables))
    seen = test.matches(leave_one_out(test.tables, rows, rows, tell))
    same = torch.from_numpy(seen.whole >= level)
    return Clusters(merged(rows, rows[same], seen.source[same]), seen.whole, seen.source)


def equal_groups(images: Tensor) -> Tensor:
    """(n,) the first image that has the same values.  images: (n, *shape)."""
    first: dict[bytes, int] = {}
    groups = []
    for at, image in enumerate(images):
        plain = (image + 0.0).contiguous().numpy()  # + 0.0: −0 and 0 are the same value in other bytes
        groups.append(first.setdefault(hashlib.blake2b(plain.data, digest_size=16).digest(), at))
    return torch.tensor(groups)


@torch.no_grad()
def same_groups(images: Tensor) -> Tensor:
    """(n,) the first image of each one's group: equal, or of a correlation above 0.999 in the space `soft`.

    images: (n, c, 32, 32) in [0, 1].
    """
    groups = equal_groups(images)
    kept = (groups == torch.arange(len(images))).nonzero()[:, 0]
    rows = _unit_rows(filtered(images[kept].float(), spaces(images[kept].float()).soft))
    pairs = []
    for start in range(0, len(rows), _CHUNK):
        first, second = (matmul_t(rows[start : start + _CHUNK], rows[start:]) > _SAME).nonzero(as_tuple=True)
        pairs.append(torch.stack([first, second]) + start)
    first, second = torch.cat(pairs, 1)
    return kept[merged(torch.arange(len(kept)), first, second)][torch.searchsorted(kept, groups)]


def _unit_rows(x: Tensor) -> Tensor:
    """Images as rows without their mean, of norm exactly 1; blank ones are 0, and like none."""
    rows = x.flatten(1)
    rows = rows - rows.mean(1, keepdim=True)
    norm = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    unit: Tensor = rows / norm.masked_fill(norm < _BLANK * rows.shape[1] ** 0.5, torch.inf)
    return unit
