"""Somebody's data set with a length and items, in memory: tensors, arrays, pictures, paths, pairs, dictionaries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from byheart._checks import InputError, printable
from byheart.data.pictures import Unreadable, picture_values, read_picture
from byheart.data.raw import Array
from byheart.data.reader.source import Numbered, Source, one_by_one
from byheart.data.reader.values import channels_first

__all__ = ["as_numpy", "from_sequence"]

KEYS = ("image", "images", "img", "pixel_values", "picture", "features")
_WRONG = (OSError, SyntaxError, ValueError, EOFError)
"""What reading a broken file raises inside somebody's data set; other errors are faults of its code, and pass."""


def from_sequence(name: str, items: Any) -> Source:
    """Make a source of anything with a length and items.

    items: tensors, arrays, pictures, paths, pairs (image, label), or dictionaries with an image.
    """

    def read(row: int) -> Array:
        label = f"{printable(name)}, row {row}"
        try:
            return channels_first(label, _values(label, items[row]))
        except (Unreadable, InputError):
            raise
        except _WRONG as error:
            raise Unreadable(printable(str(error) or type(error).__name__)[:200]) from error

    return Source(
        name, Numbered(range(len(items))), read, lambda rows: one_by_one(read, (int(row) for row in rows))
    )


def _values(label: str, item: Any) -> Array:
    """Read the numbers of one item of somebody's data set."""
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
    """Convert a tensor to an array, bfloat16 to float32: numpy has no bfloat16."""
    x = x.detach().cpu()
    return np.asarray(x.float() if str(x.dtype) == "torch.bfloat16" else x)


def _of_dictionary(label: str, item: dict[Any, Any]) -> Any:
    """Choose the image in a row of a data set: `bytes` as the Hub stores them, a known key, or the only possible value."""
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
