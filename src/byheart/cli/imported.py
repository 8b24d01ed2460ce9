"""Objects of the user's own code, named as in `package.module:name` and imported from the current folder.

Whatever goes wrong in that code is told as its own fault, in three lines that name its line; that it ends the process too.
What it prints goes to stderr, and what it changes for everybody while it is imported is put back: the current folder, what is
done with warnings and with errors of numpy.
"""

from __future__ import annotations

import inspect
import os
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from byheart._checks import InputError, meant
from byheart.cli.blame import Line, line_of_object, line_of_the_user
from byheart.cli.errors import lacks_memory

__all__ = ["Code", "imported", "names_code", "own_faults"]

_WORD = r"[^\W\d]\w*"
_FORM = re.compile(rf"(?P<module>{_WORD}(\.{_WORD})*):(?P<name>{_WORD}(\.{_WORD})*)")
_FILE = re.compile(rf"(?P<file>.+)\.py:{_WORD}(\.{_WORD})*")
_MEND = "code that runs from this folder"


@dataclass(frozen=True, eq=False)
class Code:
    """An object of the user's.  flag: where it was given.  text: as what.  need: what is called there, for whoever must mend it."""

    flag: str
    text: str
    need: str
    thing: Any

    @property
    def module(self) -> str:
        """The full name of its module."""
        return self.text.partition(":")[0]


def names_code(text: str) -> bool:
    """Whether the text has the form package.module:name, or means it: file.py:name."""
    return bool(_FORM.fullmatch(text) or _FILE.fullmatch(text))


def imported(flag: str, text: str, need: str) -> Any:
    """Import what lies at package.module:name.  flag: where it was given.  need: what is called there.

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
    with _put_back(), redirect_stdout(sys.stderr):
        thing = _attribute(flag, text, _module(flag, text, module), name)
    if inspect.isclass(thing):
        raise InputError(
            got=f"{flag} {text}, a class",
            need=need,
            remedy=f"make one of it in {module}, made = {name}(…), and give {module}:made",
        )
    return thing


@contextmanager
def own_faults(*codes: Code) -> Iterator[None]:
    """Tell what goes wrong in these objects as their own faults, whoever calls them.  What they print goes to stderr.

    Raises InputError in the place of an error that comes out of one of them.
    """
    try:
        with redirect_stdout(sys.stderr):
            yield
    except (InputError, KeyboardInterrupt):
        raise
    except BaseException as error:
        for code in codes:
            if (line := line_of_object(error, code.thing, code.module)) is not None:
                raise _failed(code.flag, code.text, "called", error, line, code.need) from error
        raise


@contextmanager
def _put_back() -> Iterator[None]:
    """Put back, afterwards, what a module may change for everybody while it is imported."""
    from numpy import errstate

    here = Path.cwd()
    try:
        with warnings.catch_warnings(), errstate():
            yield
    finally:
        os.chdir(here)


def _module(flag: str, text: str, name: str) -> object:
    here = str(Path.cwd())
    if here not in sys.path:  # a console script has the folder that it lies in there, not the user's
        sys.path.insert(0, here)
    try:
        return import_module(name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        if isinstance(error, ModuleNotFoundError) and f"{name}.".startswith(f"{error.name}."):
            raise InputError(
                got=f"{flag} {text}: there is no module {error.name} in this folder, and none is installed",
                need="package.module:name that Python can import from here",
                remedy="go to the folder of the code, or correct the name",
            ) from error
        raise _failed(flag, text, "imported", error, line_of_the_user(error)) from error


def _attribute(flag: str, text: str, owner: object, name: str) -> Any:
    for part in name.split("."):
        try:
            owner = getattr(owner, part)
        except AttributeError as error:
            known = [other for other in getattr(owner, "__dict__", ()) if not other.startswith("_")]
            raise InputError(
                got=f"{flag} {text}: {text.partition(':')[0]} has no {name}",
                need=f"one of its names: {', '.join(known[:8]) or '(it has none)'}",
                remedy=meant(part, known) + "correct the name",
            ) from error
        except Exception as error:
            raise _failed(flag, text, "looked up", error, line_of_the_user(error)) from error
    return owner


def _failed(
    flag: str, text: str, when: str, error: BaseException, line: Line | None, need: str = _MEND
) -> InputError:
    """Make the refusal of code that fails, or ends the process, when it is imported, looked up or called."""
    whose = "whose module" if when == "imported" else "which"
    said = str(error).strip().partition("\n")[0]
    if isinstance(error, SyntaxError) and error.filename is not None:
        line = Line(error.filename, error.lineno or 0)
    place = line or Line()
    if isinstance(error, SystemExit):
        return InputError(
            got=f"{flag} {text}, {whose} ends the process when it is {when} (SystemExit: {said})",
            need=need,
            remedy=f"take the exit, or the parser of arguments, out of {place}; a script's own part belongs under "
            "`if __name__ == '__main__':`",
        )
    mend = f"mend {place}"
    if lacks_memory(error):
        mend = f"let {place} work on fewer or smaller images at a time, or take a machine with more memory"
    return InputError(
        got=f"{flag} {text}, {whose} fails when it is {when} ({type(error).__name__}: {said})",
        need=need,
        remedy=f"{mend}; --debug shows how it came there",
    )
