"""What lies at a path of the user's: a folder of images or of Parquet files, a file of arrays, a Parquet file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from byheart._checks import InputError, printable
from byheart.data.reader.arrays import ENDINGS, open_arrays
from byheart.data.reader.contents import PARQUET, Contents, contents, image_endings, left_out
from byheart.data.reader.source import Source, from_array, from_files, from_table, shortened
from byheart.data.tables import read_table

__all__ = ["FILES", "from_path", "image_files"]

FILES = (*ENDINGS, PARQUET)
"""Endings of single files that are read, in small letters; capitals are the same."""

_NAMED = 5  # names in a sentence
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
        table = read_table([path])
        return replace(from_table(name, table, place), notes=_of_others("columns", table.others))
    if ending in ENDINGS:
        opened = open_arrays(path)
        source = from_array(name, opened.samples, place, labels=opened.labels)
        return replace(source, notes=_of_others("arrays", opened.others))
    is_image = ending in image_endings()
    raise InputError(
        got=f"{printable(name)}, {'one image file' if is_image else 'a file of another kind'}",
        need=_MEANT,
        remedy="give the folder that holds the images" if is_image else "convert it",
    )


def image_files(path: Path | str) -> tuple[list[Path], tuple[str, ...]]:
    """List the image files below a folder, in natural order, and say in whole sentences what else lies there.

    Raises InputError for a path that is no folder, and for a folder without images.
    """
    return _images_in(contents(path))


def _folder(name: str, path: Path, place: str) -> Source:
    found = contents(path)
    if not found.images and found.tables:
        table = read_table(found.tables)
        notes = _of_others("columns", table.others) + found.notes(found.others)
        return replace(from_table(name, table, place), notes=notes)
    files, notes = _images_in(found)
    names = _apart([_decoded(file.relative_to(path)) for file in files])
    return replace(from_files(name, files, names, place), notes=notes)


def _images_in(found: Contents) -> tuple[list[Path], tuple[str, ...]]:
    if not found.images:
        raise _without_images(found)
    return found.images, found.notes(found.tables + found.others)


def _without_images(found: Contents) -> InputError:
    """Make the refusal of a folder without images, which says what lies there instead."""
    unread = found.tables + found.others
    arrays = [file for file in unread if file.suffix.lower() in FILES]
    there = f", but {left_out(found.folder, unread)}" if unread else ""
    return InputError(
        got=f"{printable(str(found.folder))}, which holds no images{there}",
        need="files that end in " + ", ".join(sorted(image_endings())),
        remedy=f"give the file itself: {printable(str(arrays[0]))}"
        if arrays
        else "check the path, or convert the images",
    )


def _of_others(what: str, names: Sequence[str]) -> tuple[str, ...]:
    """Say which arrays of a file, or columns of a table, are not read, though they might be what is meant."""
    if not names:
        return ()
    listed = ", ".join(printable(name) for name in names[:_NAMED]) + (", …" if len(names) > _NAMED else "")
    return (f"Left out: the {what} {listed}, for another one is called like samples.",)


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
