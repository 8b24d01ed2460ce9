"""Frozen specifications, their identity, and files that are never half written."""

from __future__ import annotations

import hashlib
import json
import math
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

from byheart._checks import refused

__all__ = ["Scalar", "Spec", "canonical_json", "differing", "identity", "plain_json", "write_atomic"]

Scalar = str | int | float | bool | None
"""What a flat record may hold."""


class Spec(BaseModel):
    """Base of every specification: frozen, closed to unknown fields, JSON in and out.

    Raises InputError where it is written down by name, `Plan(samples=1)`; `model_validate` raises pydantic's own error.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def __init__(self, **settings: Any) -> None:
        try:
            super().__init__(**settings)
        except ValidationError as error:
            raise refused(error, type(self)) from error

    # Without this mark pydantic would call it for every specification inside another one, and lose its place.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]


def canonical_json(spec: BaseModel) -> str:
    """Write the one JSON text of a specification: keys sorted, no spaces, nothing that is a default.

    A field that is added with a default therefore changes no text.  What the defaults are is held by a test.
    """
    return json.dumps(differing(spec), sort_keys=True, separators=(",", ":"), allow_nan=False)


def differing(spec: BaseModel) -> dict[str, Any]:
    """List the settings of a specification that are not their defaults, in plain values, and its `kind` always.

    `kind` stays at every depth: it says which specification the other settings belong to.
    """
    fields = type(spec).model_fields
    chosen = {name for name, value in spec if name == "kind" or not _is_default(value, fields[name])}
    plain = spec.model_dump(mode="json", include=chosen)
    return {name: _differing(getattr(spec, name), plain[name]) for name in sorted(chosen)}


def _differing(value: object, plain: Any) -> Any:
    """The plain form of a setting, with the specifications inside it reduced to what differs from their defaults."""
    if isinstance(value, BaseModel):
        return differing(value)
    if isinstance(value, Mapping):
        return {str(key): _differing(inner, plain[str(key)]) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_differing(inner, one) for inner, one in zip(value, plain, strict=True)]
    return plain


def _is_default(value: object, field: FieldInfo) -> bool:
    return bool(value == field.get_default(call_default_factory=True))


def identity(spec: BaseModel, length: int = 12) -> str:
    """Give the first `length` hexadecimal digits of the SHA-256 of the canonical JSON."""
    return hashlib.sha256(canonical_json(spec).encode()).hexdigest()[:length]


def plain_json(record: Mapping[str, object], *, indent: int | None = None) -> str:
    """JSON of a record, with NaN and infinities as null: readers in any language accept it."""
    return json.dumps(_finite(record), indent=indent, allow_nan=False)


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return value


def write_atomic(path: Path, content: bytes | str) -> None:
    """Write a file whole or not at all: a temporary file beside it, fsync, then rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content.encode() if isinstance(content, str) else content)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o644)  # mkstemp makes it private; a run folder is for sharing
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
