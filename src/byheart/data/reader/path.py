"""What lies at a path of the user's: a folder of images or of Parquet files, a file of arrays, a Parquet file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from byheart._checks import InputError
from byheart.data.pictures import printable
from byheart.data.reader.arrays import ENDINGS, open_arrays
from byheart.data.reader.contents import PARQUET, Contents, contents, image_endings, left_out
from byheart.data.reader.source import Source, from_array, from_files, from_table, shortened
from byheart.data.tables import read_table

__all__ = ["FILES", "from_path", "image_files"]

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
        source = from_table(name, read_table(found.tables), place)
        return replace(source, notes=found.notes(found.others))
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
