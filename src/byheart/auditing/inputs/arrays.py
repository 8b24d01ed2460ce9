"""Files of arrays, opened without reading what can be mapped: .npy and .safetensors; .npz is unpacked."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from byheart._checks import InputError
from byheart.data.arrays import _read_npz, _read_safetensors
from byheart.data.pictures import printable

if TYPE_CHECKING:
    from byheart.data.raw import Array

__all__ = ["ENDINGS", "open_array"]

ENDINGS = (".npy", ".npz", ".safetensors")
NAMES = ("images", "samples", "features", "train", "heldout")


def open_array(path: Path) -> Array:
    """The array of samples in a file: the only one with rows of more than one number, or the one called like samples.

    Raises InputError for a file that cannot be read (Python objects are never unpickled), and where several could be meant.
    """
    try:
        if path.suffix == ".npy":
            # Copy on write: a tensor may share the map, and the file stays as it is.
            mapped: Array = np.load(path, mmap_mode="c", allow_pickle=False)
            return mapped
        arrays = (_read_npz if path.suffix == ".npz" else _read_safetensors)(path)
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(
            got=f"{printable(str(path))}, which cannot be read ({printable(str(error))[:200]})",
            need="plain numbers; Python objects are never unpickled",
            remedy="write it again with numpy.save, numpy.savez or safetensors",
        ) from error
    return arrays[_chosen(path, arrays)]


def _chosen(path: Path, arrays: dict[str, Array]) -> str:
    able = [name for name, array in arrays.items() if array.ndim > 1]  # labels have one number a row
    named = [name for name in NAMES if name in able]
    if len(able) == 1 or len(named) == 1:
        return (named or able)[0]
    raise InputError(
        got=f"{printable(str(path))} with the arrays {', '.join(printable(name) for name in sorted(arrays)) or '(none)'}",
        need="one array of samples, or one of them called " + " or ".join(NAMES),
        remedy="name the array of images `images`",
    )
