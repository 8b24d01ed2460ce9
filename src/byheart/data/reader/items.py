"""Somebody's data set with a length and items, in memory: tensors, arrays, pictures, paths, pairs, dictionaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    if isinstance(item, list | tuple) and item and (isinstance(item, tuple) or not _is_plain(item[0])):
        return _of_list(label, item, reading)
    return _as_array(label, item)


def _is_plain(value: Any) -> bool:
    return isinstance(value, int | float | list | np.number)


def _of_list(label: str, item: Sequence[Any], reading: Reading) -> Array | Picture:
    """Read (image, label, …), or a list of arrays of one shape, such as rows or channels.

    Raises InputError for other lists, of which it is not certain what the image is.
    """
    if len(item) == 1 or _is_label(item[1], item[0]):
        return _values(label, item[0], reading)
    if isinstance(item, list) and all(_is_numeric(part) for part in item):
        parts = [as_numpy(part) if hasattr(part, "detach") else np.asarray(part) for part in item]
        if len({part.shape for part in parts}) == 1:
            return np.stack(parts)
    raise InputError(
        got=f"{label}, a {type(item).__name__} of {len(item)} that begins with {_kind(item[0])} and {_kind(item[1])}",
        need="one image, an image and its label, or a list of arrays of one shape",
        remedy="keep the images only, [item[0] for item in dataset], or stack the channels of each image to one array",
    )


def _is_label(value: Any, image: Any) -> bool:
    """Say whether the second part of an item is a label of the first: fewer than two dimensions, and fewer than the image."""
    if value is None or isinstance(value, str | Mapping):
        return True
    dimensions = _dimensions(value)
    single = dimensions == 1 and (isinstance(value, Sequence) or _is_numeric(value)) and len(value) == 1
    return dimensions == 0 or single or dimensions < min(2, _dimensions(image))


def _dimensions(value: Any) -> int:
    """Count the dimensions of an array, a tensor or nested lists; a picture, or what one is read from, has at least 2."""
    if hasattr(value, "getbands") or isinstance(value, str | Path | bytes | Mapping):
        return 2
    if isinstance(value, list | tuple):
        return 1 + max((0 if isinstance(part, Mapping) else _dimensions(part) for part in value), default=0)
    return int(getattr(value, "ndim", 0))


def _is_numeric(value: Any) -> bool:
    return hasattr(value, "ndim") and hasattr(value, "shape")


def _kind(value: Any) -> str:
    shape = f" of shape {tuple(value.shape)}" if _is_numeric(value) else ""
    return f"{type(value).__name__}{shape}"


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
