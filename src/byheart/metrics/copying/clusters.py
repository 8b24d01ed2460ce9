"""Duplicates in a training set, by the same score that finds copies: two images are the same if one looks like a copy.

A training image is a duplicate of another where its leave-one-out `whole` score reaches that of all but 5 % of close planted
copies (card.copy_level).  Clusters are the connected components of (image, what it matches).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from byheart.metrics.copying.copy_test import CopyTest, leave_one_out
from byheart.metrics.copying.groups import merged

__all__ = ["Clusters", "clusters", "equal_groups"]


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
    plain = (images.flatten(1) + 0.0).numpy()  # + 0.0: −0 and 0 are the same value in other bytes
    return torch.tensor([first.setdefault(row.tobytes(), at) for at, row in enumerate(plain)])
