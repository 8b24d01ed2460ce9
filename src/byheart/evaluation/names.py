"""Names of numbers in a record: the meaning of their endings, and a check that no two numbers share a name."""

from __future__ import annotations

from typing import Literal, TypeVar

from byheart._checks import InputError
from byheart._records import Scalar

__all__ = ["Record", "Where", "distinct"]

T = TypeVar("T")

Record = dict[str, Scalar]
"""Name -> value, flat: the vocabulary is documented in docs/reference/records.md."""

Where = Literal["", "/heldout", "/empirical", "/train", "/fresh"]
"""The ending of a name: nothing for the samples of the denoiser, else the images in place of the samples."""


def distinct(values: tuple[T, ...]) -> tuple[T, ...]:
    """Return the settings of a measure, if each gives the numbers of the record a name of its own.

    Raises InputError if two settings agree in their first six digits, because names are written with six digits.
    """
    names = [f"{value:g}" if isinstance(value, float) else value for value in values]
    if len(set(names)) < len(names):
        raise InputError(
            got=f"{values} with the same entry twice",
            need="entries that differ in their first six digits: each is a name in the record",
            remedy="leave the repeated entry out",
        )
    return values
