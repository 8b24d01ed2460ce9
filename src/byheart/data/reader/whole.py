"""The user's files read whole, as values to train on.

Integers stay as they are stored; floats become float32 in [0, 1], features float32.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from byheart._checks import InputError, printable
from byheart.data.images import check_square, made_ready
from byheart.data.raw import Array, Raw
from byheart.data.reader.contents import check_folder
from byheart.data.reader.folder import refusal_of_unreadable
from byheart.data.reader.path import FILES, from_path
from byheart.data.reader.ranges import Ranges, extent_of
from byheart.data.reader.reading import USUAL, Reading
from byheart.data.reader.source import Group, Source, by_shape, names_of
from byheart.data.reader.traits import Traits, notes_of
from byheart.data.reader.values import Scale, scale_of
from byheart.data.reader.vectors import are_vectors, assembled
from byheart.data.tables import Block

__all__ = ["read_arrays", "read_folder"]

_FEW = 255  # integers with a lower white become floats


def read_folder(
    path: Path | str, size: int | None = None, channels: int | None = None, reading: Reading = USUAL
) -> Raw:
    """Read all images below a folder, in natural order of their paths (2.png before 10.png), or the rows of Parquet files.

    size: side after resizing; None: all images must be squares of one size.  channels: 1 or 3; None: all images must
    agree.  reading: of pictures that can be read in two ways; the notes of the result say what was done to them.
    Raises InputError for a folder without images, files that cannot be read, and images that do not fit together.
    """
    folder = Path(path)
    check_folder(folder)
    return _read(from_path(folder).under(reading), size, channels)


def read_arrays(
    path: Path | str, size: int | None = None, channels: int | None = None, reading: Reading = USUAL
) -> Raw:
    """Read images or features of a file .npy, .npz, .safetensors or .parquet, and the labels `labels` or `y` beside them.

    size, channels, reading: as for `read_folder`; arrays may be oblong where no size is given.
    Raises InputError for what cannot be read, and for shapes, types and values that no images or features have.
    """
    file = Path(path)
    if file.is_dir():
        raise InputError(
            got=f"{printable(str(file))}, which is a folder",
            need="a file that ends in " + ", ".join(FILES),
            remedy="name 'folder' reads it",
        )
    return _read(from_path(file).under(reading), size, channels)


def _read(source: Source, size: int | None, channels: int | None) -> Raw:
    traits = Traits()
    raw = _whole(source, size, channels, traits)
    said = (
        ()
        if raw.values.ndim == 2
        else notes_of(traits, source.reading, source.names, squared=size is not None)
    )
    return replace(raw, notes=(*source.notes, *said))


def _whole(source: Source, size: int | None, channels: int | None, traits: Traits) -> Raw:
    label, rows = printable(source.name), np.arange(len(source.names))
    if not len(rows):
        raise InputError(
            got=f"{label} without a single row",
            need="images or vectors",
            remedy="check the path, or write the rows",
        )
    if source.array is not None and source.array.ndim == 4:
        values, peak = _of_array(label, source, source.array, channels, traits)
        return Raw(made_ready(values, peak, size, channels, source.reading), peak, _labels(label, source))
    rest = source.blocks(rows)
    first = next(rest, [])
    blocks = chain([first], rest)
    if are_vectors(first):
        _refuse_settings(label, source.reading)
        return Raw(assembled(source, label, rows, blocks), labels=_labels(label, source))
    return _together(source, *_pictures(source, label, blocks, size, channels, traits))


def _refuse_settings(label: str, reading: Reading) -> None:
    if reading.differing:
        settings = ", ".join(f"{name} {value}" for name, value in reading.differing.items())
        raise InputError(
            got=f"{settings} for features in {label}",
            need=f"images, where {' or '.join(reading.differing)} is given: features are taken as they are",
            remedy=f"leave the {' and the '.join(reading.differing)} out",
        )


def _of_array(
    label: str, source: Source, array: Array, channels: int | None, traits: Traits
) -> tuple[Array, float]:
    """Return the images (n, c, h, w) of one array, and the value that counts as 1; bytes and 16 bits are not copied."""
    scale = scale_of(label, array.dtype, *extent_of(label, source), source.reading.white)
    dtype, at, peak = _stored_type(array.dtype, scale), 0, 1.0
    shared = array.dtype.kind == "u" and dtype == array.dtype
    values = np.ascontiguousarray(array) if shared else np.empty(array.shape, dtype)
    for block in source.blocks(np.arange(len(array))):
        (group,), _ = by_shape(block)
        pixels, peak = _pixels(group.values, scale)
        _meet(traits, at + group.places, group, pixels, peak, channels)
        if not shared:
            values[at : at + len(pixels)] = pixels
        at += len(pixels)
    return values, peak


def _meet(
    traits: Traits, rows: Array, group: Group, pixels: Array, peak: float, channels: int | None
) -> None:
    """Count images that could be read in two ways; an alpha channel counts where it does not stay one."""
    clear = None
    if channels is not None and pixels.shape[1] in (2, 4):
        clear = np.asarray((pixels[:, -1] < peak).any((1, 2)))
    traits.meet(rows, group, clear)


def _stored_type(dtype: np.dtype[Any], scale: Scale) -> np.dtype[Any]:
    """Choose the type in which images are kept: see `_pixels`."""
    if dtype.kind == "u" and dtype.itemsize <= 2 and scale.white >= _FEW:
        return dtype
    if dtype.kind == "b":
        return np.dtype(np.uint8)
    if dtype.kind in "ui" and scale.white >= _FEW:
        return np.min_scalar_type(int(scale.white))
    return np.dtype(np.float32)


def _pixels(values: Array, scale: Scale) -> tuple[Array, float]:
    """Shift values so that black is 0, and say which value counts as 1.

    Bytes and 16 bits stay, bool become bytes, other integers the smallest type that holds white, floats [0, 1]; so do
    integers of fewer than 8 bits, which resized images could not be rounded to.
    """
    if values.dtype.kind == "b":
        return values.astype(np.uint8) * 255, 255.0
    if values.dtype.kind in "ui" and scale.white >= _FEW:
        return values.astype(_stored_type(values.dtype, scale), copy=False), scale.white
    return scale.grey(scale.lifted(values)), 1.0


def _pictures(
    source: Source,
    label: str,
    blocks: Iterable[Block],
    size: int | None,
    channels: int | None,
    traits: Traits,
) -> tuple[list[Array], list[float]]:
    """Read every image (c, h, w) of a source, made ready, and the value that counts as 1 in that image.

    Raises InputError that lists every image that cannot be read: no image is skipped.
    """
    ranges, at = Ranges(label, source), 0
    unreadable: list[tuple[str, str]] = []
    pictures: dict[int, tuple[Array, float]] = {}
    for block in blocks:
        groups, reasons = by_shape(block)
        unreadable += [(source.names[at + place], reason) for place, reason in reasons]
        for group in groups:
            names = names_of(source.names, at + group.places)
            pixels, peak = _pixels(group.values, ranges.meet(group.values, names))
            _meet(traits, at + group.places, group, pixels, peak, channels)
            ready = made_ready(pixels, peak, size, channels, source.reading)
            pairs = zip(group.places, ready, strict=True)
            pictures |= {at + int(place): (image, peak) for place, image in pairs}
        at += len(block)
    if unreadable:
        raise refusal_of_unreadable(unreadable, at)
    ranges.check()
    images, peaks = zip(*(pictures[row] for row in range(at)), strict=True)
    return list(images), list(peaks)


def _together(source: Source, images: list[Array], peaks: list[float]) -> Raw:
    """Stack square images of one size into one array.  Raises InputError that names two images that do not fit together."""
    names = source.names
    _check_alike(names, images, "channels", [len(image) for image in images], "--channels 1 or --channels 3")
    _check_alike(
        names, images, "size", [image.shape[1:] for image in images], "--size, which cuts and resizes them"
    )
    peak = max(peaks)
    pairs = zip(images, peaks, strict=True)
    if set(peaks) == {255, 65535}:  # 255 · 257: bytes among 16-bit images keep their value exactly
        images = [image if own == peak else image.astype(np.uint16) * 257 for image, own in pairs]
    elif len(set(peaks)) > 1:
        images, peak = [(image / np.float32(own)).astype(np.float32) for image, own in pairs], 1.0
    values = np.stack(images)
    check_square(values)
    return Raw(values, peak)


def _check_alike(
    names: Sequence[str], images: list[Array], what: str, values: Sequence[object], flag: str
) -> None:
    other = next((at for at, value in enumerate(values) if value != values[0]), None)
    if other is not None:
        first, second = (f"{printable(names[at])} {_seen(images[at])}" for at in (0, other))
        raise InputError(
            got=f"images that differ in {what}: {first}, {second}",
            need=f"one {what} for all",
            remedy=f"give {flag}",
        )


def _seen(image: Array) -> str:
    channels, height, width = image.shape
    color = {1: "grey", 3: "RGB"}.get(channels, f"{channels} channels")
    return f"({color}, {width}×{height})"


def _labels(label: str, source: Source) -> Array | None:
    """Check the labels beside the samples.  Raises InputError unless each label is one integer."""
    labels, count = source.labels, len(source.names)
    if labels is not None and (labels.shape != (count,) or labels.dtype.kind not in "ui"):
        raise InputError(
            got=f"labels of shape {labels.shape} in {labels.dtype} in {label}",
            need=f"({count},) integers",
            remedy="write one integer for each sample, or leave the labels out",
        )
    return labels
