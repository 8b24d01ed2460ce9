"""The images and the code from which a result was made."""

from __future__ import annotations

import platform
from collections.abc import Sequence

import numpy
import torch

from byheart._version import __version__
from byheart.auditing.inputs import Images, Rows
from byheart.auditing.record import InputSet
from byheart.auditing.stored.train import Stored

__all__ = ["source_of", "versions"]

_NAMED = 10_000  # blank images that are named; a result stays a file that can be opened


def source_of(one: Images | Rows | Stored, blank: Sequence[str] = ()) -> InputSet:
    """Make the record of a set.  blank: names of the blank images of the set."""
    return InputSet(
        name=one.name,
        count=len(one),
        shape=tuple(one.shape),
        resized=_resized(one),
        fingerprint=one.fingerprint,
        unreadable=() if isinstance(one, Stored) else one.unreadable,
        blank=len(blank),
        blank_names=tuple(blank[:_NAMED]),
    )


def _resized(one: Images | Rows | Stored) -> str:
    if isinstance(one, Images):
        return one.resized
    images = isinstance(one, Stored) and one.are_images
    return "taken as it is" if images else "features, taken as they are"


def versions() -> tuple[tuple[str, str], ...]:
    """List the names and versions of the packages that compute the numbers."""
    return (
        ("byheart", __version__),
        ("torch", torch.__version__),
        ("numpy", numpy.__version__),
        ("python", platform.python_version()),
    )
