"""A set of features or images in many files, which need not fit into memory.

    folder/part-00000.parquet    rows with their ids (`parquet`)
    folder/part-00001.parquet    …
    folder/shards.json           type and shape of a row; rows, first and last id, size and SHA-256 of every file

The set is complete if shards.json exists, which is written last.  Many machines may each write files of their own, and
one machine then calls `gather`.  A file whose size or hash is not that of shards.json is refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from byheart._checks import InputError
from byheart._records import Spec, plain_json, write_atomic
from byheart.features.parquet import BLOCK_BYTES, Form, Kind, read_chosen, read_form, read_rows, write_shard

if TYPE_CHECKING:
    from torch import Tensor

    from byheart.numerics.topk import Rows

__all__ = [
    "MANIFEST",
    "Manifest",
    "ShardFile",
    "Shards",
    "gather",
    "numbered",
    "open_shards",
    "stream",
    "take",
    "write_shards",
]

MANIFEST = "shards.json"
"""The file that makes a folder of Parquet files a set."""

SCHEMA = 1
AGAIN = "write the file again, or call `gather` if it was changed on purpose"


class ShardFile(Spec):
    """A file of a set.  first, last: its smallest and largest id.  size: its bytes."""

    name: str
    rows: int
    first: int
    last: int
    size: int
    sha256: str


class Manifest(Spec):
    """The content of shards.json.  kind, shape: type and shape of a row's values.  files: in the order of their ids."""

    version: int = SCHEMA
    kind: Kind
    shape: tuple[int, ...]
    files: tuple[ShardFile, ...]


@dataclass(frozen=True)
class Shards:
    """A complete set in a folder."""

    folder: Path
    manifest: Manifest

    @property
    def rows(self) -> int:
        """Return the number of rows in all files."""
        return sum(file.rows for file in self.manifest.files)


def numbered(batches: Iterable[Tensor], first: int = 0) -> Iterator[Rows]:
    """Yield batches (b, *shape) with consecutive ids from `first`."""
    import torch

    for batch in batches:
        yield torch.arange(first, first + len(batch)), batch
        first += len(batch)


def write_shards(folder: Path, batches: Iterable[Rows], *, rows: int = 1_000_000) -> Shards:
    """Write a stream of (ids, values) as files of `rows` rows each, and `gather` them.

    Raises InputError for a folder that holds Parquet files already, and as `write_shard` and `gather` do.
    """
    if rows < 1 or any(folder.glob("*.parquet")):
        raise InputError(
            got=f"{rows} rows a file, in {folder}",
            need="at least one row a file, and a folder without Parquet files",
            remedy="choose another folder, or remove what an interrupted attempt left there",
        )
    for number, pieces in groupby(_pieces(batches, rows), key=lambda piece: piece[0]):
        write_shard(folder / f"part-{number:05d}.parquet", (piece for _, piece in pieces))
    return gather(folder)


def gather(folder: Path) -> Shards:
    """Look at every Parquet file of a folder, write shards.json and return the set.

    Raises InputError if there are no files, for a file that cannot be read, and for two files of different types or shapes, or with
    overlapping ids.
    """
    described = [_described(file) for file in sorted(folder.glob("*.parquet"))]
    if not described:
        raise InputError(got=f"no .parquet file in {folder}", need="shards", remedy="see `write_shards`")
    (form, first), *others = described
    for other, file in others:
        if other != form:
            raise InputError(
                got=f"{first.name} of {form} and {file.name} of {other}",
                need="rows of one type and shape in every file",
                remedy="write all files with the same encoder",
            )
    files = sorted((file for _, file in described), key=lambda file: file.first)
    for file, next_file in pairwise(files):
        _check_apart(file, next_file)
    manifest = Manifest(kind=form.kind, shape=form.shape, files=tuple(files))
    write_atomic(folder / MANIFEST, plain_json(manifest.model_dump(mode="json"), indent=1))
    return Shards(folder, manifest)


def open_shards(folder: Path) -> Shards:
    """Open the set in a folder; hashes are compared only when files are read.

    Raises InputError if shards.json is missing, damaged or newer, or a file missing or of another size.
    """
    file = folder / MANIFEST
    if not file.exists():
        raise InputError(
            got=f"no {MANIFEST} in {folder}",
            need="a folder whose writing was finished",
            remedy="finish it, then call `gather`",
        )
    try:
        manifest = Manifest.model_validate_json(file.read_text())
    except ValueError as error:
        raise _another(file, f"which cannot be read ({error})", "as `gather` wrote it") from error
    if manifest.version != SCHEMA:
        raise _another(file, f"version {manifest.version}", f"of version {SCHEMA}")
    for shard in manifest.files:
        _check_size(folder / shard.name, shard)
    return Shards(folder, manifest)


def stream(folder: Path, shard: ShardFile, *, block: int = BLOCK_BYTES) -> Iterator[Rows]:
    """Yield (ids (b,), values (b, *shape)) of one file, in order, at most `block` bytes of values at a time.

    Raises InputError for a file whose size or hash is not that of `shard`; ImportError without pyarrow.
    """
    file = folder / shard.name
    _check_size(file, shard)
    if (digest := _sha256(file)) != shard.sha256:
        raise _another(file, f"SHA-256 {digest[:12]}…", f"that {MANIFEST} describes ({shard.sha256[:12]}…)")
    yield from read_rows(file, block=block)


def take(shards: Shards, ids: Tensor) -> Tensor:
    """Read the rows with these ids (b,) int64, in this order: (b, *shape).  Meant for thousands of rows of a large set.

    Raises InputError for an id that is not in the set, or a file of another size; ImportError without pyarrow.
    """
    import numpy as np
    import torch

    wanted, places = np.unique(ids.numpy(), return_inverse=True)
    parts, done = [], 0
    for shard in shards.manifest.files:
        end = int(np.searchsorted(wanted, shard.last, side="right"))
        if end > done:
            _check_size(shards.folder / shard.name, shard)
            parts.append(read_chosen(shards.folder / shard.name, wanted[done:end]))
        done = max(done, end)
    if done < len(wanted) or not len(wanted):
        raise InputError(
            got=f"{len(wanted) - done} of {len(wanted)} ids beyond the last one of the set",
            need="at least one id, all of rows of the set",
            remedy="take the ids from a table over the same shards",
        )
    rows = torch.from_numpy(np.concatenate(parts)[places])
    return rows.reshape(-1, *shards.manifest.shape)


def _pieces(batches: Iterable[Rows], rows: int) -> Iterator[tuple[int, Rows]]:
    """Cut the batches at multiples of `rows`, and yield each piece with the number of its file."""
    done = 0
    for ids, values in batches:
        while len(ids):
            take = rows - done % rows
            yield done // rows, (ids[:take], values[:take])
            done += min(take, len(ids))
            ids, values = ids[take:], values[take:]


def _described(file: Path) -> tuple[Form, ShardFile]:
    form, ids = read_form(file)
    size, digest = file.stat().st_size, _sha256(file)
    first, last = int(ids[0]), int(ids[-1])
    return form, ShardFile(name=file.name, rows=len(ids), first=first, last=last, size=size, sha256=digest)


def _check_apart(one: ShardFile, other: ShardFile) -> None:
    if one.last >= other.first:
        raise InputError(
            got=f"ids {one.first} to {one.last} in {one.name}, {other.first} to {other.last} in {other.name}",
            need="a range of ids of its own for every file",
            remedy="number the rows over all files, for example with numbered(…, first=…)",
        )


def _check_size(file: Path, shard: ShardFile) -> None:
    size = f"{file.stat().st_size} bytes" if file.exists() else "missing"
    if size != f"{shard.size} bytes":
        raise _another(file, size, f"that {MANIFEST} describes ({shard.size} bytes)")


def _another(file: Path, what: str, need: str) -> InputError:
    return InputError(got=f"{file}, {what}", need=f"the file {need}", remedy=AGAIN)


def _sha256(file: Path) -> str:
    with file.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()
