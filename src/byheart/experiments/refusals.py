"""Settings that do not fit, refused in the words of the TOML file that they came from."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from byheart._checks import InputError, meant

__all__ = ["refused"]

LONGEST = 60  # characters of a value that are shown


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
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [spec for argument in get_args(annotation) for spec in _specs_in(argument)]


def _kind(spec: type[BaseModel]) -> str | None:
    return spec.model_fields["kind"].default if "kind" in spec.model_fields else None


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST else text[:LONGEST] + " …"
