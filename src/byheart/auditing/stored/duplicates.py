"""Duplicates in a training set that lies in shards: equal images, and those that correlate above 0.999.

    one pass over the set        128-bit digests: equal images; contrasts: blank images, which are duplicates only if they are equal
    a block of images at a time  against all shards from its own on: correlations in the space `soft`
    connected components         clusters

The other duplicates that `dedup` finds in memory (flipped, shifted, cropped, rotated, blurred, noisy ones) need tables of the
whole set, and are not searched for here.  Memory: two blocks of rows, and about 150 bytes an image for digests, contrasts and clusters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from byheart.auditing.inputs import Images
from byheart.auditing.pairs import picture
from byheart.auditing.record import Cluster, Member
from byheart.auditing.sharded import sharded_table
from byheart.auditing.stored.train import FIRST, Stored
from byheart.features.shards import Shards, stream
from byheart.metrics.copying.blank import contrast, least_contrast
from byheart.metrics.copying.classical.duplicates import digests
from byheart.metrics.copying.clusters import SAME
from byheart.metrics.copying.groups import grouped, merged
from byheart.metrics.copying.spaces import spaces
from byheart.metrics.sharded import as_floats, shard_alike
from byheart.numerics.topk import MISSING, TopK

__all__ = ["NOT_TOLD", "StoredDuplicates", "stored_duplicates"]

NOT_TOLD = (
    "The set lies in shards: only equal and nearly equal images (correlation above 0.999) are found; flipped, shifted, cropped,"
    " rotated, blurred and noisy ones are not."
)

_BLOCK = 4096  # images that are compared with all shards at a time
_PARTNERS = 32  # later images that are alike, of each one, at first
_PAIRS = 2**20  # pairs of images that are alike, held before they are joined: 16 MB
_MORE = 16  # times as many where there were more


@dataclass(frozen=True, eq=False)
class StoredDuplicates:
    """Duplicates of a stored set.  equal: (n,) the first image with the same values.  groups: (n,) the first image of the cluster.
    blank: (k,) blank images, duplicates only if they are equal.  clusters: as recorded.
    """

    equal: Tensor
    groups: Tensor
    blank: Tensor
    clusters: tuple[Cluster, ...]


def stored_duplicates(train: Stored, *, pictured: int, members: int) -> StoredDuplicates:
    """Find the clusters of a stored set of images.

    pictured: how many clusters keep images for the page.  members: how many images each of these clusters keeps.
    Raises InputError as `Stored.searched` does.
    """
    equal, contrasts = _equal(train)
    told = (contrasts >= least_contrast(contrasts))[equal]
    kept = ((equal == torch.arange(len(train))) & told).nonzero()[:, 0]
    groups = _joined(train, equal, kept) if len(kept) else equal
    clusters = tuple(
        _cluster(train, rows, equal, groups, members if at < pictured else 0)
        for at, rows in enumerate(grouped(groups))
    )
    return StoredDuplicates(equal, groups, (~told).nonzero()[:, 0], clusters)


def _equal(train: Stored) -> tuple[Tensor, Tensor]:
    """Find for every image the first image with the same values, (n,), and measure its contrast, (n,)."""
    found: NDArray[np.void] = np.empty(len(train), "V16")
    contrasts = torch.empty(len(train), dtype=torch.float32)
    for ids, images in _blocks(train.shards):
        values = as_floats(images)
        found[ids.numpy()] = np.frombuffer(b"".join(digests(values)), "V16")
        contrasts[ids] = contrast(values)
        train.tell("finding equal images", int(ids[-1]) + 1, len(train))
    _, first, which = np.unique(
        found.view("u8").reshape(-1, 2), axis=0, return_index=True, return_inverse=True
    )
    return torch.from_numpy(first[which.reshape(-1)]), contrasts


def _blocks(shards: Shards) -> Iterator[tuple[Tensor, Tensor]]:
    for file in shards.manifest.files:
        for ids, images in stream(shards.folder, file):
            yield from zip(torch.split(ids, _BLOCK), torch.split(images, _BLOCK), strict=True)


def _joined(train: Stored, groups: Tensor, kept: Tensor) -> Tensor:
    """Join groups (n,) of equal images where images are alike.  kept: (k,) one image of each group."""
    soft = spaces(train.chosen(kept[:FIRST])).soft
    waiting: list[Tensor] = []
    for at, block in enumerate(torch.split(kept, _BLOCK)):
        train.tell("searching for duplicates", at * _BLOCK, len(kept))
        waiting.append(_alike(train, block, soft))
        if (
            sum(pairs.shape[1] for pairs in waiting) > _PAIRS
        ):  # joining walks over all n: not after every block
            groups, waiting = merged(groups, *torch.cat(waiting, 1)), []
    return merged(groups, *torch.cat(waiting, 1)) if waiting else groups


def _alike(train: Stored, block: Tensor, soft: Tensor) -> Tensor:
    """Find pairs (2, p) of images that are alike, of the block and of later images.  block: (b,) ids, ascending."""
    k, asked, pairs = min(_PARTNERS, len(train)), block, []
    while len(asked):
        found = _searched(train, asked, soft, k)
        full = (found.index[:, -1] != MISSING) & (k < len(train))
        there = (found.index != MISSING) & ~full[:, None]
        row, column = there.nonzero(as_tuple=True)
        pairs.append(torch.stack([asked[row], found.index[row, column]]))
        asked, k = asked[full], min(k * _MORE, len(train))
    return torch.cat(pairs, 1)


def _searched(train: Stored, asked: Tensor, soft: Tensor, k: int) -> TopK:
    manifest = train.shards.manifest
    later = tuple(file for file in manifest.files if file.last > int(asked[0])) or manifest.files[-1:]
    return sharded_table(
        train.chosen(asked),
        replace(train.shards, manifest=manifest.model_copy(update={"files": later})),
        partial(shard_alike, soft=soft, above=SAME, own=asked, k=k),
        executor=train.by.executor,
        workers=train.by.workers,
        address=train.by.address,
        checkpoints=train.by.checkpoints,
    )


def _cluster(train: Stored, rows: Tensor, equal: Tensor, groups: Tensor, shown: int) -> Cluster:
    """Make the record of a cluster of duplicates.  rows: (c,) ids, ascending.  shown: how many images keep their picture."""
    some = train.some(rows[:shown]) if shown else None
    members = []
    for at, row in enumerate(rows.tolist()):
        seen = picture(some, at) if isinstance(some, Images) and at < shown else None
        exact = int(equal[row]) != row
        source = int(equal[row]) if exact else int(groups[row])
        members.append(
            Member(
                name=train.names[row],
                source=None if source == row else train.names[source],
                exact=exact,
                picture=seen,
            )
        )
    return Cluster(representative=members[0].name, members=tuple(members))
