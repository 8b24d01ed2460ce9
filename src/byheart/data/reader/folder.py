"""Folders of images: which files they hold, in which order, and reading each of them or refusing all."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from byheart._checks import InputError, printable
from byheart.data.raw import Array

__all__ = ["SUFFIXES", "image_files", "read_each", "refusal_of_unreadable"]

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"}


def image_files(path: Path | str) -> list[Path]:
    """List the files below a folder whose names end like an image's, in natural order, without names that begin with a dot.

    Raises InputError for a path that is no folder, and for a folder without images.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise InputError(
            got=f"{folder}, which is no folder", need="a folder of images", remedy="check the path"
        )
    files = []
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        files += [Path(root, name) for name in names if not name.startswith(".")]
    files = [file for file in files if file.suffix.lower() in SUFFIXES]
    if not files:
        raise InputError(
            got=f"{folder}, which holds no images",
            need="files that end in " + ", ".join(sorted(SUFFIXES)),
            remedy="check the path, or convert the images",
        )
    return sorted(files, key=lambda file: _natural(file.relative_to(folder)))


def read_each(files: Sequence[Path], read: Callable[[Path], Array]) -> list[Array]:
    """Read every file with `read`.  Raises InputError that lists every file that cannot be read: no file is skipped."""
    from PIL import Image

    images, refused = [], []
    for file in files:
        try:
            images.append(read(file))
        except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
            refused.append((str(file), _reason(error)))
    if refused:
        raise refusal_of_unreadable(refused, len(files))
    return images


def refusal_of_unreadable(refused: Sequence[tuple[str, str]], total: int) -> InputError:
    """Make the refusal of a set that is wanted whole.

    refused: name and reason of every image that cannot be read.  total: how many images the set has.
    """
    listed = ", ".join(f"{printable(name)} ({reason})" for name, reason in refused[:5])
    more = f" and {len(refused) - 5} more" if len(refused) > 5 else ""
    return InputError(
        got=f"{len(refused)} of {total} images that cannot be read: {listed}{more}",
        need="whole images of 8 bits, or 16 bits grey",
        remedy="repair or remove these",
    )


def _natural(path: Path) -> tuple[list[str | int], str]:
    """Make a sort key that reads runs of digits as numbers: splitting alternates text and digits, so that they never meet."""
    pieces = re.split(r"([0-9]+)", path.as_posix())
    return [int(piece) if place % 2 else piece for place, piece in enumerate(pieces)], path.as_posix()


def _reason(error: Exception) -> str:
    from PIL import UnidentifiedImageError

    return "not an image" if isinstance(error, UnidentifiedImageError) else str(error) or type(error).__name__
