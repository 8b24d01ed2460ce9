"""Errors for people: what was got, what is needed, what to do; one line each.

where the error comes from                                  whose it is
-----------------------------------------------------------------------------------
`InputError`, settings that do not fit                      what was asked for
a line in a file of the user's                              the user's code
the system: a path, a full disk, no memory, no package      the surroundings
anything else                                               byheart, which says so
"""

from __future__ import annotations

import errno
import shlex
import sys
from pathlib import Path

from byheart._checks import OPEN_FILES, InputError, of_file, printable
from byheart.cli.blame import Line, hiding_file, line_of_the_user

__all__ = ["explained", "lacks_memory"]

PRINTING = {errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
"""Errors that, without a file's name, come from standard output: its reader is gone, or its disk is full."""

LONGEST = 400  # characters of a line
MEMORY = ("out of memory", "can't allocate memory", "cannot allocate memory")

CHANGED = ("a place that may be written to", "choose a folder of yours, or change what may be done there")
OF_SYSTEM = {
    errno.EMFILE: OPEN_FILES,
    errno.ENFILE: OPEN_FILES,
    errno.EROFS: CHANGED,
    errno.EACCES: CHANGED,
    errno.EPERM: CHANGED,
}
"""Number of an error of the system -> what is needed, and what to do."""


def explained(error: BaseException) -> str:
    """Tell an error in three lines: `error: got …`, `need: …`, `remedy: …`, without control characters."""
    parts = _parts(error)
    got, need, remedy = (_one_line(part) for part in (parts.got, parts.need, parts.remedy))
    return f"error: got {got}\nneed: {need}\nremedy: {remedy}"


def _parts(error: BaseException) -> InputError:
    if isinstance(error, InputError):
        return error
    if type(error).__name__ == "ValidationError" and type(error).__module__.startswith("pydantic"):
        return _of_settings(error)
    if isinstance(error, OSError):
        named = error.filename is not None or error.errno in PRINTING
        return of_file(error) if named else _of_system(error)
    if (refusal := _of_surroundings(error)) is not None:
        return refusal
    if (file := hiding_file(error)) is not None:
        return _of_hidden(error, file)
    if (line := line_of_the_user(error)) is not None:
        return _of_the_user(error, line)
    if isinstance(error, ImportError):
        return _of_import(error)
    return InputError(
        got=_said(error),
        need="no such thing: this is a mistake in byheart, or a case that nobody thought of",
        remedy="add --debug to see where it happened",
    )


def _of_the_user(error: BaseException, line: Line) -> InputError:
    return InputError(
        got=f"{_said(error)}, out of {line}",
        need="code of your own that runs, and that hides no module of Python or of a package by its name",
        remedy="mend that line, or rename the file; --debug shows how it came there",
    )


def _of_hidden(error: BaseException, file: str) -> InputError:
    return InputError(
        got=f"{file}, which was imported in the place of a module of that name ({_said(error)})",
        need="names of your own files that no module of Python or of a package has",
        remedy="rename that file, or go to another folder",
    )


def lacks_memory(error: BaseException) -> bool:
    """Say whether an error comes of too little memory, of the machine or of its GPU."""
    return isinstance(error, MemoryError) or any(word in str(error).lower() for word in MEMORY)


def _of_surroundings(error: BaseException) -> InputError | None:
    """Tell an error that a process meets where it has too little, or is told to mind everything; None for any other."""
    if lacks_memory(error):
        return InputError(
            got=f"too little memory ({_said(error)})",
            need="the memory that this work takes",
            remedy="use fewer or smaller images, end other programs, or take a machine with more",
        )
    if isinstance(error, Warning):
        return InputError(
            got=f"a warning that stops the work ({_said(error)})",
            need="warnings that are only shown",
            remedy="leave out what makes them errors: python -W error, or the variable PYTHONWARNINGS",
        )
    return None


def _of_system(error: OSError) -> InputError:
    """Tell an error of the system about no file."""
    if isinstance(error, FileNotFoundError) and _is_nowhere():
        return InputError(
            got="a current folder that is no longer there",
            need="a folder to work in",
            remedy="go to one that exists: cd",
        )
    if isinstance(error, FileNotFoundError) and "temporary directory" in str(error):
        return InputError(
            got=error.strerror or str(error),
            need="a folder for temporary files",
            remedy="name a folder of yours in the variable TMPDIR",
        )
    need, remedy = OF_SYSTEM.get(
        error.errno or 0, ("a system that does this", "see what the system says; --debug shows where")
    )
    return InputError(got=f"{error.strerror or error} ({type(error).__name__})", need=need, remedy=remedy)


def _is_nowhere() -> bool:
    try:
        Path.cwd()
    except OSError:
        return True
    return False


def _of_import(error: ImportError) -> InputError:
    purpose, _, line = str(error).partition(" needs: ")
    if line:  # from `extra_missing`
        python = shlex.quote(sys.executable)  # the pip on the path may be another installation's
        return InputError(
            got=f"{purpose}, which an optional part does", need="that part", remedy=f"{python} -m {line}"
        )
    return InputError(
        got=f"an installation without {error.name} ({error})",
        need="byheart with all it depends on",
        remedy="install it again: pip install byheart",
    )


def _of_settings(error: BaseException) -> InputError:
    from pydantic import ValidationError

    assert isinstance(error, ValidationError)
    first, *others = error.errors(include_url=False)
    if isinstance(inner := first.get("ctx", {}).get("error"), InputError):
        return inner  # a specification refused it in these three parts itself
    place = ".".join(str(key) for key in first["loc"]) or error.title
    more = f" (and {len(others)} more that do not fit)" if others else ""
    return InputError(
        got=f"{place} = {first['input']!r}{more}",
        need=first["msg"][:1].lower() + first["msg"][1:],
        remedy=f"mend `{place}` of {error.title}",
    )


def _said(error: BaseException) -> str:
    """Name the type of an error and the first line that it says; some say nothing."""
    first = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _one_line(text: str) -> str:
    line = printable(text.strip())
    return line if len(line) <= LONGEST else line[:LONGEST] + " …"
