"""Of which images, and with which code, a result was made."""

from __future__ import annotations

import platform

import numpy
import torch

from byheart._version import __version__
from byheart.auditing.inputs import Images, Rows
from byheart.auditing.record import InputSet

__all__ = ["source_of", "versions"]


def source_of(one: Images | Rows) -> InputSet:
    """What a result keeps of a set."""
    return InputSet(
        name=one.name,
        count=len(one),
        shape=tuple(one.shape),
        resized=one.resized if isinstance(one, Images) else "features, taken as they are",
        fingerprint=one.fingerprint,
        unreadable=one.unreadable,
    )


def versions() -> tuple[tuple[str, str], ...]:
    """Name and version of what the numbers come from."""
    return (
        ("byheart", __version__),
        ("torch", torch.__version__),
        ("numpy", numpy.__version__),
        ("python", platform.python_version()),
    )
