"""Arrays as data: .npy, .npz and .safetensors files of images or features."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np

from byheart._checks import InputError
from byheart.data.raw import Array, Raw

__all__ = ["read_arrays"]

NAMES = ("images", "samples")
LABELS = ("labels", "y")
CHANNELS = (1, 3)
DEPTHS = {"uint8": 255.0, "uint16": 65535.0}
SLACK = 1e-6  # float rounding at the ends of [0, 1]


def read_arrays(path: Path | str) -> Raw:
    """Images (n, h, w), (n, c, h, w) or (n, h, w, c), or features (n, f), from a file of arrays.

    A file of several arrays: the one called `images` or `samples`, with integer `labels` or `y` (n,) if there are.
    Unsigned integers of 8 and 16 bits are divided by their largest possible value, other integers by their largest;
    floats must lie in [0, 1], or in [−1, 1], which becomes [0, 1].  Features are taken as they are.
    Raises InputError for what cannot be read, and for shapes, types and values that are none of these.
    """
    file = Path(path)
    arrays = _arrays(file)
    labels = next((arrays.pop(name) for name in LABELS if name in arrays), None)
    name = _choose(file, arrays)
    values = arrays[name]
    _check_numbers(f"{file} ({name})", values)
    if labels is not None and (labels.shape != values.shape[:1] or labels.dtype.kind not in "ui"):
        raise InputError(
            got=f"labels of shape {labels.shape} in {labels.dtype} in {file}",
            need=f"({len(values)},) integers",
            remedy="write one integer for each sample, or leave the labels out",
        )
    if values.ndim == 2:
        return Raw(values.astype(np.float32), labels=labels)
    values, peak = _scaled(f"{file} ({name})", _channels_first(file, values))
    return Raw(values, peak, labels)


def _arrays(file: Path) -> dict[str, Array]:
    """Name -> array of a file."""
    readers = {".npy": _read_npy, ".npz": _read_npz, ".safetensors": _read_safetensors}
    if file.suffix not in readers:
        raise InputError(got=f"{file}", need="a file that ends in " + ", ".join(readers), remedy="convert it")
    if not file.is_file():
        raise InputError(got=f"{file}, which is no file", need="a file of arrays", remedy="check the path")
    try:
        return readers[file.suffix](file)
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(
            got=f"{file}, which cannot be read ({error})",
            need="plain numbers; Python objects are never unpickled",
            remedy="write it again with numpy.save, numpy.savez or safetensors",
        ) from error


def _read_npy(file: Path) -> dict[str, Array]:
    with file.open("rb") as stream:
        return {"array": np.lib.format.read_array(stream, allow_pickle=False)}


def _read_npz(file: Path) -> dict[str, Array]:
    with file.open("rb") as stream:
        archive = np.load(stream, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise ValueError("it is no archive of arrays")
        return {name: np.asarray(array) for name, array in archive.items()}


def _read_safetensors(file: Path) -> dict[str, Array]:
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = load_file(file)
    except SafetensorError as error:
        raise ValueError(str(error)) from error
    # numpy has no bfloat16
    return {name: (x.float() if x.dtype == torch.bfloat16 else x).numpy() for name, x in tensors.items()}


def _choose(file: Path, arrays: dict[str, Array]) -> str:
    """The name of the array that holds the samples."""
    if len(arrays) == 1:
        return next(iter(arrays))
    found = [name for name in NAMES if name in arrays]
    if len(found) != 1:
        raise InputError(
            got=f"{file} with the arrays {', '.join(sorted(arrays)) or '(none)'}",
            need="one array, or one of them called " + " or ".join(NAMES),
            remedy="name the array of images `images`",
        )
    return found[0]


def _check_numbers(what: str, values: Array) -> None:
    if values.dtype.kind not in "buif" or values.ndim not in (2, 3, 4) or values.size == 0:
        raise InputError(
            got=f"{what} of shape {values.shape} in {values.dtype}",
            need="real numbers, (n, h, w), (n, c, h, w), (n, h, w, c) or (n, f)",
            remedy="stack the samples along the first dimension",
        )
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        bad = np.argwhere(~np.isfinite(values))
        raise InputError(
            got=f"{what} with {len(bad)} values that are NaN or infinite (first at index {tuple(bad[0].tolist())})",
            need="finite numbers only",
            remedy="repair or remove those rows",
        )


def _channels_first(file: Path, values: Array) -> Array:
    """Images as (n, c, h, w).  Where both ends could be channels, square images decide."""
    if values.ndim == 3:
        return values[:, None]
    _, second, third, last = values.shape
    if second in CHANNELS and (last not in CHANNELS or third == last):
        return values
    if last in CHANNELS:
        return np.ascontiguousarray(values.transpose(0, 3, 1, 2))
    raise InputError(
        got=f"{file} of shape {values.shape}",
        need="1 or 3 channels, in the second or the last dimension",
        remedy="drop an alpha channel, or write other numbers as features, (n, f)",
    )


def _scaled(what: str, values: Array) -> tuple[Array, float]:
    """Images, and the value that counts as 1."""
    low, high = float(values.min()), float(values.max())
    if values.dtype.kind == "b":
        return values.astype(np.uint8), 1.0
    if values.dtype.kind in "ui" and low >= 0:
        return values, DEPTHS.get(values.dtype.name, max(high, 1.0))
    if values.dtype.kind == "f" and low >= -1 - SLACK and high <= 1 + SLACK:
        return (values if low >= -SLACK else (values + 1) / 2).astype(np.float32), 1.0
    raise InputError(
        got=f"{what} with values from {low:g} to {high:g} in {values.dtype}",
        need="integers from 0, or floats in [0, 1] or [−1, 1]",
        remedy="divide bytes by 255 or write them as uint8; other numbers go as features, (n, f)",
    )
