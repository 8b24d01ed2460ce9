"""Where images or vectors lie, and how they are read: all at once in blocks, or one again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from byheart._checks import InputError
from byheart.auditing.inputs.sets import Numbered
from byheart.auditing.inputs.values import channels_first, channels_last
from byheart.data.pictures import Unreadable, picture_values, printable, read_picture
from byheart.data.raw import Array
from byheart.data.tables import Block, Table

__all__ = [
    "BUDGET",
    "Source",
    "as_numpy",
    "from_array",
    "from_files",
    "from_sequence",
    "from_table",
    "shortened",
]

BUDGET = 2**20
"""Numbers in a block: 8 MB in float64, in which images are resized."""

KEYS = ("image", "images", "img", "pixel_values", "picture", "features")
_WRONG = (OSError, SyntaxError, ValueError, EOFError)
"""What reading a broken file raises inside somebody's data set; other errors are faults of its code, and pass."""


@dataclass(frozen=True, eq=False)
class Source:
    """Images (c, h, w) or vectors (d,), as they lie.

    names: one each.  read: one of them; raises Unreadable.  blocks: those of increasing rows, in order.
    array: (n, …) where all of them are one array.  place: the resolved path, where it is one.
    """

    name: str
    names: Sequence[str]
    read: Callable[[int], Array]
    blocks: Callable[[Array], Iterator[Block]]
    array: Array | None = None
    place: str = ""


def from_array(name: str, values: Array, place: str = "", names: Sequence[str] | None = None) -> Source:
    """(n, d) vectors, (n, h, w) grey images, (n, c, h, w) or (n, h, w, c) images of 1 to 4 channels.

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

    return Source(name, names or Numbered(range(len(values))), lambda row: values[row], blocks, values, place)


def from_files(name: str, files: Sequence[Path], names: Sequence[str], place: str = "") -> Source:
    """Image files."""

    def read(row: int) -> Array:
        return read_picture(files[row])

    return Source(name, names, read, lambda rows: _one_by_one(read, rows), place=place)


def from_table(name: str, table: Table, place: str = "") -> Source:
    """A column of Parquet files."""

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


def from_sequence(name: str, items: Any) -> Source:
    """Anything with a length and items: tensors, arrays, pictures, paths, (image, label), or a dictionary with an image."""

    def read(row: int) -> Array:
        label = f"{printable(name)}, row {row}"
        try:
            return channels_first(label, _values(label, items[row]))
        except (Unreadable, InputError):
            raise
        except _WRONG as error:
            raise Unreadable(printable(str(error) or type(error).__name__)[:200]) from error

    return Source(
        name, Numbered(range(len(items))), read, lambda rows: _one_by_one(read, (int(row) for row in rows))
    )


def shortened(name: str, longest: int = 80) -> str:
    """A name of at most that length, its end kept: of a path the end tells more."""
    return name if len(name) <= longest else "…" + name[1 - longest :]


def _one_by_one(read: Callable[[int], Array], rows: Any) -> Iterator[list[Array | Unreadable]]:
    """Blocks of whatever sizes come, within the budget."""
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
    """Some rows of a table's block, channels first, within the budget."""
    if isinstance(block, list):
        chosen = [block[row] for row in rows]
        yield from _one_by_one(lambda at: _given(label, chosen[at]), range(len(chosen)))
    elif block.ndim == 2:
        yield block[rows]
    else:
        yield from from_array(label, block).blocks(rows)


def _given(label: str, item: Array | Unreadable) -> Array:
    if isinstance(item, Unreadable):
        raise item
    return channels_first(label, item)


def _values(label: str, item: Any) -> Array:
    """The numbers of one item of somebody's data set."""
    if item is None:
        raise Unreadable("empty")
    if isinstance(item, str | Path | bytes):
        return read_picture(item)
    if isinstance(item, dict):
        return _values(label, _of_dictionary(label, item))
    if hasattr(item, "getbands"):  # a picture of Pillow
        return picture_values(item)
    if hasattr(item, "detach"):
        return as_numpy(item)
    if isinstance(item, tuple) or (
        isinstance(item, list) and item and not isinstance(item[0], int | float | list)
    ):
        return _values(label, item[0])  # (image, label)
    return np.asarray(item)


def as_numpy(x: Any) -> Array:
    """A tensor as an array; numpy has no bfloat16."""
    x = x.detach().cpu()
    return np.asarray(x.float() if str(x.dtype) == "torch.bfloat16" else x)


def _of_dictionary(label: str, item: dict[Any, Any]) -> Any:
    """The image of a row of a data set: `bytes` as the Hub stores them, a known key, or the only value that can be one."""
    if item.get("bytes") is not None:
        return item["bytes"]
    if set(item) == {"bytes", "path"} and item["path"]:
        return Path(item["path"])
    named = [key for key in KEYS if key in item]
    able = [
        key for key, value in item.items() if hasattr(value, "getbands") or getattr(value, "ndim", 0) >= 1
    ]
    if len(named) == 1 or len(able) == 1:
        return item[(named if len(named) == 1 else able)[0]]
    raise InputError(
        got=f"{label} with the keys {', '.join(printable(str(key)) for key in item)}",
        need="one image or one vector a row, under a key such as `image`",
        remedy="keep the column of images only: dataset.select_columns(['image'])",
    )
