"""A training set in shards, as an audit uses it: searched where it lies, and a few rows of it read at a time.

    nearest, equal, alike      one pass over all shards, by local workers or over Ray
    chosen, beginning          only the row groups that hold these rows

Nothing here holds more than the two blocks of rows of `auditing.sharded`, the rows that were asked for, and tables.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from byheart._checks import InputError, expanded, printable, unknown
from byheart.auditing.inputs.sets import Images, Rows
from byheart.auditing.sharded import Executor, Search, sharded_table
from byheart.data.dataset import fingerprint
from byheart.data.reader.contents import contents
from byheart.data.reader.source import Numbered, shortened
from byheart.data.words import set_name
from byheart.features.shards import MANIFEST, Shards, open_shards, take
from byheart.metrics.copying.classical.duplicates import Hash
from byheart.metrics.copying.clusters import SAME
from byheart.metrics.copying.spaces import SIDE, spaces
from byheart.metrics.sharded import (
    as_floats,
    float_table,
    neighbors_of,
    shard_alike,
    shard_equal,
    shard_hashed,
)
from byheart.numerics.neighbors import Neighbors
from byheart.numerics.topk import MISSING, TopK

__all__ = ["FIRST", "Searching", "Stored", "Table", "opened", "searching", "trained_on"]

FIRST = 2000
"""Images of the beginning from which the copy test learns its filters.  A set of at most this size is treated as in memory."""


@dataclass(frozen=True)
class Searching:
    """How shards are searched: see `auditing.sharded.sharded_table`."""

    executor: Executor = "local"
    workers: int = 1
    address: str = "local"
    checkpoints: Path | None = None


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of a stored set as a table to choose from: a `numerics.indexed.Indexed`.

    shape: (n, *shape).  read: indices (b,) int64 -> (b, *shape).
    """

    shape: tuple[int, ...]
    read: Callable[[Tensor], Tensor]

    @property
    def device(self) -> torch.device:
        """Return the device of the rows: the CPU."""
        return torch.device("cpu")

    @property
    def ndim(self) -> int:
        """Count the dimensions, the axis of the rows included."""
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Tensor) -> Tensor:
        return self.read(rows)


@dataclass(frozen=True, eq=False)
class Stored:
    """A training set in shards, its ids 0 … n − 1.

    name: what the user passed, shortened.  by: how it is searched.  tell: hears how many rows are searched.
    """

    name: str
    shards: Shards
    by: Searching
    tell: Callable[[str, int, int], None]

    def __len__(self) -> int:
        return self.shards.rows

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the shape of a row: (d,) of features, (c, 32, 32) of images."""
        return self.shards.manifest.shape

    @property
    def are_images(self) -> bool:
        """Say whether the rows are images, and not features."""
        return len(self.shape) == 3

    @property
    def is_small(self) -> bool:
        """Say whether the whole set may be taken into memory."""
        return len(self) <= FIRST

    @property
    def names(self) -> Sequence[str]:
        """Return the name of every row: the row's id."""
        return Numbered(range(len(self)))

    @property
    def fingerprint(self) -> str:
        """Compute SHA-256 over type, shape and the SHA-256 of every file."""
        manifest = self.shards.manifest
        parts = [manifest.kind, str(manifest.shape), *(file.sha256 for file in manifest.files)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    @property
    def notes(self) -> tuple[str, ...]:
        """Say what lies in the folder beside the shards, and is not read."""
        found = contents(self.shards.folder)
        own = {
            self.shards.folder / name
            for name in (MANIFEST, *(file.name for file in self.shards.manifest.files))
        }
        beside = [file for file in found.images + found.tables + found.others if file not in own]
        return found.notes(beside)

    @property
    def table(self) -> Table:
        """Open the rows as a table to choose from."""
        return Table((len(self), *self.shape), self.chosen)

    def chosen(self, rows: Tensor) -> Tensor:
        """Read the values of these rows (b,) int64 as float32, images in [0, 1]: (b, *shape)."""
        return as_floats(take(self.shards, rows))

    def some(self, rows: Tensor) -> Images | Rows:
        """Read these rows (b,) int64, ascending, as a set in memory."""
        values = self.chosen(rows)
        names, place = Numbered(rows.tolist()), str(self.shards.folder.resolve())
        digest = fingerprint(values.numpy())
        if not self.are_images:
            return Rows(self.name, values, names, digest, place=place, notes=self.notes)
        return Images(
            name=self.name,
            small=values,
            names=names,
            shape=self.shape,
            resized="taken as it is",
            unreadable=(),
            fingerprint=digest,
            pixels=lambda row: values[row].numpy(),
            place=place,
            notes=self.notes,
        )

    def beginning(self, count: int | None = None) -> Images | Rows:
        """Read the first rows, `count` of them (2,000) or all, as a set in memory."""
        return self.some(torch.arange(min(FIRST if count is None else count, len(self))))

    def searched(self, queries: Tensor, search: Search, stage: str) -> TopK:
        """Search all shards and merge the tables.  stage: what the user hears meanwhile."""
        done = 0

        def hear(event: dict[str, Any]) -> None:
            nonlocal done
            if event["kind"] == "shard":
                done = min(done + event["rows"], len(self))
                self.tell(stage, done, len(self))

        self.tell(stage, 0, len(self))
        return sharded_table(
            queries,
            self.shards,
            search,
            executor=self.by.executor,
            workers=self.by.workers,
            address=self.by.address,
            checkpoints=self.by.checkpoints,
            tell=hear,
        )

    def nearest(self, queries: Tensor, k: int) -> Neighbors:
        """Find the k nearest rows of every query (q, *shape), exactly as `numerics.neighbors.nearest` does in memory."""
        return neighbors_of(self.searched(queries, partial(float_table, k=k), "nearest training rows"))

    def equal(self, queries: Tensor) -> Tensor:
        """Say for every query (q, *shape) whether some row has the same values: (q,)."""
        return self._equal(queries).index[:, 0] != MISSING

    def bits(self, kind: Hash, queries: Tensor) -> Tensor:
        """Count the fewest bits (q,) in which an image's hash differs from that of a query (q, c, 32, 32), mirrored or not."""
        found = self.searched(queries, partial(shard_hashed, kind=kind), f"{kind} of training images")
        return found.value[:, 0].long()

    def _equal(self, queries: Tensor) -> TopK:
        return self.searched(queries, shard_equal, "equal training rows")

    def partners(self, queries: Tensor) -> dict[int, int]:
        """Return query -> the first row with the same values, or the likest image where that correlates above 0.999."""
        found = _present(self._equal(queries))
        if not self.are_images:
            return found
        first = self.beginning()
        assert isinstance(first, Images)
        search = partial(shard_alike, soft=spaces(first.small).soft, above=SAME)
        return _present(self.searched(queries, search, "nearly equal training images")) | found


def trained_on(
    train: Any, by: Searching, *, channels: int | None, tell: Callable[[str, int, int], None]
) -> Stored | None:
    """Open the training set in shards that a path leads to; None where the path leads to something else.

    by: how the set is searched.  channels: the channels that were asked for.  tell: hears how far a search is.
    Raises InputError for settings of a search where there are no shards, another number of channels, and as `opened` does.
    """
    if not isinstance(train, str | Path) or not (expanded(train) / MANIFEST).is_file():
        if given := [name for name, value in vars(by).items() if value != getattr(Searching, name)]:
            raise InputError(
                got=f"{' and '.join(given)} with {shortened(printable(str(train)))}, which is not in shards",
                need=f"a folder with {MANIFEST}: only shards are searched apart",
                remedy=f"leave {' and '.join(given)} out, or write shards first: byheart.features.shards.write_shards",
            )
        return None
    if isinstance(train, str):
        set_name(train)  # refused where a set has that name, too
    found = opened(train, by, tell)
    if channels is not None and found.are_images and found.shape[0] != channels:
        raise InputError(
            got=f"channels {channels} and shards of images of shape {found.shape}",
            need="the channels of the shards: they are read as they are",
            remedy=f"give --channels {found.shape[0]}, or write the shards again",
        )
    return found


def searching(
    executor: str, workers: int | None, address: str | None, checkpoints: Path | str | None
) -> Searching:
    """Make the settings of a search from the arguments of `audit`.  Raises InputError for settings that do not fit."""
    alone = "leave it out to search the shards one after another in this process"
    if executor not in ("local", "ray"):
        raise unknown("executor", executor, ("local", "ray"), remedy=alone)
    if workers is not None and workers < 1:
        raise InputError(got=f"a search with {workers} workers", need="at least one worker", remedy=alone)
    if address is not None and executor != "ray":
        raise InputError(
            got=f"the address {address!r} without the executor ray",
            need="the address of a Ray cluster, and the executor that goes there",
            remedy="give --executor ray as well",
        )
    chosen: Executor = "ray" if executor == "ray" else "local"
    kept = None if checkpoints is None else expanded(checkpoints)
    return Searching(chosen, workers or 1, address or "local", kept)


def opened(train: Path | str, by: Searching, tell: Callable[[str, int, int], None]) -> Stored:
    """Open the training set in a folder of shards.

    Raises InputError as `open_shards` does, for ids with gaps, and for rows that are neither vectors nor 32×32 images.
    """
    shards = open_shards(expanded(train))
    name, shape = shortened(str(train)), shards.manifest.shape
    if len(shape) != 1 and (len(shape) != 3 or shape[0] not in (1, 3) or shape[1:] != (SIDE, SIDE)):
        raise InputError(
            got=f"{printable(name)} with rows of shape {shape}",
            need=f"features (d,), or images (1 or 3, {SIDE}, {SIDE}): the size at which they are compared",
            remedy="bring the images to that size with byheart.auditing.inputs.working_size before they are written",
        )
    files = shards.manifest.files
    gap = files[0].first != 0 or any(one.last + 1 != other.first for one, other in pairwise(files))
    if gap or files[-1].last + 1 != shards.rows:
        raise InputError(
            got=f"{printable(name)} with {shards.rows:,} rows and ids from {files[0].first:,} to {files[-1].last:,}",
            need="ids 0, 1, 2, … over all files, without gaps",
            remedy="number the rows with byheart.features.shards.numbered when they are written",
        )
    return Stored(name, shards, by, tell)


def _present(found: TopK) -> dict[int, int]:
    """Return query -> row, for the queries that have a row."""
    index = found.index[:, 0]
    return {int(query): int(index[query]) for query in (index != MISSING).nonzero()[:, 0]}
