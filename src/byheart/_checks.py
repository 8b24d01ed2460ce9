"""Refusals that teach: every bad input is answered with what was got, what is needed, and what to do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, get_args

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from torch import Tensor

__all__ = ["InputError", "check_finite", "extra_missing", "meant", "refused"]

LONGEST = 60  # characters of a value that are shown


class InputError(ValueError):
    """Bad input, in three parts: what was `got`, what the code `need`s, and the `remedy`.

    The command line prints the parts one a line; in Python they read as one sentence.
    """

    def __init__(self, *, got: str, need: str, remedy: str) -> None:
        super().__init__(got, need, remedy)
        self.got, self.need, self.remedy = got, need, remedy

    def __str__(self) -> str:
        return f"got {self.got}; need {self.need}; {self.remedy}"

    def __reduce__(self) -> tuple[object, tuple[str, str, str]]:
        # Keyword-only construction would break the trip back from a worker process.
        return _rebuild, (self.got, self.need, self.remedy)


def _rebuild(got: str, need: str, remedy: str) -> InputError:
    return InputError(got=got, need=need, remedy=remedy)


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
    """`did you mean …? `, for the front of a remedy, or nothing where no known word is near."""
    from difflib import get_close_matches

    near = get_close_matches(word, list(known), n=1)
    return f"did you mean {near[0]}? " if near else ""


def extra_missing(purpose: str, extra: str) -> ImportError:
    """The ImportError for a missing optional part, with the exact pip line that brings it."""
    return ImportError(f"{purpose} needs: pip install 'byheart[{extra}]'")


def refused(
    error: ValidationError, spec: type[BaseModel], place: Callable[[str], str] = lambda key: key
) -> InputError:
    """The refusal of settings that were read as `spec`: the key in the file, what fits there, the nearest known name.

    place: a dotted key of the settings -> that key in the user's file.
    """
    found = error.errors(include_url=False)
    # A misspelled name is also one that is missing: the first says what happened.
    first = next((one for one in found if one["type"] == "extra_forbidden"), found[0])
    context = first.get("ctx", {})
    if isinstance(inner := context.get("error"), InputError):
        return inner  # a specification refused it in these three parts itself
    path, specs = _walk(spec, first["loc"])
    more = f" (and {len(found) - 1} more that do not fit)" if len(found) > 1 else ""
    value, key = first["input"], place(path)
    match first["type"]:
        case "extra_forbidden":
            known = sorted({name for one in specs for name in one.model_fields})
            return InputError(
                got=f"{key} = {_short(value)}, a setting that does not exist{more}",
                need=f"one of {', '.join(known)}",
                remedy=meant(path.rpartition(".")[2], known) + f"correct or remove `{key}`",
            )
        case "missing":
            return InputError(got=f"no {key}{more}", need=f"the setting `{key}`", remedy=f"add `{key}`")
        case "union_tag_invalid" | "union_tag_not_found":
            value, key = context.get("tag"), place(f"{path}.kind")
            return _not_among(key, value, [kind for one in specs if (kind := _kind(one))], more)
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
    """The dotted key of a place inside `spec`, and the specifications that may stand there.

    Left out of the key are the names that pydantic gives to the branches of a union.
    """
    specs, keys = [spec], []
    for part in path:
        owners = [one for one in specs if part in one.model_fields]
        if owners:
            keys.append(str(part))
            specs = [inner for one in owners for inner in _specs_in(one.model_fields[str(part)].annotation)]
        elif isinstance(part, int):
            keys[-1] += f" (entry {part + 1})"
        elif chosen := [one for one in specs if _kind(one) == part]:
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
