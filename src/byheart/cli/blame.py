"""Whose code an error comes out of: the user's own, or that of byheart and of what it stands on."""

from __future__ import annotations

import inspect
import sysconfig
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import dropwhile
from pathlib import Path
from traceback import walk_tb
from types import FrameType, ModuleType
from typing import Any

__all__ = ["Line", "hiding_file", "line_of_object", "line_of_the_user"]

PACKAGE = Path(__file__).parents[1]
INSTALLED = ("site-packages", "dist-packages")
STANDARD = tuple(Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib"))
LIBRARIES = ("byheart", "torch", "numpy", "PIL", "builtins", "functools")
"""Whose own code calls theirs: that a frame lies there says nothing about an object of the user's."""


@dataclass(frozen=True)
class Line:
    """A line of a file of the user's, or no line where the error arose at the call itself, or inside of a package."""

    file: str = ""
    number: int = 0

    def __str__(self) -> str:
        return f"line {self.number} of {self.file}" if self.file else "it"


def line_of_the_user(error: BaseException) -> Line | None:
    """The innermost line of the error's way that is in a file of the user's; None where there is no such file."""
    return _innermost(error, lambda frame: _is_users(frame.f_code.co_filename))


def hiding_file(error: BaseException) -> str | None:
    """The file of the user's that was imported in the place of a module that has what is missed; None if it is no such error."""
    file = error.path if isinstance(error, ImportError) else None
    if isinstance(error, AttributeError) and isinstance(error.obj, ModuleType):
        file = error.obj.__file__
    return file if isinstance(file, str) and file.endswith(".py") and _is_users(file) else None


def line_of_object(error: BaseException, thing: Any, module: str) -> Line | None:
    """The line at which an object of the user's failed; None where the error did not come out of it.

    thing: a function, a partial of one, or any object that is called.  module: where it was taken from, full name.
    """
    parts = list(_parts(thing))
    roots = {_root(name) for name in (module, *map(_home, parts))} - set(LIBRARIES)

    def is_its(frame: FrameType) -> bool:
        return _root(frame.f_globals.get("__name__", "")) in roots or any(
            frame.f_locals.get("self") is part for part in parts
        )

    if _innermost(error, is_its) is not None:
        return line_of_the_user(error) or Line()
    return Line() if isinstance(error, TypeError) and _refused_call(str(error), parts) else None


def _innermost(error: BaseException, wanted: Callable[[FrameType], bool]) -> Line | None:
    """The last wanted frame below the first one of byheart: what lies above called byheart, and was not called by it."""
    below = dropwhile(lambda step: not _is_ours(step[0].f_code.co_filename), walk_tb(error.__traceback__))
    steps = [(frame, number) for frame, number in below if wanted(frame)]
    return Line(steps[-1][0].f_code.co_filename, steps[-1][1]) if steps else None


def _parts(thing: Any) -> Iterator[Any]:
    """The object, and what it is a partial of."""
    yield thing
    while isinstance(thing, partial):
        thing = thing.func
        yield thing


def _home(thing: Any) -> str:
    """The module that a function, or the type of an object, was written in."""
    # Attributes of an object that is no routine are not asked for: it may look them up anywhere, and fail.
    return str((thing.__module__ if inspect.isroutine(thing) else None) or type(thing).__module__)


def _root(module: object) -> str:
    return str(module).partition(".")[0]


def _refused_call(text: str, parts: list[Any]) -> bool:
    """Whether Python refused the arguments of a call of one of them: no line of theirs was reached then."""
    routines = [part for part in parts if inspect.isroutine(part)]
    names = [name for part in routines for name in (part.__qualname__, part.__name__)]
    names += [f"{type(part).__qualname__}.__call__" for part in parts if part not in routines]
    return any(text.startswith(f"{name}()") for name in names)


def _is_ours(file: str) -> bool:
    return PACKAGE in Path(file).parents


def _is_users(file: str) -> bool:
    path = Path(file)
    return not (
        file.startswith("<")
        or _is_ours(file)
        or any(part in INSTALLED for part in path.parts)
        or any(home in path.parents for home in STANDARD)
    )
