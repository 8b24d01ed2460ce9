"""Files of images: reading each of them, or refusing all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from byheart._checks import InputError, printable
from byheart.data.raw import Array

__all__ = ["read_each", "refusal_of_unreadable"]


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


def _reason(error: Exception) -> str:
    from PIL import UnidentifiedImageError

    return (
        "not an image"
        if isinstance(error, UnidentifiedImageError)
        else printable(str(error) or type(error).__name__)
    )
