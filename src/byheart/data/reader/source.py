"""Where images or vectors lie, and how they are read: all at once in blocks, or one again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any, overload

import numpy as np

from byheart._checks import InputError, printable
from byheart.data.pictures import Picture, Unreadable, open_picture, values_of
from byheart.data.raw import Array
from byheart.data.reader.reading import USUAL, Reading
from byheart.data.reader.values import channels_first, channels_last
from byheart.data.tables import Block, Item, Table

__all__ = [
    "BUDGET",
    "Group",
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

    names: one each.  fetch: one of them by a reading; raises Unreadable.  walk: those of increasing rows by a reading, in
    order.  array: (n, …) where all of them are one array.  place: the resolved path, where it is one.
    labels: what lies beside the images as their labels, unchecked, or None.
    notes: what the reader did or left out, in whole sentences that a terminal may show.
    reading: how its pictures are read.
    columns: names of the numbers of a vector, where the vectors are rows of a table with such columns.
    """

    name: str
    names: Sequence[str]
    fetch: Callable[[int, Reading], Array | Picture]
    walk: Callable[[Array, Reading], Iterator[Block]]
    array: Array | None = None
    place: str = ""
    labels: Array | None = None
    notes: tuple[str, ...] = ()
    reading: Reading = USUAL
    columns: tuple[str, ...] = ()

    def read(self, row: int) -> Array:
        """Read one of them.  Raises Unreadable."""
        return values_of(self.fetch(row, self.reading))

    def blocks(self, rows: Array) -> Iterator[Block]:
        """Read those of increasing rows, in order."""
        return self.walk(rows, self.reading)

    def under(self, reading: Reading) -> Source:
        """Return the same source with its pictures read by another reading."""
        return replace(self, reading=reading)


@dataclass(frozen=True, eq=False)
class Group:
    """Items of a block that have one shape and type.

    places: (b,) in the block.  values: (b, …).  marked, clear: (b,) which pictures carry a rotation mark, or are transparent
    in places; frames: (b,) how many pictures their files hold; see `pictures.Picture`.
    """

    places: Array
    values: Array
    marked: Array
    clear: Array
    frames: Array


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

    def blocks(rows: Array, _: Reading) -> Iterator[Block]:
        for at in range(0, len(rows), step):
            part = rows[at : at + step]
            whole = part[-1] - part[0] == len(part) - 1
            yield values[part[0] : part[-1] + 1] if whole else values[part]

    return Source(
        name, names or Numbered(range(len(values))), lambda row, _: values[row], blocks, values, place, labels
    )


def from_files(name: str, files: Sequence[Path], names: Sequence[str], place: str = "") -> Source:
    """Make a source of image files."""

    def fetch(row: int, reading: Reading) -> Picture:
        return open_picture(files[row], reading)

    return Source(name, names, fetch, lambda rows, reading: one_by_one(fetch, rows, reading), place=place)


def from_table(name: str, table: Table, place: str = "") -> Source:
    """Make a source of a column of Parquet files."""

    def fetch(row: int, reading: Reading) -> Array | Picture:
        return _given(f"{printable(name)}, row {row}", replace(table, reading=reading).item(row))

    def walk(rows: Array, reading: Reading) -> Iterator[Block]:
        start = 0
        for block in replace(table, reading=reading).blocks():
            low, high = np.searchsorted(rows, [start, start + len(block)])
            if high > low:
                yield from _oriented(printable(name), block, rows[low:high] - start)
            start += len(block)

    return Source(name, Numbered(range(len(table))), fetch, walk, place=place)


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


def by_shape(block: Block) -> tuple[list[Group], list[tuple[int, str]]]:
    """Stack the items of a block by shape and type, and list the unreadable ones, by their place in it, with reasons."""
    if isinstance(block, np.ndarray):
        none = np.zeros(len(block), bool)
        return [Group(np.arange(len(block)), block, none, none, np.ones(len(block), np.int64))], []
    kinds: dict[tuple[Any, ...], list[tuple[int, Array | Picture]]] = {}
    reasons = []
    for place, item in enumerate(block):
        if isinstance(item, Unreadable):
            reasons.append((place, str(item)))
        else:
            values = values_of(item)
            kinds.setdefault((values.shape, values.dtype), []).append((place, item))
    return [_group(alike) for alike in kinds.values()], reasons


def _group(items: Sequence[tuple[int, Array | Picture]]) -> Group:
    """Stack items of one shape and type.  items: with their places in the block."""
    pictures = [item if isinstance(item, Picture) else Picture(item) for _, item in items]
    return Group(
        np.array([place for place, _ in items]),
        np.stack([picture.values for picture in pictures]),
        np.array([picture.marked for picture in pictures]),
        np.array([picture.clear for picture in pictures]),
        np.array([picture.frames for picture in pictures]),
    )


def one_by_one(
    fetch: Callable[[int, Reading], Array | Picture], rows: Any, reading: Reading
) -> Iterator[list[Item]]:
    """Yield blocks of items of whatever sizes come, within the budget."""
    block: list[Item] = []
    size = 0
    for row in rows:
        try:
            item: Item = fetch(row, reading)
        except Unreadable as error:
            item = error
        size += 1 if isinstance(item, Unreadable) else values_of(item).size
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
        yield from one_by_one(lambda at, _: _given(label, chosen[at]), range(len(chosen)), USUAL)
    elif block.ndim == 2:
        yield block[rows]
    else:
        yield from from_array(label, block).blocks(rows)


def _given(label: str, item: Item) -> Array | Picture:
    if isinstance(item, Unreadable):
        raise item
    return item if isinstance(item, Picture) else channels_first(label, item)
