"""Duplicates in a training set, by the same score that finds copies: two images are the same if one looks like a copy.

Equal images, and those that correlate above 0.999, are the same without further question: `same_groups` finds them by one
product.  Beyond that, a training image is a duplicate of another where its leave-one-out `whole` score reaches that of all
but 5 % of close planted copies (card.copy_level).  Clusters are the connected components of (image, what it matches).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from byheart.metrics.copying.classical.duplicates import digests
from byheart.metrics.copying.copy_test import CopyTest, Matches, leave_one_out
from byheart.metrics.copying.groups import merged
from byheart.metrics.copying.spaces import filtered, spaces
from byheart.numerics.products import matmul_t

__all__ = ["SAME", "Clusters", "clusters", "equal_groups", "exact_rows", "same_groups"]

SAME = 0.999
"""Correlation in the space `soft`, with exact unit norms, above which two images are one."""

_BLANK = 1e-5  # root mean square below which float rounding is all that is left of an image
_CHUNK = 1024


@dataclass(frozen=True, eq=False)
class Clusters:
    """groups: (n,) the first image of each one's cluster.  seen: leave-one-out, what each of the n matches and how well."""

    groups: Tensor
    seen: Matches


@torch.no_grad()
def clusters(test: CopyTest, level: float, tell: Callable[[int], None] = lambda done: None) -> Clusters:
    """The clusters of all n training images of a test.

    level: of `whole`, from which on two images are the same.  tell: hears how many of the n are compared.
    """
    rows = torch.arange(len(test.tables))
    seen = test.matches(leave_one_out(test.tables, rows, rows, tell))
    same = torch.from_numpy(seen.whole >= level)
    return Clusters(merged(rows, rows[same], seen.source[same]), seen)


def equal_groups(images: Tensor) -> Tensor:
    """(n,) the first image that has the same values.  images: (n, *shape)."""
    first: dict[bytes, int] = {}
    return torch.tensor([first.setdefault(digest, at) for at, digest in enumerate(digests(images))])


@torch.no_grad()
def same_groups(images: Tensor, equal: Tensor) -> Tensor:
    """(n,) the first image of each one's group: equal, or of a correlation above 0.999 in the space `soft`.

    images: (n, c, 32, 32) in [0, 1].  equal: (n,) their `equal_groups`.
    """
    kept = (equal == torch.arange(len(images))).nonzero()[:, 0]
    rows = exact_rows(images[kept].float(), spaces(images[kept].float()).soft)
    pairs = []
    for start in range(0, len(rows), _CHUNK):
        first, second = (matmul_t(rows[start : start + _CHUNK], rows[start:]) > SAME).nonzero(as_tuple=True)
        pairs.append(torch.stack([first, second]) + start)
    first, second = torch.cat(pairs, 1)
    return kept[merged(torch.arange(len(kept)), first, second)][torch.searchsorted(kept, equal)]


def exact_rows(x: Tensor, response: Tensor) -> Tensor:
    """Images x (b, c, 32, 32) through a filter, as rows without their mean, of norm exactly 1; blank ones are 0, and like none."""
    rows = filtered(x, response).flatten(1)
    rows = rows - rows.mean(1, keepdim=True)
    norm = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    unit: Tensor = rows / norm.masked_fill(norm < _BLANK * rows.shape[1] ** 0.5, torch.inf)
    return unit
