"""The meaning of a word of the user: a data set by its name, or a path.

    NAME[=PATH][:A-B]     a set of `byheart data ls`, or the set at a path, or images A to B − 1 of the set
    name:NAME…            the same, also if a file or a folder has that name
    anything else         a path; ./NAME is one

If a word names a set and there is also a file or folder of that name, the word is refused, since either could be meant.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from byheart._checks import InputError, printable
from byheart.data.spec import NAMES

__all__ = ["BY_PATH", "KNOWN", "PREFIX", "SetName", "lies", "set_name"]

PREFIX = "name:"
BY_PATH = ("folder", "arrays")
"""Names that mean nothing without a path."""
KNOWN = tuple(name for name in NAMES if name not in BY_PATH)
"""Names of sets."""

_FORM = re.compile(r"(?P<set>[a-z0-9_]+)(=(?P<path>.+?))?(:(?P<low>\d*)-(?P<high>\d*))?")


@dataclass(frozen=True)
class SetName:
    """A data set by its name.

    path: its path, if the word states one.  low, high: ends of the slice; None for an end that is not given.  sliced: whether
    the word has a slice.
    """

    name: str
    path: str | None = None
    low: int | None = None
    high: int | None = None
    sliced: bool = False


def set_name(text: str, names: Sequence[str] = KNOWN) -> SetName | None:
    """Read a word as the name of a set; None if the word is a path.  names: the known names.

    Raises InputError for a word that may be either: it names a set, and a file or folder has that name.
    """
    form = _FORM.fullmatch(text.removeprefix(PREFIX))
    if form is None or form["set"] not in names:
        return None
    if not text.startswith(PREFIX) and lies(Path(text)):
        if text in BY_PATH:
            return None  # not a set: this word needs a path
        raise _ambiguous(text)
    low, high = (int(form[end]) if form[end] else None for end in ("low", "high"))
    return SetName(form["set"], form["path"], low, high, form["low"] is not None)


def lies(path: Path) -> bool:
    """Say whether there is a file or folder at a path.  Raises InputError if this user may not look there."""
    try:
        return path.exists()
    except PermissionError as error:
        raise InputError(
            got=f"{printable(str(path))}, at which this user may not look",
            need="a path that may be read",
            remedy="ask its owner, or change its permissions",
        ) from error
    except (OSError, ValueError):  # a text that is too long or otherwise not a file name
        return False


def _ambiguous(text: str) -> InputError:
    shown, what = printable(text), "folder" if Path(text).is_dir() else "file"
    return InputError(
        got=f"{shown}, which names a data set and also a {what} that lies here",
        need="a word that means one of them",
        remedy=f"write ./{shown} for the {what}, or {PREFIX}{shown} for the set",
    )
