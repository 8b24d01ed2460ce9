"""Rows of features from where they lie, and what images and features are asked alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from byheart._checks import InputError
from byheart.auditing.inputs.sets import Numbered, Rows
from byheart.auditing.inputs.source import Source
from byheart.auditing.inputs.values import check_numbers
from byheart.data.dataset import fingerprint
from byheart.data.pictures import Unreadable, printable
from byheart.data.raw import Array
from byheart.data.tables import Block

__all__ = ["check_varied", "extent_of", "names_of", "vectors"]


def vectors(source: Source, label: str, rows: Array, blocks: Iterator[Block]) -> Rows:
    """The rows of a source of vectors in float32; an array that is that already is shared, not copied.

    blocks: of these rows.  Raises InputError unless they are finite, of one length, and differ.
    """
    array = source.array
    if array is not None and len(rows) == len(array) and _is_plain(array):
        values = array  # as it is, mapped from its file
        extent_of(label, source)
    else:
        values = _assembled(source, label, rows, blocks)
    check_varied(label, values)
    names = names_of(source.names, rows)
    return Rows(source.name, torch.from_numpy(values), names, fingerprint(values), place=source.place)


def _is_plain(array: Array) -> bool:
    return array.dtype == np.float32 and array.flags.c_contiguous and array.flags.writeable


def _assembled(source: Source, label: str, rows: Array, blocks: Iterator[Block]) -> Array:
    """Vectors in float32.  Raises InputError unless they are finite and of one length, none missing."""
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


def _stacked(label: str, block: list[Array | Unreadable], names: Sequence[str]) -> Array:
    first = next((item for item in block if isinstance(item, np.ndarray)), np.empty(0))
    for item, name in zip(block, names, strict=True):
        if isinstance(item, Unreadable):
            raise InputError(
                got=f"{label} with {printable(name)} unreadable ({item})",
                need="a vector in every row",
                remedy="remove such rows",
            )
        if item.shape != first.shape:
            raise _of_other_length(label, name, item.shape, first.shape)
    return np.stack([item for item in block if isinstance(item, np.ndarray)])


def _of_other_length(label: str, name: str, got: object, need: object) -> InputError:
    return InputError(
        got=f"{label} with {printable(name)} of shape {got} among others of {need}",
        need="vectors of one length",
        remedy="check how the features were made",
    )


def extent_of(label: str, source: Source) -> tuple[float, float]:
    """Smallest and largest value of a whole array.  Raises InputError unless all are finite."""
    lows, highs, at = [], [], 0
    for part in source.blocks(np.arange(len(source.names))):
        assert isinstance(part, np.ndarray)  # blocks of an array are arrays
        check_numbers(label, part, source.names[at : at + len(part)].__getitem__)
        lows.append(float(part.min()))
        highs.append(float(part.max()))
        at += len(part)
    return min(lows), max(highs)


def names_of(names: Sequence[str], rows: Sequence[int] | Array) -> Sequence[str]:
    """The names of these rows, without a string each where they are numbers."""
    if len(rows) == len(names):
        return names
    if isinstance(names, Numbered):
        return Numbered([names.rows[int(row)] for row in rows])
    return tuple(names[int(row)] for row in rows)


def check_varied(label: str, values: Array) -> None:
    if len(values) < 2:
        raise InputError(
            got=f"{label}, which is one alone", need="at least 2, better hundreds", remedy="add more of them"
        )
    if not any((values[at : at + 1024] != values[:1]).any() for at in range(0, len(values), 1024)):
        raise InputError(
            got=f"{label}, {len(values):,} that are all the same",
            need="different ones",
            remedy="check what was written: if a model made them, it makes one image only",
        )
