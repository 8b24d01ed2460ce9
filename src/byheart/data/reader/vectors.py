"""Vectors of features read whole."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from byheart._checks import InputError, printable
from byheart.data.pictures import Unreadable, values_of
from byheart.data.raw import Array
from byheart.data.reader.source import Source, names_of
from byheart.data.reader.values import check_numbers
from byheart.data.tables import Block, Item

__all__ = ["are_vectors", "assembled"]


def are_vectors(block: Block) -> bool:
    """Say whether the first item of a block that can be read is a vector."""
    item = next((item for item in block if not isinstance(item, Unreadable)), None)
    return isinstance(item, np.ndarray) and item.ndim == 1


def assembled(source: Source, label: str, rows: Array, blocks: Iterable[Block]) -> Array:
    """Assemble vectors in float32.  Raises InputError unless all vectors are finite and of one length, and none is missing."""
    values, at = np.empty((len(rows), 0), np.float32), 0
    for block in blocks:
        names = names_of(source.names, rows[at : at + len(block)])
        part = block if isinstance(block, np.ndarray) else _stacked(label, block, names)
        if not at:
            values = np.empty((len(rows), part.shape[1]), np.float32)
        if part.shape[1] != values.shape[1]:
            raise _of_other_length(label, names[0], part.shape[1:], values.shape[1:])
        check_numbers(label, part, names.__getitem__)
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, which is refused
            values[at : at + len(part)] = part
        check_numbers(label, values[at : at + len(part)], names.__getitem__)
        at += len(part)
    return values


def _stacked(label: str, block: list[Item], names: Sequence[str]) -> Array:
    vectors: list[Array] = []
    for item, name in zip(block, names, strict=True):
        if isinstance(item, Unreadable):
            raise InputError(
                got=f"{label} with {printable(name)} unreadable ({item})",
                need="a vector in every row",
                remedy="remove such rows",
            )
        vector = values_of(item)
        if vectors and vector.shape != vectors[0].shape:
            raise _of_other_length(label, name, vector.shape, vectors[0].shape)
        vectors.append(vector)
    return np.stack(vectors)


def _of_other_length(label: str, name: str, got: object, need: object) -> InputError:
    return InputError(
        got=f"{label} with {printable(name)} of shape {got} among others of {need}",
        need="vectors of one length",
        remedy="check how the features were made",
    )
