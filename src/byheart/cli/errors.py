"""Errors for people: what was got, what is needed, what to do; one line each."""

from __future__ import annotations

import errno
import shlex
import sys

from byheart._checks import InputError, of_file

__all__ = ["PRINTING", "explained"]

PRINTING = {errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
"""Errors that, without a file's name, come from standard output: its reader is gone, or its disk is full."""


def explained(error: Exception) -> str:
    """Three lines: `error: got …`, `need: …`, `remedy: …`."""
    parts = _parts(error)
    got, need, remedy = (_one_line(part) for part in (parts.got, parts.need, parts.remedy))
    return f"error: got {got}\nneed: {need}\nremedy: {remedy}"


def _parts(error: Exception) -> InputError:
    if isinstance(error, InputError):
        return error
    if isinstance(error, OSError) and (error.filename is not None or error.errno in PRINTING):
        return of_file(error)
    if isinstance(error, ImportError):
        return _of_import(error)
    if type(error).__name__ == "ValidationError" and type(error).__module__.startswith("pydantic"):
        return _of_settings(error)
    return InputError(
        got=f"{type(error).__name__}: {error}",
        need="no such thing: this is a mistake in byheart, or a case that nobody thought of",
        remedy="add --debug to see where it happened",
    )


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


def _of_settings(error: Exception) -> InputError:
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


def _one_line(text: str, limit: int = 400) -> str:
    line = text.strip().split("\n")[0]
    return line if len(line) <= limit else line[:limit] + " …"
