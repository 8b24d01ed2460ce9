"""Errors that help: for every bad input the message says what was given, what is needed, and what to do."""

from __future__ import annotations

import errno
import math
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from torch import Tensor

    from byheart.numerics.indexed import Indexed

__all__ = [
    "OPEN_FILES",
    "InputError",
    "check_alike",
    "check_default_device",
    "check_finite",
    "check_least",
    "check_not_negative",
    "check_open",
    "check_ratio",
    "check_shape",
    "check_tensor",
    "extra_missing",
    "expanded",
    "meant",
    "of_file",
    "printable",
    "refused",
    "unknown",
]

FROM_ELSEWHERE = "write torch.from_numpy(array) or torch.as_tensor(list)"
OPEN_FILES = ("fewer open files, or a higher limit", "raise the limit: ulimit -n 4096")
"""What is needed, and what to do, where the system refuses to open one file more."""

LONGEST = 60  # characters of a value that are shown


class InputError(ValueError):
    """Bad input, in three parts: what was `got`, what the code `need`s, and the `remedy`.

    The command line prints one part per line; in Python the parts read as one sentence.  Both forms are `printable`, so that the
    parts may hold names and contents of files unchanged.
    """

    def __init__(self, *, got: str, need: str, remedy: str) -> None:
        super().__init__(got, need, remedy)
        self.got, self.need, self.remedy = got, need, remedy

    def __str__(self) -> str:
        return printable(f"got {self.got}; need {self.need}; {self.remedy}")

    def __reduce__(self) -> tuple[object, tuple[str, str, str]]:
        # Keyword-only construction would break the trip back from a worker process.
        return _rebuild, (self.got, self.need, self.remedy)


def _rebuild(got: str, need: str, remedy: str) -> InputError:
    return InputError(got=got, need=need, remedy=remedy)


def printable(text: str) -> str:
    """Write out control characters, direction marks and undecodable bytes of a text, so that a terminal can show it."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def expanded(path: Path | str) -> Path:
    """Replace a leading `~` or `~user` of a path by the home folder.

    Raises InputError if there is no such user, or the home folder is unknown.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        user = Path(path).parts[0]
        raise InputError(
            got=f"{path}, where {user} stands for no home folder",
            need="a user of this machine behind the ~"
            if user != "~"
            else "a home folder, in the variable HOME",
            remedy="write the whole path",
        ) from error


def check_finite(name: str, x: Tensor) -> None:
    """Raise InputError if x holds a NaN or an infinity, saying how many and where the first one is.

    name: what the caller calls x.  x: any shape.
    """
    good = x.isfinite()
    if bool(good.all()):
        return
    bad = (~good).nonzero()
    raise InputError(
        got=f"{name} with {len(bad)} values that are NaN or infinite (first at index {tuple(bad[0].tolist())})",
        need="finite numbers only",
        remedy=f"remove or repair those rows of {name}",
    )


def meant(word: str, known: Iterable[str]) -> str:
    """Write `did you mean …? `, to begin a remedy with, or an empty text if no known word is similar."""
    from difflib import get_close_matches

    near = get_close_matches(word, list(known), n=1)
    return f"did you mean {near[0]}? " if near else ""


def check_open(name: str, value: float, high: float = math.inf, *, remedy: str) -> None:
    """Raise InputError unless 0 < value < high.  name: what the caller calls it."""
    if not 0 < value < high:
        need = f"0 < {name} < infinity" if math.isinf(high) else f"{name} between 0 and {high:g}"
        raise InputError(got=f"{name} {value:g}", need=need, remedy=remedy)


def check_not_negative(name: str, value: float, *, remedy: str) -> None:
    """Raise InputError unless 0 ≤ value < infinity.  name: what the caller calls it."""
    if not 0 <= value < math.inf:
        raise InputError(got=f"{name} {value:g}", need=f"0 ≤ {name} < infinity", remedy=remedy)


def check_default_device() -> None:
    """Raise InputError if torch's default device is not the CPU: new tensors and random numbers would be on another device."""
    import torch

    if (device := torch.empty(0, dtype=torch.float32).device).type != "cpu":
        raise InputError(
            got=f"{device} as torch's default device",
            need="the CPU as default: models and data stay on their own device, and seeds mean the same numbers everywhere",
            remedy='write `with torch.device("cpu"):` around the call, or take torch.set_default_device out',
        )


def check_least(name: str, value: int, least: int = 1, of: str = "", *, remedy: str) -> None:
    """Raise InputError for a count below the smallest one allowed.  name: what the caller calls the count.  of: what is counted."""
    if value < least:
        raise InputError(got=f"{name} {value}", need=f"at least {least} {of}".rstrip(), remedy=remedy)


def check_ratio(threshold: float, name: str = "threshold") -> None:
    """Raise InputError unless the threshold on d₁/d₂ lies in (0, 1]."""
    if not 0 < threshold <= 1:
        raise InputError(
            got=f"{name} {threshold:g}",
            need="a ratio of distances in (0, 1]",
            remedy="use 1/3, the usual one",
        )


def check_tensor(name: str, x: object, shape: str, *, remedy: str = FROM_ELSEWHERE) -> None:
    """Raise InputError for anything but a tensor.  shape: the shape that is needed, in words."""
    from torch import Tensor

    if not isinstance(x, Tensor):
        raise InputError(got=f"{name} as {type(x).__name__}", need=f"a tensor {shape}", remedy=remedy)


def check_shape(name: str, x: Tensor, one: str, shape: str, *, floats: bool = True, remedy: str) -> None:
    """Raise InputError unless x is a tensor of that shape with at least one number.

    one: what a row is.  shape: the dimensions by letter, such as "(k, d)"; a last `*shape` stands for one or more.
    floats: floating point only.
    """
    check_tensor(name, x, shape)
    ndim, fixed = shape.count(",") + 1, "*" not in shape
    if (
        (x.ndim != ndim if fixed else x.ndim < ndim)
        or not x.numel()
        or (floats and not x.is_floating_point())
    ):
        raise InputError(
            got=f"{name} of shape {tuple(x.shape)} in {x.dtype}",
            need=f"at least one {one}, {shape}" + (" in floating point" if floats else ""),
            remedy=remedy,
        )


def check_alike(sets: Mapping[str, Indexed], least: int = 1, *, remedy: str) -> None:
    """Raise InputError unless all sets are (n, *shape) of one shape, with `least` rows or more."""
    first = next(iter(sets.values()))
    if any(x.ndim < 2 or x.shape[1:] != first.shape[1:] or len(x) < least for x in sets.values()):
        raise InputError(
            got=", ".join(f"{name} of shape {tuple(x.shape)}" for name, x in sets.items()),
            need="(n, *shape) with the same shape" + (f" and n >= {least}" if least else ""),
            remedy=remedy,
        )


def unknown(what: str, word: object, known: Iterable[str], *, remedy: str) -> InputError:
    """Make the error for a word that is not among the known words.  The remedy begins with the most similar known word."""
    words = list(known)
    return InputError(
        got=f"{what} {word!r}", need="one of " + ", ".join(words), remedy=meant(str(word), words) + remedy
    )


def extra_missing(purpose: str, extra: str) -> ImportError:
    """Make the ImportError for a missing optional part, with the exact pip command that installs it."""
    return ImportError(f"{purpose} needs: pip install 'byheart[{extra}]'")


def of_file(error: OSError) -> InputError:
    """Make the InputError for a file that could not be read or written, from the error that names this file."""
    permitted = ("a path that may be read and written", "check the path, and who may use it: ls -l")
    needs = {
        errno.ENOENT: ("a path that exists", "check the path"),
        errno.EACCES: permitted,
        errno.EPERM: permitted,
        errno.EROFS: ("a place that may be written to", "name another one: this file system is read-only"),
        errno.ENOTDIR: ("a folder", "check the path"),
        errno.EISDIR: ("a file", "check the path"),
        errno.ENOSPC: ("free space there", "make room, or name a place that has some: df -h"),
        errno.EDQUOT: ("free space there", "make room in your quota, or name a place of another"),
        errno.EPIPE: ("a reader until the end", "look why what reads the pipe ended"),
        errno.ENXIO: ("a reader at the other end", "start what reads the pipe first"),
        errno.ENAMETOOLONG: ("a shorter name", "name it shorter"),
        errno.EMFILE: OPEN_FILES,
        errno.ENFILE: OPEN_FILES,
    }
    need, remedy = needs.get(error.errno or 0, ("a path that can be used", "check the path"))
    # Errors of files that are opened by name have a filename; only standard output has none.
    name = "standard output" if error.filename is None else os.fsdecode(error.filename)
    return InputError(got=f"{name} ({error.strerror})", need=need, remedy=remedy)


def refused(
    error: ValidationError, spec: type[BaseModel], place: Callable[[str], str] = lambda key: key
) -> InputError:
    """Make the error for settings that do not fit `spec`: the key in the file, what fits there, the most similar known name.

    place: a dotted key of the settings -> that key in the user's file.
    """
    mistakes = error.errors(include_url=False)
    # A misspelled name is also a missing one: the misspelling is the cause.
    first = next((mistake for mistake in mistakes if mistake["type"] == "extra_forbidden"), mistakes[0])
    context = first.get("ctx", {})
    path, specs = _walk(spec, first["loc"])
    if isinstance(inner := context.get("error"), InputError):  # a specification raised an InputError itself
        where = f"{place(path)}: " if path else ""
        return InputError(got=where + inner.got, need=inner.need, remedy=inner.remedy)
    more = f" (and {len(mistakes) - 1} more that do not fit)" if len(mistakes) > 1 else ""
    value, key = first["input"], place(path)
    match first["type"]:
        case "extra_forbidden":
            known = sorted({name for owner in specs for name in owner.model_fields})
            return InputError(
                got=f"{key} = {_short(value)}, a setting that does not exist{more}",
                need=f"one of {', '.join(known)}",
                remedy=meant(path.rpartition(".")[2], known) + f"correct or remove `{key}`",
            )
        case "missing":
            return InputError(got=f"no {key}{more}", need=f"the setting `{key}`", remedy=f"add `{key}`")
        case "union_tag_invalid" | "union_tag_not_found":
            value, key = context.get("tag"), place(f"{path}.kind")
            return _not_among(key, value, [kind for owner in specs if (kind := _kind(owner))], more)
        case "literal_error":
            return _not_among(key, value, re.findall(r"'([^']*)'", context["expected"]), more)
    return InputError(
        got=f"{key} = {_short(value)}{more}",
        need=first["msg"][:1].lower() + first["msg"][1:],
        remedy=f"correct `{key}`",
    )


def _not_among(key: str, value: object, known: Sequence[str], more: str) -> InputError:
    return InputError(
        got=f"{key} = {_short(value)}{more}" if value is not None else f"no {key}{more}",
        need="one of " + ", ".join(known),
        remedy=meant(str(value), known) + f"correct `{key}`",
    )


def _walk(spec: type[BaseModel], path: Sequence[str | int]) -> tuple[str, list[type[BaseModel]]]:
    """Return the dotted key of a location inside `spec`, and the specifications that may stand there.

    The key leaves out the names that pydantic gives to the branches of a union.
    """
    specs, keys = [spec], []
    for part in path:
        owners = [owner for owner in specs if part in owner.model_fields]
        if owners:
            keys.append(str(part))
            specs = [
                inner for owner in owners for inner in _specs_in(owner.model_fields[str(part)].annotation)
            ]
        elif isinstance(part, int):
            keys[-1] += f" (entry {part + 1})"
        elif chosen := [owner for owner in specs if _kind(owner) == part]:
            specs = chosen
        elif "[" not in part:
            keys.append(part)
    return ".".join(keys), specs


def _specs_in(annotation: Any) -> list[type[BaseModel]]:
    from pydantic import BaseModel

    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [spec for argument in get_args(annotation) for spec in _specs_in(argument)]


def _kind(spec: type[BaseModel]) -> str | None:
    return spec.model_fields["kind"].default if "kind" in spec.model_fields else None


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST else text[:LONGEST] + " …"
