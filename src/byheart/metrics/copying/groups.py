"""Groups of training images that are the same image: connected components of images and their matches."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

__all__ = ["grouped", "merged"]


def merged(groups: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Return groups in which more training images are joined: (n,).

    groups: (n,) the group of each training image, named by its first member.  first, second: (e,) training images that
    are the same.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(groups)
    start = np.concatenate([np.arange(count), first.numpy()])
    end = np.concatenate([groups.numpy(), second.numpy()])
    graph = coo_array((np.ones(len(start), dtype=np.int8), (start, end)), shape=(count, count))
    _, label = connected_components(graph, directed=False)
    leader = np.full(label.max() + 1, count)
    np.minimum.at(leader, label, np.arange(count))
    return torch.from_numpy(leader[label])


def grouped(groups: Tensor, least: int = 2) -> list[Tensor]:
    """Return the members of every group of at least `least` images, each group in order; the largest group first."""
    order = torch.argsort(groups, stable=True)
    _, counts = torch.unique_consecutive(groups[order], return_counts=True)
    parts = torch.split(order, counts.tolist())
    return sorted((part for part in parts if len(part) >= least), key=len, reverse=True)
