"""Duplicates in a training set, by the score that detects copies: two images are the same if one looks like a copy.

Images that are equal, or that correlate above 0.999, are the same without further comparison: `same_groups` finds such
images by one product.  Otherwise a training image is a duplicate of another if its leave-one-out `whole` score reaches that
of all but 5 % of close planted copies (card.copy_level), or if it lies in a crowd of duplicates, which hide each other.
Clusters are the connected components of (image, its match).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from byheart.metrics.copying.classical.duplicates import digests
from byheart.metrics.copying.copy_test import CopyTest, Matches, leave_one_out, replaced
from byheart.metrics.copying.crowds import crowds, uncrowded
from byheart.metrics.copying.groups import merged
from byheart.metrics.copying.spaces import exact_rows, spaces
from byheart.numerics.products import matmul_t

__all__ = ["SAME", "Clusters", "clusters", "equal_groups", "same_groups"]

SAME = 0.999
"""Correlation in the space `soft`, with exact unit norms, above which two images are one."""

_CHUNK = 1024
_PAIRS = 2**20  # pairs of equal images in memory before they are joined, 16 MB


@dataclass(frozen=True, eq=False)
class Clusters:
    """Clusters of n training images.

    groups: (n,) the first image of each image's cluster.  seen: the leave-one-out match of each of the n images, with its
    scores; an image in a crowd is compared without the other images near it.
    """

    groups: Tensor
    seen: Matches


@torch.no_grad()
def clusters(test: CopyTest, level: float, tell: Callable[[int], None] = lambda done: None) -> Clusters:
    """Cluster all n training images of a test.

    level: of `whole`; two images are the same from this level on.  tell: is called with the number of images compared so far.
    """
    rows = torch.arange(len(test.tables))
    scores = leave_one_out(test.tables, rows, rows, tell)
    groups = crowds(test, level)
    hidden = (groups.bincount(minlength=len(rows))[groups] > 1).nonzero()[:, 0]
    if len(hidden):
        scores = replaced(scores, hidden, uncrowded(test, hidden))
    seen = test.matches(scores)
    same = torch.from_numpy(seen.whole >= level)
    return Clusters(merged(groups, rows[same], seen.source[same]), seen)


def equal_groups(images: Tensor) -> Tensor:
    """Return, for each image, the first image that has the same values: (n,).  images: (n, *shape)."""
    first: dict[bytes, int] = {}
    rows = [first.setdefault(digest, row) for row, digest in enumerate(digests(images))]
    return torch.tensor(rows, dtype=torch.int64)


@torch.no_grad()
def same_groups(images: Tensor, equal: Tensor) -> Tensor:
    """Return, for each image, the first image of its group: (n,).

    A group holds images that are equal, or that correlate above 0.999 in the space `soft`.
    images: (n, c, 32, 32) in [0, 1].  equal: (n,) their `equal_groups`.
    """
    kept = (equal == torch.arange(len(images))).nonzero()[:, 0]
    rows = exact_rows(images[kept].float(), spaces(images[kept].float()).soft)
    groups = torch.arange(len(rows))
    for start in range(0, len(rows), _CHUNK):
        alike = matmul_t(rows[start : start + _CHUNK], rows[start:]) > SAME
        alike.fill_diagonal_(False)
        if bool(alike.any()):
            groups = _joined(groups, alike, start)
    return kept[groups][torch.searchsorted(kept, equal)]


def _joined(groups: Tensor, alike: Tensor, start: int) -> Tensor:
    """Return groups (n,) in which images that are alike are joined, a part at a time where there are many such pairs.

    alike: (c, n − start), images from `start` on against themselves and all later images.
    """
    few = int(alike.sum()) <= _PAIRS
    step = len(alike) if few else max(1, _PAIRS // alike.shape[1])
    for part in torch.split(torch.arange(len(alike)), step):
        apart = groups[part + start, None] != groups[start:]
        first, second = (alike[part] & apart).nonzero(as_tuple=True)
        if len(first):
            groups = merged(groups, part[first] + start, second + start)
    return groups
