"""What lies at a path of the user's: a folder of images or of Parquet files, a file of arrays, a Parquet file."""

from __future__ import annotations

from pathlib import Path

from byheart._checks import InputError, printable
from byheart.data.reader.arrays import ENDINGS, open_arrays
from byheart.data.reader.folder import SUFFIXES, image_files
from byheart.data.reader.source import Source, from_array, from_files, from_table, shortened
from byheart.data.tables import read_table

__all__ = ["FILES", "from_path"]

PARQUET = ".parquet"
FILES = (*ENDINGS, PARQUET)
"""Endings of single files that are read, in small letters; capitals are the same."""

_MEANT = "a folder of images or of Parquet files, or a file that ends in " + ", ".join(FILES)


def from_path(path: Path, name: str | None = None) -> Source:
    """Open the images or vectors at a path; what can be read later is not read yet.

    name: what the user wrote; None is the path.  Raises InputError where nothing lies, and for what cannot be read.
    """
    name, place = shortened(str(path) if name is None else name), str(path.resolve())
    if path.is_dir():
        return _folder(name, path, place)
    if not path.is_file():
        raise InputError(got=f"{printable(name)}, where nothing lies", need=_MEANT, remedy="check the path")
    ending = path.suffix.lower()
    if ending == PARQUET:
        return from_table(name, read_table([path]), place)
    if ending in ENDINGS:
        samples, labels = open_arrays(path)
        return from_array(name, samples, place, labels=labels)
    is_image = ending in SUFFIXES
    raise InputError(
        got=f"{printable(name)}, {'one image file' if is_image else 'a file of another kind'}",
        need=_MEANT,
        remedy="give the folder that holds the images" if is_image else "convert it",
    )


def _folder(name: str, path: Path, place: str) -> Source:
    try:
        files = image_files(path)
    except InputError as error:
        if shards := sorted(file for file in path.rglob("*") if file.suffix.lower() == PARQUET):
            return from_table(name, read_table(shards), place)
        raise InputError(got=printable(error.got), need=error.need, remedy=error.remedy) from error
    return from_files(name, files, _apart([_decoded(file.relative_to(path)) for file in files]), place)


def _decoded(path: Path) -> str:
    """Write a path as text that can be written as UTF-8, whatever bytes the file system holds."""
    return path.as_posix().encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _apart(names: list[str]) -> list[str]:
    """Number equal names so that all differ: bytes that are no text may have become equal names."""
    seen: dict[str, int] = {}
    return [name if (times := _count(seen, name)) == 1 else f"{name} ({times})" for name in names]


def _count(seen: dict[str, int], name: str) -> int:
    seen[name] = seen.get(name, 0) + 1
    return seen[name]
