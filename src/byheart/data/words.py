"""What a word of the user's means: a data set by its name, or a path.

    NAME[=PATH][:A-B]     a set of `byheart data ls`, or the one that lies at a path, or images A to B − 1 of either
    name:NAME…            the same, also where a file or a folder has that name
    anything else         a path; ./NAME is one

A word that names a set, while something lies at that path, is refused: nothing tells which of the two is meant.
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

    path: where it lies, if the word says so.  low, high: of a slice; None where that end was not given.  sliced: whether
    the word has a slice at all.
    """

    name: str
    path: str | None = None
    low: int | None = None
    high: int | None = None
    sliced: bool = False


def set_name(text: str, names: Sequence[str] = KNOWN) -> SetName | None:
    """Read a word as the name of a set; None where it is a path.  names: those that are known here.

    Raises InputError for a word that may be either: it names a set, and something lies at that path.
    """
    form = _FORM.fullmatch(text.removeprefix(PREFIX))
    if form is None or form["set"] not in names:
        return None
    if not text.startswith(PREFIX) and lies(Path(text)):
        if text in BY_PATH:
            return None  # no set, but a word that needs a path
        raise _ambiguous(text)
    low, high = (int(form[end]) if form[end] else None for end in ("low", "high"))
    return SetName(form["set"], form["path"], low, high, form["low"] is not None)


def lies(path: Path) -> bool:
    """Say whether something lies at a path.  Raises InputError where this user may not look."""
    try:
        return path.exists()
    except PermissionError as error:
        raise InputError(
            got=f"{printable(str(path))}, at which this user may not look",
            need="a path that may be read",
            remedy="ask its owner, or change its permissions",
        ) from error
    except (OSError, ValueError):  # a text that is too long, or otherwise no name of a file
        return False


def _ambiguous(text: str) -> InputError:
    shown, what = printable(text), "folder" if Path(text).is_dir() else "file"
    return InputError(
        got=f"{shown}, which names a data set and also a {what} that lies here",
        need="a word that means one of them",
        remedy=f"write ./{shown} for the {what}, or {PREFIX}{shown} for the set",
    )
