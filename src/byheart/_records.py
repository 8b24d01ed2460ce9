"""Frozen specifications, their ids, and files that are written completely or not at all."""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import re
import stat
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

from byheart._checks import refused

__all__ = [
    "Scalar",
    "Spec",
    "canonical_json",
    "create_first",
    "differing",
    "identity",
    "is_stream",
    "naming",
    "open_whole",
    "plain_json",
    "write_atomic",
]

Scalar = str | int | float | bool | None
"""What a flat record may hold."""

DRAFT = ".byheart-"  # how the name of a temporary file begins
STREAMS = {"/dev/stdout": 1, "/dev/stderr": 2}
PATIENCE, POLL = 10.0, 0.05  # seconds to wait for the reader of a pipe, and between two attempts


class Spec(BaseModel):
    """Base of every specification: frozen, closed to unknown fields, JSON in and out.

    `Plan(samples=1)` raises InputError for wrong settings; `model_validate` raises pydantic's own error.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def __init__(self, **settings: Any) -> None:
        try:
            super().__init__(**settings)
        except ValidationError as error:
            raise refused(error, type(self)) from error

    # Without this mark pydantic would call __init__ for every nested specification, and lose the location of the error.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]


def canonical_json(spec: BaseModel) -> str:
    """Write a specification as JSON in its only form: keys sorted, no spaces, without settings that are defaults.

    A field that is added with a default therefore changes no text.  A test fails if a default changes.
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
    """Return the plain form of a setting; specifications inside the setting are reduced to what differs from their defaults."""
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
    """Return the first `length` hexadecimal digits of the SHA-256 of the canonical JSON."""
    return hashlib.sha256(canonical_json(spec).encode()).hexdigest()[:length]


def plain_json(record: Mapping[str, object], *, indent: int | None = None) -> str:
    """Write a record as JSON, with NaN and infinities as null, so that readers in any language accept the text."""
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
    """Write a file completely or not at all, even if the process crashes, as `open_whole` does."""
    with open_whole(path) as stream:
        stream.write(content.encode() if isinstance(content, str) else content)


@contextmanager
def open_whole(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing that appears complete at the end of the block, or not at all if the block raises.

    The new file has the permissions of the file that it replaces, or those that the umask leaves.
    For a symbolic link the target is replaced, and the link stays.  A device, a pipe, /dev/stdout and similar files cannot be
    replaced, and are written directly.
    Raises OSError, which names the path, for a folder, a full disk, a pipe without a reader, and other failures.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    opened = _straight(path) if is_stream(path) else _replacing(Path(os.path.realpath(path)))
    with naming(path), opened as stream:
        yield stream


def create_first(path: Path, text: str) -> None:
    """Create a file with this text, if no other process was first; a file that could not be written whole is removed.

    Raises FileExistsError if the file exists, and OSError, which names the path, for other failures.
    """
    with naming(path), path.open("x") as stream:
        try:
            stream.write(text)
            stream.flush()
        except BaseException:
            path.unlink()  # an incomplete file would pass for the first one for good
            raise


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Name this path in errors of the system that name no file, or a temporary file."""
    try:
        yield
    except OSError as error:
        if error.errno is None or not (error.filename is None or DRAFT in str(error.filename)):
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def is_stream(path: Path) -> bool:
    """Say whether a path is a device, a pipe, a socket or an open descriptor: what can be written but not replaced."""
    return _descriptor(path) is not None or (path.exists() and not path.is_file() and not path.is_dir())


def _descriptor(path: Path) -> int | None:
    """Return the open descriptor for which a path such as /dev/stdout or /dev/fd/63 stands; None for another path."""
    name = str(path.absolute())
    if name in STREAMS:
        return STREAMS[name]
    number = re.fullmatch(r"/(?:dev|proc/self)/fd/(\d+)", name)
    return int(number[1]) if number else None


@contextmanager
def _straight(path: Path) -> Iterator[BinaryIO]:
    descriptor = _descriptor(path)
    if descriptor is not None:
        # Not opened by name: that would overwrite the beginning of a file to which output was redirected.
        for printed in (sys.stdout, sys.stderr):
            if printed is not None:
                printed.flush()
    with os.fdopen(_to_write(path) if descriptor is None else os.dup(descriptor), "wb") as stream:
        yield stream


def _to_write(path: Path) -> int:
    """Open a device, or a pipe after waiting some seconds for its reader: without a reader, opening would never end."""
    for _ in range(round(PATIENCE / POLL)):
        try:
            handle = os.open(path, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            time.sleep(POLL)
        else:
            os.set_blocking(handle, True)
            return handle
    raise OSError(errno.ENXIO, f"nobody read it for {PATIENCE:.0f} seconds", str(path))


@contextmanager
def _replacing(target: Path) -> Iterator[BinaryIO]:
    """Write a temporary file beside the target, call fsync, then rename the file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    before = target.stat() if target.exists() else None
    # The name does not contain that of the target, which may already have the maximal length.
    temporary = target.with_name(DRAFT + os.urandom(6).hex())
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    handle = os.open(temporary, flags, 0o666 if before is None else 0o600)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            if before is not None:
                _make_like(before, stream.fileno())
            os.fsync(stream.fileno())
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _make_like(before: os.stat_result, handle: int) -> None:
    """Give an open file the owner and the permissions of the file that it will replace, if the file system has them."""
    with suppress(OSError):
        os.fchown(handle, before.st_uid, before.st_gid)
    with suppress(OSError):
        os.fchmod(handle, stat.S_IMODE(before.st_mode))
