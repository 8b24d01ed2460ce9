"""Objects of the user's own code, named as in `package.module:name` and imported from the current folder.

Whatever goes wrong in that code is told as its own fault, in three lines; `--debug` shows where.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any

from byheart._checks import InputError, meant

__all__ = ["imported", "names_code"]

_WORD = r"[^\W\d]\w*"
_FORM = re.compile(rf"(?P<module>{_WORD}(\.{_WORD})*):(?P<name>{_WORD}(\.{_WORD})*)")
_FILE = re.compile(rf"(?P<file>.+)\.py:{_WORD}(\.{_WORD})*")


def names_code(text: str) -> bool:
    """Whether the text has the form package.module:name, or means it: file.py:name."""
    return bool(_FORM.fullmatch(text) or _FILE.fullmatch(text))


def imported(flag: str, text: str, need: str) -> Any:
    """What lies at package.module:name.  flag: where it was given.  need: what is called there, for whoever must mend it.

    A function is wrapped so that its errors are told as its own.
    Raises InputError for a module that is not there or fails, a name that it lacks, and a class.
    """
    if file := _FILE.fullmatch(text):
        module = ".".join(Path(file["file"]).parts)
        raise InputError(
            got=f"{flag} {text}, a file",
            need="package.module:name, as Python imports it from this folder",
            remedy=f"write {module}:{text.rpartition(':')[2]}",
        )
    module, _, name = text.partition(":")
    found = _attribute(flag, text, _module(flag, text, module), name)
    if inspect.isclass(found):
        raise InputError(
            got=f"{flag} {text}, a class",
            need=need,
            remedy=f"make one of it in {module}, made = {name}(…), and give {module}:made",
        )
    return _blamed(found, flag, text, need) if inspect.isroutine(found) else found


def _module(flag: str, text: str, name: str) -> object:
    here = str(Path.cwd())
    if here not in sys.path:  # a console script has the folder that it lies in there, not the user's
        sys.path.insert(0, here)
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise _failed(flag, text, "whose module fails when it is imported", error) from error
        raise InputError(
            got=f"{flag} {text}: there is no module {error.name} in this folder, and none is installed",
            need="package.module:name that Python can import from here",
            remedy="go to the folder of the code, or correct the name",
        ) from error
    except Exception as error:
        raise _failed(flag, text, "whose module fails when it is imported", error) from error


def _attribute(flag: str, text: str, found: object, name: str) -> Any:
    for part in name.split("."):
        if not hasattr(found, part):
            known = (
                [other for other in vars(found) if not other.startswith("_")]
                if hasattr(found, "__dict__")
                else []
            )
            raise InputError(
                got=f"{flag} {text}: {text.partition(':')[0]} has no {name}",
                need=f"one of its names: {', '.join(known[:8]) or '(it has none)'}",
                remedy=meant(part, known) + "correct the name",
            )
        found = getattr(found, part)
    return found


def _blamed(function: Callable[..., Any], flag: str, text: str, need: str) -> Callable[..., Any]:
    """The function, its errors told as its own."""

    @wraps(function)
    def call(*values: Any, **named: Any) -> Any:
        try:
            return function(*values, **named)
        except InputError:
            raise
        except Exception as error:
            raise _failed(flag, text, "which fails when it is called", error, need) from error

    return call


def _failed(
    flag: str, text: str, where: str, error: Exception, need: str = "code that runs from this folder"
) -> InputError:
    from byheart.data.pictures import printable

    said = str(error).strip().partition("\n")[0]
    return InputError(
        got=f"{flag} {text}, {where} ({type(error).__name__}: {printable(said)})",
        need=need,
        remedy="mend it; --debug shows the line",
    )
