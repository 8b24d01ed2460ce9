"""Somebody's data set with a length and items, in memory: tensors, arrays, pictures, paths, pairs, dictionaries."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from byheart._checks import InputError, printable
from byheart.data.pictures import Picture, Unreadable, as_picture, open_picture
from byheart.data.raw import Array
from byheart.data.reader.reading import Reading
from byheart.data.reader.source import Numbered, Source, one_by_one
from byheart.data.reader.tensors import as_numpy
from byheart.data.reader.values import channels_first
from byheart.data.tables import NAMES

__all__ = ["from_sequence"]

_WRONG = (OSError, SyntaxError, ValueError, EOFError)
"""What reading a broken file raises inside somebody's data set; other errors are faults of its code, and pass."""


def from_sequence(name: str, items: Any) -> Source:
    """Make a source of anything with a length and items.

    items: tensors, arrays, pictures, paths, pairs (image, label), or dictionaries with an image.
    """

    def fetch(row: int, reading: Reading) -> Array | Picture:
        label = f"{printable(name)}, row {row}"
        try:
            values = _values(label, _item(label, items, row), reading)
            return values if isinstance(values, Picture) else channels_first(label, values)
        except (Unreadable, InputError):
            raise
        except _WRONG as error:
            raise Unreadable(printable(str(error) or type(error).__name__)[:200]) from error

    return Source(
        name,
        Numbered(range(len(items))),
        fetch,
        lambda rows, reading: one_by_one(fetch, (int(row) for row in rows), reading),
    )


def _item(label: str, items: Any, row: int) -> Any:
    """Take an item by its number.  Raises InputError where the data set does not know it by that number."""
    try:
        return items[row]
    except LookupError as error:
        raise InputError(
            got=f"{label}, for which the data set itself raises {type(error).__name__}: {printable(str(error))[:200]}",
            need="items by their numbers, from 0 on",
            remedy="list the items first: [item for item in dataset]; a table goes as pandas, polars or pyarrow has it",
        ) from error


def _values(label: str, item: Any, reading: Reading) -> Array | Picture:
    """Read the numbers or the picture of one item of somebody's data set."""
    if item is None:
        raise Unreadable("empty")
    if isinstance(item, str | Path | bytes):
        return open_picture(item, reading)
    if isinstance(item, Mapping):
        return _values(label, _of_dictionary(label, item), reading)
    if hasattr(item, "getbands"):  # a picture of Pillow
        return as_picture(item, reading)
    if hasattr(item, "detach"):
        return as_numpy(item)
    if isinstance(item, tuple) or (
        isinstance(item, list) and item and not isinstance(item[0], int | float | list | np.number)
    ):
        return _values(label, item[0], reading)  # (image, label)
    return _as_array(label, item)


def _as_array(label: str, item: Any) -> Array:
    """Convert what is neither a picture nor a tensor; arrays of arrays, as data frames hold them, become one."""
    try:
        values = np.asarray(item.to_numpy() if hasattr(item, "to_numpy") else item)
    except TypeError as error:
        raise InputError(
            got=f"{label} of type {type(item).__name__}, which numpy cannot hold",
            need="an image, or numbers",
            remedy="convert every item, for example to an array",
        ) from error
    if values.dtype.kind == "O" and values.ndim:
        return np.stack([_as_array(label, inner) for inner in values])
    return values


def _of_dictionary(label: str, item: Mapping[Any, Any]) -> Any:
    """Choose the image in a row of a data set: `bytes` as the Hub stores them, a known key, or the only possible value."""
    if item.get("bytes") is not None:
        return item["bytes"]
    if set(item) == {"bytes", "path"} and item["path"]:
        return Path(item["path"])
    named = [key for key in NAMES if key in item]
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
