"""Rows of features, read from their source, and a check that images and features share."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch

from byheart._checks import InputError
from byheart.auditing.inputs.sets import Rows
from byheart.data.dataset import fingerprint
from byheart.data.raw import Array
from byheart.data.reader.ranges import extent_of
from byheart.data.reader.source import Source, names_of
from byheart.data.reader.vectors import assembled
from byheart.data.tables import Block

__all__ = ["check_varied", "vectors"]


def vectors(source: Source, label: str, rows: Array, blocks: Iterable[Block]) -> Rows:
    """Read the rows of a source of vectors in float32; an array of this type already is shared, not copied.

    blocks: of these rows.  Raises InputError unless they are finite, of one length, and differ.
    """
    array = source.array
    if array is not None and len(rows) == len(array) and _is_plain(array):
        values = array  # as it is, mapped from its file
        extent_of(label, source)
    else:
        values = assembled(source, label, rows, blocks)
    check_varied(label, values)
    names = names_of(source.names, rows)
    return Rows(
        source.name,
        torch.from_numpy(values),
        names,
        fingerprint(values),
        place=source.place,
        notes=source.notes,
        columns=source.columns,
    )


def _is_plain(array: Array) -> bool:
    return array.dtype == np.float32 and array.flags.c_contiguous and array.flags.writeable


def check_varied(label: str, values: Array) -> None:
    """Raise InputError unless there are two rows at least, and not all the same."""
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
