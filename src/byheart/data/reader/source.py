"""Where images or vectors lie, and how they are read: all at once in blocks, or one again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, overload

import numpy as np

from byheart._checks import InputError, printable
from byheart.data.pictures import Unreadable, read_picture
from byheart.data.raw import Array
from byheart.data.reader.values import channels_first, channels_last
from byheart.data.tables import Block, Table

__all__ = [
    "BUDGET",
    "Numbered",
    "Source",
    "by_shape",
    "from_array",
    "from_files",
    "from_table",
    "names_of",
    "one_by_one",
    "shortened",
]

BUDGET = 2**20
"""Numbers in a block: 8 MB in float64, in which images are resized."""


@dataclass(frozen=True, eq=False)
class Numbered(Sequence[str]):
    """The names "row 0", "row 1", …, or those of `rows`, each made when it is asked for."""

    rows: Sequence[int]

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> Numbered: ...
    def __getitem__(self, place: int | slice) -> str | Numbered:
        if isinstance(place, slice):
            return Numbered(self.rows[place])
        return f"row {self.rows[place]}"


@dataclass(frozen=True, eq=False)
class Source:
    """Images (c, h, w) or vectors (d,), as they lie.

    names: one each.  read: one of them; raises Unreadable.  blocks: those of increasing rows, in order.
    array: (n, …) where all of them are one array.  place: the resolved path, where it is one.
    labels: what lies beside the images as their labels, unchecked, or None.
    """

    name: str
    names: Sequence[str]
    read: Callable[[int], Array]
    blocks: Callable[[Array], Iterator[Block]]
    array: Array | None = None
    place: str = ""
    labels: Array | None = None


def from_array(
    name: str,
    values: Array,
    place: str = "",
    names: Sequence[str] | None = None,
    labels: Array | None = None,
) -> Source:
    """Make a source of an array: (n, d) vectors, (n, h, w) grey images, (n, c, h, w) or (n, h, w, c) of 1 to 4 channels.

    Raises InputError for other shapes.
    """
    if values.ndim not in (2, 3, 4) or not values.size:
        raise InputError(
            got=f"{printable(name)} of shape {values.shape}",
            need="(n, d) features, (n, h, w) grey images, (n, c, h, w) or (n, h, w, c)",
            remedy="stack the samples along the first dimension",
        )
    if values.ndim == 3:
        values = values[:, None]
    elif values.ndim == 4 and channels_last(printable(name), values.shape):
        values = values.transpose(0, 3, 1, 2)
    step = max(1, BUDGET // prod(values.shape[1:]))

    def blocks(rows: Array) -> Iterator[Block]:
        for at in range(0, len(rows), step):
            part = rows[at : at + step]
            whole = part[-1] - part[0] == len(part) - 1
            yield values[part[0] : part[-1] + 1] if whole else values[part]

    return Source(
        name, names or Numbered(range(len(values))), lambda row: values[row], blocks, values, place, labels
    )


def from_files(name: str, files: Sequence[Path], names: Sequence[str], place: str = "") -> Source:
    """Make a source of image files."""

    def read(row: int) -> Array:
        return read_picture(files[row])

    return Source(name, names, read, lambda rows: one_by_one(read, rows), place=place)


def from_table(name: str, table: Table, place: str = "") -> Source:
    """Make a source of a column of Parquet files."""

    def read(row: int) -> Array:
        return channels_first(f"{printable(name)}, row {row}", table[row])

    def blocks(rows: Array) -> Iterator[Block]:
        start = 0
        for block in table.blocks():
            low, high = np.searchsorted(rows, [start, start + len(block)])
            if high > low:
                yield from _oriented(printable(name), block, rows[low:high] - start)
            start += len(block)

    return Source(name, Numbered(range(len(table))), read, blocks, place=place)


def names_of(names: Sequence[str], rows: Sequence[int] | Array) -> Sequence[str]:
    """Return the names of these rows; names that are numbers need no string each."""
    if len(rows) == len(names):
        return names
    if isinstance(names, Numbered):
        return Numbered([names.rows[int(row)] for row in rows])
    return tuple(names[int(row)] for row in rows)


def shortened(name: str, longest: int = 80) -> str:
    """Shorten a name to at most that length and keep its end: of a path the end tells more."""
    return name if len(name) <= longest else "…" + name[1 - longest :]


def by_shape(block: Block) -> tuple[list[tuple[Array, Array]], list[tuple[int, str]]]:
    """Stack the items of a block by shape and type, with their places in the block, and list the unreadable with reasons."""
    if isinstance(block, np.ndarray):
        return [(np.arange(len(block)), block)], []
    kinds: dict[tuple[Any, ...], tuple[list[int], list[Array]]] = {}
    reasons = []
    for place, item in enumerate(block):
        if isinstance(item, Unreadable):
            reasons.append((place, str(item)))
        else:
            places, items = kinds.setdefault((item.shape, item.dtype), ([], []))
            places.append(place)
            items.append(item)
    return [(np.array(places), np.stack(items)) for places, items in kinds.values()], reasons


def one_by_one(read: Callable[[int], Array], rows: Any) -> Iterator[list[Array | Unreadable]]:
    """Yield blocks of items of whatever sizes come, within the budget."""
    block: list[Array | Unreadable] = []
    size = 0
    for row in rows:
        try:
            item: Array | Unreadable = read(row)
        except Unreadable as error:
            item = error
        size += item.size if isinstance(item, np.ndarray) else 1
        block.append(item)
        if size >= BUDGET:
            yield block
            block, size = [], 0
    if block:
        yield block


def _oriented(label: str, block: Block, rows: Array) -> Iterator[Block]:
    """Yield some rows of a table's block, channels first, within the budget."""
    if isinstance(block, list):
        chosen = [block[row] for row in rows]
        yield from one_by_one(lambda at: _given(label, chosen[at]), range(len(chosen)))
    elif block.ndim == 2:
        yield block[rows]
    else:
        yield from from_array(label, block).blocks(rows)


def _given(label: str, item: Array | Unreadable) -> Array:
    if isinstance(item, Unreadable):
        raise item
    return channels_first(label, item)
