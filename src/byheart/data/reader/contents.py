"""What lies below a folder: the files that are read, and, in words, everything that is not.

Links to folders are followed.  A folder is looked into once, however many links lead to it, so that no circle is walked.  A
link to a file is an image of its own, as it is for those who train on the folder.  Names that begin with a dot are left out.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from byheart._checks import InputError, printable

__all__ = ["Contents", "check_folder", "contents", "image_endings", "left_out"]

PARQUET = ".parquet"

IMAGES = (
    *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".avif", ".gif", ".bmp", ".dib", ".tif", ".tiff"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".j2k", ".qoi", ".tga"),
)  # fmt: skip
"""Endings of image files, in small letters."""

METADATA = {".ds_store", "thumbs.db", "desktop.ini", ".directory", ".gitkeep", ".gitignore", ".gitattributes"}
"""Names, in small letters, of files that systems leave in folders of images: nobody expects to hear of these files."""

NAMED = 3  # names in a sentence
LISTED = 5  # endings in a sentence
LONGEST = 60  # characters of a name in a sentence
ENDING = 12  # characters of an ending


@dataclass(frozen=True)
class Contents:
    """Files below a folder, each list in natural order of the paths (2.png before 10.png).

    images, tables, others: files by their endings, those of images, of Parquet, and others.  hidden: files and folders whose
    names begin with a dot.  repeated: folders that are reached by more than one way, and are read by another one.
    unopened: folders that may not be looked into.
    """

    folder: Path
    images: list[Path] = field(default_factory=list)
    tables: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)
    hidden: list[Path] = field(default_factory=list)
    repeated: list[Path] = field(default_factory=list)
    unopened: list[Path] = field(default_factory=list)

    def notes(self, unread: Sequence[Path]) -> tuple[str, ...]:
        """Say, in whole sentences, what is not read: these files, and what could not be listed.  No sentence if all is read."""
        return tuple(_sentences(self, unread))


def check_folder(path: Path) -> None:
    """Raise InputError for a path that is no folder."""
    if not path.is_dir():
        raise InputError(
            got=f"{printable(str(path))}, which is no folder",
            need="a folder of images",
            remedy="check the path",
        )


def contents(path: Path | str) -> Contents:
    """List what lies below a folder.  Raises InputError for a path that is no folder, or one that may not be looked into."""
    folder = Path(path)
    check_folder(folder)
    found = Contents(folder)
    _walk(found)
    if folder in found.unopened:
        raise InputError(
            got=f"{printable(str(folder))}, which may not be looked into",
            need="a folder that may be read",
            remedy="ask its owner, or change its permissions",
        )
    for files in (found.images, found.others, found.hidden, found.repeated, found.unopened):
        files.sort(key=lambda file: _natural(file.relative_to(folder)))
    found.tables.sort()  # by code points: the rows of shards keep the numbers that they always had
    return found


@cache
def image_endings() -> frozenset[str]:
    """Return the endings of the image files that can be read here: Pillow may be built without some formats."""
    from PIL import Image

    return frozenset(ending for ending in IMAGES if ending in Image.registered_extensions())


def left_out(folder: Path, files: Sequence[Path]) -> str:
    """Count files by their endings and name the first of each: "12 .heic (a.heic, …), 3 .txt (notes.txt, …)"."""
    by_ending: dict[str, list[Path]] = defaultdict(list)
    for file in files:
        by_ending[file.suffix.lower()].append(file)
    ranked = sorted(by_ending.items(), key=lambda kind: (-len(kind[1]), kind[0]))
    parts = [
        f"{len(kind):,} {_short(ending, ENDING) or 'without an ending'} ({_names(folder, kind)})"
        for ending, kind in ranked[:LISTED]
    ]
    if rest := ranked[LISTED:]:
        parts.append(f"{sum(len(kind) for _, kind in rest):,} with {len(rest)} other endings")
    return ", ".join(parts)


def _walk(found: Contents) -> None:
    """Sort everything below the folder into its lists.  What lies there itself comes before what links lead to."""
    root = os.path.realpath(found.folder)
    above = {str(parent) for parent in Path(root).parents}
    seen, links = {root}, list[Path]()
    waiting = [(found.folder, root)]
    while waiting or links:
        if not waiting:
            links.sort(key=lambda link: _natural(link.relative_to(found.folder)), reverse=True)
            link = links.pop()
            real = os.path.realpath(link)
            if real in seen or real in above:
                found.repeated.append(link)
                continue
            seen.add(real)
            waiting.append((link, real))
        here, real = waiting.pop()
        for name, is_folder, is_link in _entries(found, here):
            file = here / name
            if name.startswith(".") or name.lower() in METADATA:
                if not _is_metadata(name):
                    found.hidden.append(file)
            elif not is_folder:
                _list_of(found, file).append(file)
            elif is_link:
                links.append(file)
            elif (inner := str(Path(real, name))) in seen:
                found.repeated.append(file)
            else:
                seen.add(inner)
                waiting.append((file, inner))


def _entries(found: Contents, folder: Path) -> Iterator[tuple[str, bool, bool]]:
    """Yield name, whether it is a folder or leads to one, and whether it is a link, of everything in a folder."""
    try:
        with os.scandir(folder) as entries:
            listed = [(entry.name, _is_folder(entry), entry.is_symlink()) for entry in entries]
    except OSError:
        found.unopened.append(folder)
        return
    yield from listed


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _list_of(found: Contents, file: Path) -> list[Path]:
    ending = file.suffix.lower()
    if ending in image_endings():
        return found.images
    return found.tables if ending == PARQUET else found.others


def _is_metadata(name: str) -> bool:
    return name.lower() in METADATA or name.startswith("._")


def _sentences(found: Contents, unread: Sequence[Path]) -> Iterator[str]:
    if unread:
        yield f"Left out: {left_out(found.folder, unread)}. Convert or unpack what belongs to the set."
    for reason, places in (
        ("Left out, since their names begin with a dot", found.hidden),
        ("Not looked into, since they are read by another way or hold this folder itself", found.repeated),
        ("Left out, since this user may not look into them", found.unopened),
    ):
        if places:
            yield f"{reason}: {len(places):,} ({_names(found.folder, places)})."


def _names(folder: Path, files: Sequence[Path]) -> str:
    shown = [_short(file.relative_to(folder).as_posix(), LONGEST) for file in files[:NAMED]]
    return ", ".join(shown) + (", …" if len(files) > NAMED else "")


def _short(text: str, longest: int) -> str:
    shown = printable(text)
    return shown if len(shown) <= longest else "…" + shown[1 - longest :]


def _natural(path: Path) -> tuple[list[str | int], str]:
    """Make a sort key that reads runs of digits as numbers: splitting alternates text and digits, so that they never meet."""
    pieces = re.split(r"([0-9]+)", path.as_posix())
    return [int(piece) if place % 2 else piece for place, piece in enumerate(pieces)], path.as_posix()
