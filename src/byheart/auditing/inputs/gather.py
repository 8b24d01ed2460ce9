"""What a user may pass as samples, training images or held-out images, and how each is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn
from torch.utils.data import IterableDataset

from byheart._checks import InputError, expanded, meant, printable
from byheart.auditing.inputs.collect import collect
from byheart.auditing.inputs.drawn import drawn, is_pipeline, model_name
from byheart.auditing.inputs.named import named
from byheart.auditing.inputs.sets import Images, Rows, What, in_words
from byheart.auditing.inputs.size import Pad
from byheart.data.dataset import Dataset
from byheart.data.reader.columns import columns_of, from_column, from_columns, is_column
from byheart.data.reader.items import from_sequence
from byheart.data.reader.path import from_path
from byheart.data.reader.reading import USUAL, Reading
from byheart.data.reader.source import Source, from_array, from_table, shortened
from byheart.data.reader.tensors import as_numpy
from byheart.data.tables import Table
from byheart.data.words import KNOWN, lies, set_name

__all__ = ["gather"]

DRAWN = 1000
"""Samples that are drawn from a model unless a count is given."""

_MEANT = (
    "a folder of images, a file .npy, .npz, .safetensors or .parquet, a named set, an array, a tensor, "
    "a data set with items, a table, or (as samples) a model"
)


_LISTED = "what can only be walked through is listed first: list(itertools.islice(source, 1000))"
_NO_SETS = (Mapping, bytes, bytearray, memoryview, IterableDataset)
"""Types that have a length and items, which are no samples."""


def gather(
    source: Any,
    *,
    what: What,
    count: int | None = None,
    seed: int = 0,
    channels: int | None = None,
    pad: Pad = "edge",
    shape: tuple[int, ...] | None = None,
    levels: Tensor | None = None,
    batch: int | None = None,
    reading: Reading = USUAL,
    alone: bool = True,
    to_pixels: Callable[[Tensor], Tensor] | None = None,
) -> Images | Rows:
    """Read one of the three sets: images at the working size, or rows of features.

    source: a folder of images or of Parquet shards; a file of arrays or Parquet; a named set or a slice of it (see
    `named`); an array or tensor; a `Dataset`; a table in memory (see `columns`); anything with a length and items (see
    `items.from_sequence`); as samples, a pipeline, a sampler(n, generator) or a denoiser (see `drawn`).
    count: how many, drawn at random by `seed`; None: all, or 1,000 of a model.  channels: 1 or 3, see `collect`.
    pad: see `size`.  reading: of pictures that can be read in two ways.  alone: see `collect`.
    shape, levels, batch, to_pixels: of a model, see `drawn`.
    Raises InputError for everything that is none of these or cannot be used, and for settings of a model without one.
    """
    if not _is_model(source):
        _check_undrawn(what, shape=shape, levels=levels, batch=batch)
    if isinstance(source, Images | Rows):
        return source
    if _is_model(source):
        if what != "samples":
            raise InputError(
                got=f"a {model_name(source)} as {in_words(what)}",
                need="stored images",
                remedy="only samples are drawn from a model; draw these yourself, and pass the array",
            )
        number = DRAWN if count is None else count
        values = drawn(source, number, seed, shape=shape, levels=levels, batch=batch, to_pixels=to_pixels)
        name = shortened(f"{len(values):,} samples of {model_name(source)}")
        return collect(
            from_array(name, values).under(reading), what=what, channels=channels, pad=pad, alone=alone
        )
    stored = _stored(source, what).under(reading)
    return collect(stored, what=what, count=count, seed=seed, channels=channels, pad=pad, alone=alone)


def _is_model(source: Any) -> bool:
    if is_pipeline(source) or isinstance(source, nn.Module):
        return True
    return callable(source) and not hasattr(source, "__getitem__")


def _check_undrawn(what: What, **drawing: object) -> None:
    """Raise InputError for settings of drawing where nothing is drawn: they would be ignored."""
    given = [name for name, value in drawing.items() if value is not None]
    if given:
        raise InputError(
            got=f"{', '.join(given)} with {in_words(what)} that are stored",
            need="a model, from which samples are drawn so",
            remedy=f"leave {' and '.join(given)} out",
        )


def _stored(source: object, what: What) -> Source:
    match source:
        case str() if (chosen := set_name(source)) is not None:
            return named(source, chosen)
        case str() | Path():
            return _at_path(str(source), what)
        case np.ma.MaskedArray() if source.mask.any():
            raise InputError(
                got=f"{in_words(what)} as an array of which {source.mask.sum():,} values are masked",
                need="a value everywhere",
                remedy="fill them, source.filled(0), or take these samples out",
            )
        case np.ndarray() if source.dtype.kind in "US" and source.ndim == 1:
            return from_column(f"array {source.shape}", source)
        case np.ndarray():
            return from_array(f"array {source.shape}", np.asarray(source))
        case Tensor():
            values = as_numpy(source)
            return from_array(f"tensor {values.shape}", values)
        case Dataset():
            pixels = source.to_pixels(source.images).numpy()
            return replace(from_array(source.name, pixels), notes=source.notes)
        case Table():
            return from_table(f"column {source.column}", source)
    columns, kind = columns_of(source), type(source).__name__
    if columns is not None:
        return from_columns(f"{kind} of {len(columns[0][1]) if columns else 0:,}", columns)
    if is_column(source):
        return from_column(f"{kind} of {len(source):,}", source)  # type: ignore[arg-type]
    if hasattr(source, "__len__") and hasattr(source, "__getitem__") and not isinstance(source, _NO_SETS):
        return from_sequence(f"{kind} of {_length(source, what):,}", source)
    if isinstance(source, Mapping):
        kind = "the parts " + ", ".join(printable(str(key)) for key in source)
    raise InputError(got=f"{in_words(what)} as {kind}", need=_MEANT, remedy=_remedy(source))


def _length(source: Any, what: What) -> int:
    try:
        return len(source)
    except TypeError as error:
        raise InputError(
            got=f"{in_words(what)} as {type(source).__name__} without a length ({printable(str(error))[:200]})",
            need=_MEANT,
            remedy=_LISTED,
        ) from error


def _remedy(source: object) -> str:
    if isinstance(source, Mapping):
        return "choose a part, for example dataset['train']"
    if isinstance(source, AbstractSet):
        return "a set has no order: pass a list"
    if isinstance(source, bytes | bytearray | memoryview):
        return "pass the path of the file, or an array: numpy.frombuffer(…).reshape(…)"
    if hasattr(source, "collect"):
        return "compute the table first: frame.collect()"
    if hasattr(source, "dataset"):
        return "pass what the loader reads: loader.dataset"
    return _LISTED if hasattr(source, "__iter__") else "pass one of these"


def _at_path(text: str, what: What) -> Source:
    if not text.strip():
        raise InputError(
            got=f"{in_words(what)} at an empty path",
            need=_MEANT,
            remedy="name it; a variable of the shell may be unset",
        )
    path = expanded(text)
    if not lies(path):
        raise InputError(
            got=f"{in_words(what)} {printable(shortened(text))}, where nothing lies",
            need=_MEANT,
            remedy=meant(text.partition(":")[0], KNOWN) + "check the path; sets by name: `byheart data ls`",
        )
    return from_path(path, text)
