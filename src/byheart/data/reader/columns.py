"""Tables in memory, which are read by their columns: of pandas, polars and pyarrow, and dictionaries of columns.

    columns                                                    what is read
    ----------------------------------------------------------------------------------------------------
    one of pictures, arrays or lists of numbers, or, of        that one: a row is an image or a vector
        several, the only one that is called like images
    nothing but numbers                                        a row is a vector; a column of labels is left out
    others                                                     refused

What kind of table an object is, is told by its methods: none of these libraries has to be installed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from byheart._checks import InputError, printable
from byheart.data.raw import Array
from byheart.data.reader.items import from_sequence
from byheart.data.reader.source import Source, from_array
from byheart.data.reader.tensors import as_numpy
from byheart.data.tables import NAMES, Cells, column_items

__all__ = ["columns_of", "from_column", "from_columns", "is_column"]

LABELS = {"labels", "label", "y", "target", "targets"}
_LISTED = 12


def columns_of(table: Any) -> list[tuple[str, Any]] | None:
    """List the columns of a table in memory with their names; None for what is no table."""
    if isinstance(table, Mapping):
        return _of_mapping(table)
    if _has(table, "iloc", "columns"):  # pandas; by place, since names may repeat
        return [(str(name), table.iloc[:, at]) for at, name in enumerate(table.columns)]
    if _has(table, "column_names", "column"):  # pyarrow
        return [(name, table.column(at)) for at, name in enumerate(table.column_names)]
    if _has(table, "get_columns"):  # polars
        return [(column.name, column) for column in table.get_columns()]
    return None


def is_column(source: Any) -> bool:
    """Say whether something is a column of such a table."""
    return _has(source, "to_numpy", "__len__") and columns_of(source) is None


def from_columns(name: str, columns: Sequence[tuple[str, Any]]) -> Source:
    """Make a source of a table.  Raises InputError where no column, or more than one, can be meant."""
    read = {at: _cells(column) for at, (_, column) in enumerate(columns)}
    able = [at for at, cells in read.items() if _are_samples(cells)]
    named = [at for at, (key, _) in enumerate(columns) if key.lower() in NAMES and _may_be_samples(read[at])]
    if len(named) == 1 or (len(able) == 1 and not named):
        chosen = (named or able)[0]
        return from_cells(f"column {columns[chosen][0]} of {name}", read[chosen])
    if not able and not named:
        return _of_numbers(name, columns, read)
    raise _uncertain(name, columns)


def from_column(name: str, column: Any) -> Source:
    """Make a source of one column of a table."""
    return from_cells(name, _cells(column))


def from_cells(name: str, cells: Array | Sequence[Any]) -> Source:
    """Make a source of what a column holds: one array of numbers, or objects one by one."""
    if isinstance(cells, np.ndarray) and cells.dtype.kind not in "OU":
        return from_array(name, cells)
    return from_sequence(name, cells)


def _of_mapping(table: Mapping[Any, Any]) -> list[tuple[str, Any]] | None:
    """List the columns of a dictionary of columns.  Parts of a data set, such as train and test, are no columns.

    Raises InputError for columns of numbers that differ in length.
    """
    columns = list(table.values())
    if not columns or not all(_is_plain_column(column) for column in columns):
        return None
    if len(set(map(len, columns))) == 1:
        return [(str(key), column) for key, column in table.items()]
    if all(_are_numbers(_cells(column)) for column in columns):
        lengths = ", ".join(f"{printable(str(key))} {len(column)}" for key, column in table.items())
        raise InputError(
            got=f"columns of numbers of different lengths: {lengths}"[:300],
            need="one number a row in every column",
            remedy="bring the columns to one length",
        )
    return None


def _is_plain_column(column: Any) -> bool:
    return isinstance(column, list | tuple | np.ndarray) or hasattr(column, "detach") or is_column(column)


def _has(table: Any, *names: str) -> bool:
    return not isinstance(table, type) and all(hasattr(table, name) for name in names)


def _cells(column: Any) -> Array | Sequence[Any]:
    """Read a column as one array of numbers, or as what it holds one by one, in order: never by an index of its own."""
    if isinstance(column, np.ndarray) and column.dtype.kind == "S":
        return _texts(column)
    if isinstance(column, np.ndarray | list | tuple):
        return column
    if hasattr(column, "detach"):
        return as_numpy(column)
    if (items := column_items(column)) is not None:
        return items
    if not hasattr(column, "to_numpy"):
        raise InputError(
            got=f"a table with columns of type {type(column).__name__}",
            need="a table in memory",
            remedy="compute it first, or convert it to pandas, polars or pyarrow",
        )
    return np.asarray(column.to_numpy())


def _texts(column: Array) -> Array | Sequence[Any]:
    """Read an array of byte strings as text, such as paths, or as the files that they are where they are no text."""
    try:
        return np.char.decode(column, "utf-8")
    except UnicodeDecodeError:
        return list(column)


def _are_samples(cells: Array | Sequence[Any]) -> bool:
    """Say whether every cell can be an image or a vector, as far as the first one that is not empty tells."""
    if isinstance(cells, Cells):
        return True
    if isinstance(cells, np.ndarray) and cells.dtype.kind != "O":
        return cells.ndim > 1
    first = _first(cells)
    return isinstance(first, bytes | list | tuple | Mapping) or any(
        hasattr(first, name) for name in ("getbands", "to_numpy")
    ) or getattr(first, "ndim", 0) > 0  # fmt: skip


def _may_be_samples(cells: Array | Sequence[Any]) -> bool:
    """Say whether a column that is called like images can hold images: also by their paths."""
    return _are_samples(cells) or isinstance(_first(cells), str)


def _are_numbers(cells: Array | Sequence[Any]) -> bool:
    if isinstance(cells, np.ndarray):
        return cells.ndim == 1 and cells.dtype.kind in "buif"
    return len(cells) > 0 and all(isinstance(cell, int | float | np.number) for cell in cells)


def _first(cells: Sequence[Any] | Array) -> Any:
    return next((cell for cell in cells if cell is not None), None)


def _of_numbers(
    name: str, columns: Sequence[tuple[str, Any]], read: Mapping[int, Array | Sequence[Any]]
) -> Source:
    """Make a source of vectors, whose numbers are the columns."""
    keys = {key.lower() for key, _ in columns}
    labels = LABELS - {"y"} if "x" in keys else LABELS  # x and y are points in the plane
    kept = [at for at, (key, _) in enumerate(columns) if key.lower() not in labels]
    if not kept or not all(_are_numbers(read[at]) for at in kept):
        raise _uncertain(name, columns)
    left = [printable(key) for key, _ in columns if key.lower() in labels]
    notes = (f"Left out, since it is called like labels: {', '.join(left)}.",) if left else ()
    source = from_array(name, np.stack([np.asarray(read[at]) for at in kept], 1))
    return replace(source, notes=notes, columns=tuple(columns[at][0] for at in kept))


def _uncertain(name: str, columns: Sequence[tuple[str, Any]]) -> InputError:
    shown = ", ".join(printable(key) for key, _ in columns[:_LISTED])
    more = f" and {len(columns) - _LISTED:,} more" if len(columns) > _LISTED else ""
    return InputError(
        got=f"{printable(name)} with the columns {shown or '(none)'}{more}",
        need="one column of images or of vectors, or one of them called " + " or ".join(NAMES),
        remedy="keep the column that is meant, or nothing but the numbers of vectors; of parts one, for example dataset['train']",
    )
