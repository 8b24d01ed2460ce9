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

from byheart._checks import refused

__all__ = ["Scalar", "Spec", "canonical_json", "identity", "plain_json", "write_atomic"]

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
    """The one JSON text of a specification: keys sorted, no spaces, defaults written out."""
    return json.dumps(spec.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), allow_nan=False)


def identity(spec: BaseModel, length: int = 12) -> str:
    """The first `length` hexadecimal digits of the SHA-256 of the canonical JSON."""
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
