"""Parquet: a column of pictures or of numbers, read in pieces.

    type of the column                                one row is
    -----------------------------------------------------------------------------------
    struct with `bytes` (and `path`), as on the Hub    a picture, the bytes of a file
    binary                                             the same
    list of numbers                                    a vector of features, (d,)
    list of lists, list of lists of lists              an image, (h, w), or with its channels first or last

Several files are the shards of one table, in the order given.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np

from byheart._checks import InputError, extra_missing, printable
from byheart.data.pictures import Picture, Unreadable, open_picture, values_of
from byheart.data.raw import Array
from byheart.data.reader.reading import USUAL, Reading

__all__ = ["NAMES", "Block", "Cells", "Item", "Table", "column_items", "read_table"]

Item = Array | Picture | Unreadable
"""A row: numbers, a picture, or the reason why it cannot be read."""

Block = Array | list[Item]
"""Rows of one shape stacked, (b, …), or one by one."""

NAMES = ("image", "images", "img", "pixel_values", "picture", "features", "embedding")
"""Names of columns that hold what is meant, where several could."""
BATCH = 1024  # rows read at a time


@dataclass(frozen=True, eq=False)
class Table(Sequence[Array]):
    """One column of Parquet files.

    files: the shards.  column: name of the column.  starts: first row of every shard, and the number of rows at the end.
    reading: how pictures are read.  others: columns that are not read, though they might be images or features.
    Indexing reads one row, and raises Unreadable if the row holds no picture.
    """

    files: tuple[Path, ...]
    column: str
    starts: tuple[int, ...]
    reading: Reading = USUAL
    others: tuple[str, ...] = ()

    def __len__(self) -> int:
        return self.starts[-1]

    @overload
    def __getitem__(self, row: int) -> Array: ...
    @overload
    def __getitem__(self, row: slice) -> list[Array]: ...
    def __getitem__(self, row: int | slice) -> Array | list[Array]:
        if isinstance(row, slice):
            return [self[one] for one in range(*row.indices(len(self)))]
        return values_of(self.item(row))

    def item(self, row: int) -> Array | Picture:
        """Read one row.  Raises Unreadable if the row holds no picture, and IndexError if there is no such row."""
        if not -len(self) <= row < len(self):
            raise IndexError(row)
        value = _one(self, row % len(self))
        if isinstance(value, Unreadable):
            raise value
        return value

    def blocks(self, batch: int = BATCH) -> Iterator[Block]:
        """All rows in order, at most `batch` at a time.  Raises InputError if a file breaks off."""
        for file in self.files:
            with _opened(file) as stream:
                for part in _batches(file, stream, self.column, batch, None):
                    yield _values(part, self.reading)


def read_table(paths: Sequence[Path | str], column: str | None = None) -> Table:
    """Open the column of pictures or numbers of Parquet files; only the ends of the files are read yet.

    column: None takes the only column that can be images or features, or the column with one of the names in this module.
    Raises InputError for files that are missing or broken, and if no column or several columns can be meant.
    """
    files = tuple(Path(path) for path in paths)
    starts, others = [0], dict[str, None]()
    for file in files:
        with _opened(file) as stream:
            fitting = {
                field.name: field.type
                for field in stream.schema_arrow
                if _is_picture(field.type) or _depth(field.type)
            }
            column = _chosen(file, column, fitting, stream.schema_arrow.names)
            others |= dict.fromkeys(name for name in fitting if name != column)
            starts.append(starts[-1] + stream.metadata.num_rows)
    if column is None:
        raise InputError(got="no Parquet file", need="at least one", remedy="check the path")
    return Table(files, column, tuple(starts), others=tuple(others))


def column_items(column: Any) -> Cells | None:
    """Return the cells of a pyarrow column of pictures or lists of numbers, by row; None for another column."""
    kind = getattr(column, "type", None)
    if kind is None or not hasattr(column, "to_pylist"):
        return None
    if not _is_picture(kind) and not _depth(kind):
        return None
    return Cells(column)


@dataclass(frozen=True, eq=False)
class Cells(Sequence[Any]):
    """Cells of a pyarrow column: pictures as they are stored, lists of numbers as arrays of their own type."""

    column: Any

    def __len__(self) -> int:
        return len(self.column)

    def __getitem__(self, row: Any) -> Any:
        if _is_picture(self.column.type):
            return self.column[row].as_py()
        part = self.column.slice(row, 1)
        value = _values(part.combine_chunks() if hasattr(part, "chunks") else part, USUAL)[0]
        if isinstance(value, Unreadable):
            raise value
        return value


def _opened(file: Path) -> Any:
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise extra_missing("reading Parquet", "parquet") from error
    try:
        return ParquetFile(file)
    except (OSError, ArrowException) as error:
        raise _broken(file, error) from error


def _broken(file: Path, error: Exception) -> InputError:
    return InputError(
        got=f"{printable(str(file))}, which cannot be read ({printable(str(error))[:200]})",
        need="a whole Parquet file",
        remedy="check the path, or copy the file again",
    )


def _chosen(file: Path, asked: str | None, fitting: dict[str, Any], all_names: Sequence[str]) -> str:
    """Find the name of the column that is meant."""
    if asked is not None and asked in fitting:
        return asked
    named = [name for name in NAMES if name in fitting]
    if asked is None and (len(fitting) == 1 or len(named) == 1):
        return (named or list(fitting))[0]
    listed = ", ".join(printable(name) for name in all_names)
    raise InputError(
        got=f"{printable(str(file))} with the columns {listed}" + (f" and column={asked!r}" if asked else ""),
        need="one column of image bytes or of lists of numbers, or one of them called " + " or ".join(NAMES),
        remedy="say which: byheart.data.tables.read_table([FILE], column=NAME) in Python, or keep that column only",
    )


def _is_picture(kind: Any) -> bool:
    from pyarrow import types

    if types.is_struct(kind):
        return any(field.name == "bytes" and _is_binary(field.type) for field in kind)
    return _is_binary(kind)


def _is_binary(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_binary(kind) or types.is_large_binary(kind))


def _depth(kind: Any) -> int:
    """Count how many lists are around numbers; 0 if there are no lists, or no numbers in the lists."""
    from pyarrow import types

    kind, depth = getattr(kind, "storage_type", kind), 0
    while _is_list(kind):
        kind, depth = kind.value_type, depth + 1
    return depth if types.is_integer(kind) or types.is_floating(kind) else 0


def _is_list(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def _batches(file: Path, stream: Any, column: str, batch: int, groups: list[int] | None) -> Iterator[Any]:
    """Yield pieces of the column, from all row groups or from the given ones."""
    from pyarrow import ArrowException

    try:
        for part in stream.iter_batches(batch, row_groups=groups, columns=[column]):
            yield part.column(0)
    except (OSError, ArrowException) as error:
        raise _broken(file, error) from error


def _values(column: Any, reading: Reading) -> Block:
    """Return the rows of a piece of the column."""
    column = getattr(column, "storage", column)
    if _is_picture(column.type):
        return [_picture(cell, reading) for cell in column.to_pylist()]
    stacked = _stacked(column)
    return [_lists(cell, _number(column.type)) for cell in column.to_pylist()] if stacked is None else stacked


def _picture(cell: Any, reading: Reading) -> Picture | Unreadable:
    content = cell.get("bytes") if isinstance(cell, dict) else cell
    if content is None:
        path = cell.get("path") if isinstance(cell, dict) else None
        return Unreadable(f"only a path, {printable(path)}, and no bytes" if path else "empty")
    try:
        return open_picture(content, reading)
    except Unreadable as error:
        return error


def _lists(cell: Any, dtype: Any) -> Array | Unreadable:
    if cell is None:
        return Unreadable("empty")
    try:
        return np.array(cell, dtype=dtype)
    except (TypeError, ValueError):
        return Unreadable("lists of different lengths, or with gaps")


def _number(kind: Any) -> Any:
    """Return the numpy type of the numbers inside lists."""
    while _is_list(kind):
        kind = kind.value_type
    return kind.to_pandas_dtype()


def _stacked(column: Any) -> Array | None:
    """Convert rows of lists to one array (b, …), without a Python object per number; None unless all rows have the same shape."""
    from pyarrow import compute

    shape = [len(column)]
    while _is_list(column.type):
        if column.null_count or not len(column):
            return None
        sizes = compute.min_max(compute.list_value_length(column)).as_py()
        if sizes["min"] != sizes["max"]:
            return None
        shape.append(sizes["max"])
        column = column.flatten()
    return None if column.null_count else np.asarray(column.to_numpy(zero_copy_only=False)).reshape(shape)


def _one(table: Table, row: int) -> Item:
    """Read row `row` of the table, from its row group alone."""
    shard = next(at for at, end in enumerate(table.starts[1:]) if row < end)
    row -= table.starts[shard]
    with _opened(table.files[shard]) as stream:
        group = 0
        while row >= (size := stream.metadata.row_group(group).num_rows):
            group, row = group + 1, row - size
        for part in _batches(table.files[shard], stream, table.column, BATCH, [group]):
            if row < len(part):
                return _values(part.slice(row, 1), table.reading)[0]
            row -= len(part)
    raise _broken(table.files[shard], IndexError("it has fewer rows than its end says"))
