"""Names of numbers in a record: what their endings say, and that no two numbers share a name."""

from __future__ import annotations

from typing import Literal, TypeVar

from byheart._checks import InputError
from byheart._records import Scalar

__all__ = ["Record", "Where", "distinct"]

T = TypeVar("T")

Record = dict[str, Scalar]
"""Name -> value, flat: the vocabulary is documented in docs/reference/records.md."""

Where = Literal["", "/heldout", "/empirical", "/train", "/fresh"]
"""What a name ends in: nothing for the samples of the denoiser, else what stands in the place of the samples."""


def distinct(values: tuple[T, ...]) -> tuple[T, ...]:
    """Give the settings of a measure back if each gives numbers of the record a name of their own.

    Raises InputError where two settings agree in their first six digits, with which they are written in a name.
    """
    names = [f"{value:g}" if isinstance(value, float) else value for value in values]
    if len(set(names)) < len(names):
        raise InputError(
            got=f"{values} with the same entry twice",
            need="entries that differ in their first six digits: each is a name in the record",
            remedy="leave the repeated entry out",
        )
    return values
