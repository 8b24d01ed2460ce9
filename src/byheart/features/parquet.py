"""One Parquet file of features or images: columns `id` (int64, ascending) and `values` (the bytes of one row).

Values are stored as fixed-size binary, with their type and shape in the file's metadata: pyarrow reads these bytes 5 to
20 times faster than lists of numbers.  Files of other programs whose `values` are fixed-size lists are read, too.

A file is written under another name and renamed when it is complete; files are read one row group at a time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from byheart._checks import InputError, extra_missing
from byheart._records import open_whole

if TYPE_CHECKING:
    from torch import Tensor

    from byheart.numerics.topk import Rows

__all__ = ["Form", "Kind", "read_chosen", "read_form", "read_rows", "write_shard"]

Kind = Literal["uint8", "float16", "float32", "float64"]
"""Types of a value."""

BYTES = {"uint8": 1, "float16": 2, "float32": 4, "float64": 8}
METADATA = b"byheart"  # key of the form in a file's metadata
GROUP_BYTES = 2**24  # of values in a row group: the least that is read at once
BLOCK_BYTES = 2**27  # of values passed on at once; a block stays in memory while the next one is read


@dataclass(frozen=True)
class Form:
    """The type of the values of a row, and the shape of a row."""

    kind: Kind
    shape: tuple[int, ...]

    @property
    def width(self) -> int:
        """Return the number of bytes of a row."""
        return prod(self.shape) * BYTES[self.kind]

    def __str__(self) -> str:
        return f"{self.kind} {self.shape}"


def write_shard(file: Path, batches: Iterable[Rows]) -> None:
    """Write a file completely or not at all, one batch in memory at a time.

    batches: ids (b,) int64, ascending from 0 or more over all batches, and values (b, *shape) of one type and shape.
    Raises InputError for no rows, ids out of order, other types or shapes; ImportError without pyarrow.
    """
    pyarrow, parquet = _pyarrow()
    with open_whole(file) as stream:
        writer, form, last = None, None, -1
        try:
            for ids, values in batches:
                form = form or _form(values)
                last = _check_batch(ids, values, form, last)
                table = _table(pyarrow, ids, values, form)
                writer = writer or parquet.ParquetWriter(
                    stream, table.schema, compression="none", use_dictionary=False
                )
                writer.write_table(table, max(1, GROUP_BYTES // form.width))
            if writer is None:
                raise InputError(got=f"no rows for {file}", need="at least one", remedy="write no file then")
        finally:
            if writer is not None:
                writer.close()


def read_form(file: Path) -> tuple[Form, Any]:
    """Read the form of the rows of a file, and their ids as a numpy array (n,).

    Raises InputError for a file that is no such Parquet or only half written, or whose ids are not ascending from 0
    or more; ImportError without pyarrow.
    """
    _, parquet = _pyarrow()
    try:
        with parquet.ParquetFile(file) as source:
            form = _stored_form(source.schema_arrow)
            ids = source.read(columns=["id"]).column("id").to_numpy()
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            got=f"{file}, which cannot be read as a shard ({error})",
            need="Parquet with a column `id` of int64 and a column `values` of fixed size",
            remedy="write the file again with `write_shard`",
        ) from error
    if ids.dtype != "int64" or not len(ids) or ids[0] < 0 or (ids[1:] <= ids[:-1]).any():
        raise InputError(
            got=f"{file} with {len(ids)} ids of {ids.dtype}, not ascending from 0 or more",
            need="at least one row, and ascending int64 ids",
            remedy="sort its rows by their id, and leave out repeated ones",
        )
    return form, ids


def read_rows(file: Path, *, block: int = BLOCK_BYTES) -> Iterator[Rows]:
    """Yield (ids (b,), values (b, *shape)) of a file in order, at most `block` bytes of values at a time (or one row group).

    Raises InputError for missing values; ImportError without pyarrow.
    """
    import numpy as np
    import torch

    _, parquet = _pyarrow()
    with parquet.ParquetFile(file) as source:
        form = _stored_form(source.schema_arrow)
        for groups in _blocks(source.metadata, block // form.width):
            rows = sum(source.metadata.row_group(group).num_rows for group in groups)
            ids, values = np.empty(rows, np.int64), np.empty((rows, prod(form.shape)), form.kind)
            done = 0
            for group in groups:
                table = source.read_row_group(group, columns=["id", "values"], use_threads=False)
                ids[done : done + len(table)] = table.column("id").to_numpy()
                values[done : done + len(table)] = _numbers(table, form, file)
                done += len(table)
            yield torch.from_numpy(ids), torch.from_numpy(values).reshape(-1, *form.shape)


def read_chosen(file: Path, wanted: Any) -> Any:
    """Read the values of some rows, (len(wanted), f), from only the row groups that hold these rows.

    wanted: ids, a numpy array (b,) int64, ascending.  Raises InputError for an id that is not in the file.
    """
    import numpy as np

    _, parquet = _pyarrow()
    with parquet.ParquetFile(file) as source:
        form = _stored_form(source.schema_arrow)
        values, done = np.empty((len(wanted), prod(form.shape)), form.kind), 0
        for group in range(source.metadata.num_row_groups):
            if done == len(wanted) or _last_id(source, group) < wanted[done]:
                continue
            table = source.read_row_group(group, columns=["id", "values"], use_threads=False)
            rows = np.flatnonzero(np.isin(table.column("id").to_numpy(), wanted[done:], assume_unique=True))
            values[done : done + len(rows)] = _numbers(table, form, file)[rows]
            done += len(rows)
    if done < len(wanted):
        raise InputError(
            got=f"{len(wanted) - done} ids that are not in {file}",
            need="ids of rows of the set",
            remedy="take the ids from a table over the same shards",
        )
    return values


def _last_id(source: Any, group: int) -> int:
    """Return the largest id of a row group, from its statistics if it has them."""
    statistics = source.metadata.row_group(group).column(source.schema_arrow.get_field_index("id")).statistics
    if statistics is not None and statistics.has_min_max:
        return int(statistics.max)
    return int(source.read_row_group(group, columns=["id"]).column("id")[-1].as_py())


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise extra_missing("reading and writing shards", "parquet") from None
    return pyarrow, pyarrow.parquet


def _form(values: Tensor) -> Form:
    name = str(values.dtype).removeprefix("torch.")
    if name not in get_args(Kind) or values.ndim < 2 or not prod(values.shape[1:]):
        raise InputError(
            got=f"values {tuple(values.shape)} of {name}",
            need=f"rows (b, *shape) of {', '.join(get_args(Kind))}",
            remedy="convert them; images are best kept as uint8",
        )
    return Form(cast(Kind, name), tuple(values.shape[1:]))


def _check_batch(ids: Tensor, values: Tensor, form: Form, last: int) -> int:
    """Check that the ids of a batch follow those of the batch before, and return the last id."""
    import torch

    fits = (
        ids.ndim == 1 and ids.dtype == torch.int64 and len(ids) == len(values) > 0 and _form(values) == form
    )
    if not fits or int(ids[0]) <= last or bool((ids.diff() <= 0).any()):
        raise InputError(
            got=f"ids {tuple(ids.shape)} {ids.dtype} after id {last}, values {tuple(values.shape)} {values.dtype}",
            need=f"ascending int64 ids from 0 or more, one a row, and rows of {form}",
            remedy="number the rows over all batches, for example with `numbered`",
        )
    return int(ids[-1])


def _table(pyarrow: Any, ids: Tensor, values: Tensor, form: Form) -> Any:
    array = values.detach().cpu().contiguous().numpy()
    column = pyarrow.FixedSizeBinaryArray.from_buffers(
        pyarrow.binary(form.width), len(array), [None, pyarrow.py_buffer(array)]
    )
    fields = [
        pyarrow.field("id", pyarrow.int64(), nullable=False),
        pyarrow.field("values", column.type, nullable=False),
    ]
    schema = pyarrow.schema(fields, {METADATA: json.dumps(asdict(form))})
    return pyarrow.table([ids.cpu().numpy(), column], schema=schema)


def _stored_form(schema: Any) -> Form:
    """Read the form that the file stores.  Raises ValueError or KeyError if the file has no such column."""
    column = schema.field("values").type
    if said := (schema.metadata or {}).get(METADATA):
        form = json.loads(said)
        return Form(form["kind"], tuple(form["shape"]))
    kinds = {"uint8": "uint8", "halffloat": "float16", "float": "float32", "double": "float64"}
    if not hasattr(column, "list_size") or str(column.value_type) not in kinds:
        raise ValueError(f"`values` of type {column}")
    return Form(cast(Kind, kinds[str(column.value_type)]), (column.list_size,))


def _blocks(metadata: Any, rows: int) -> Iterator[list[int]]:
    """Group the row groups of a file, each time as many as have at most `rows` rows together (or one)."""
    block: list[int] = []
    held = 0
    for group in range(metadata.num_row_groups):
        size = metadata.row_group(group).num_rows
        if block and held + size > rows:
            yield block
            block, held = [], 0
        block.append(group)
        held += size
    yield block


def _numbers(table: Any, form: Form, file: Path) -> Any:
    """Return the values of a row group as a numpy array (b, f)."""
    import numpy as np

    column = table.column("values").combine_chunks()
    if column.null_count:
        raise InputError(
            got=f"{file} with {column.null_count} rows without values",
            need="values in every row",
            remedy="leave these rows out",
        )
    if hasattr(column.type, "list_size"):
        return column.flatten().to_numpy(zero_copy_only=False).reshape(-1, prod(form.shape))
    count, start = len(column) * prod(form.shape), column.offset * form.width
    return np.frombuffer(column.buffers()[1], form.kind, count, start).reshape(-1, prod(form.shape))
