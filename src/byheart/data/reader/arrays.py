"""Files of arrays, opened without reading what can be mapped: .npy and .safetensors; .npz is unpacked."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from byheart._checks import InputError, printable
from byheart.data.raw import Array
from byheart.data.reader.tensors import as_numpy

__all__ = ["ENDINGS", "Opened", "open_arrays"]

ENDINGS = (".npy", ".npz", ".safetensors")
NAMES = ("images", "samples", "features", "train", "heldout")
LABELS = ("labels", "y")


@dataclass(frozen=True, eq=False)
class Opened:
    """What a file of arrays holds.

    samples: as they lie.  labels: what lies beside them, or None.  others: names of arrays that are not read, though they
    might be samples.
    """

    samples: Array
    labels: Array | None = None
    others: tuple[str, ...] = ()


def open_arrays(path: Path) -> Opened:
    """Open the array of samples in a file as it is, and the labels that lie beside the samples.

    Samples are the only array with rows of more than one number, or the only array called like samples; labels are called
    `labels` or `y`.  Raises InputError for a file that cannot be read (Python objects are never unpickled), and where
    several arrays could be meant.
    """
    readers = dict(zip(ENDINGS, (_read_npy, _read_npz, _read_safetensors), strict=True))
    try:
        arrays = readers[path.suffix.lower()](path)
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(
            got=f"{printable(str(path))}, which cannot be read ({printable(str(error))[:200]})",
            need="plain numbers; Python objects are never unpickled",
            remedy="write it again with numpy.save, numpy.savez or safetensors",
        ) from error
    if path.suffix.lower() == ".npy":
        return Opened(arrays["array"])
    samples = _chosen(path, arrays)
    labels = next((arrays[name] for name in LABELS if name in arrays and name != samples), None)
    others = tuple(name for name in _able(arrays) if name != samples)
    return Opened(arrays[samples], labels, others)


def _read_npy(file: Path) -> dict[str, Array]:
    # Copy on write: a tensor may share the map, and the file stays as it is.
    return {"array": np.lib.format.open_memmap(file, mode="c")}


def _read_npz(file: Path) -> dict[str, Array]:
    with file.open("rb") as stream:
        archive = np.load(stream, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise ValueError("it is no archive of arrays")
        return {name: np.asarray(array) for name, array in archive.items()}


def _read_safetensors(file: Path) -> dict[str, Array]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = load_file(file)
    except SafetensorError as error:
        raise ValueError(str(error)) from error
    return {name: as_numpy(x) for name, x in tensors.items()}


def _able(arrays: dict[str, Array]) -> list[str]:
    """List the arrays that can be samples: labels have one number a row."""
    return [name for name, array in arrays.items() if array.ndim > 1]


def _chosen(path: Path, arrays: dict[str, Array]) -> str:
    """Choose the name of the array that holds the samples."""
    able = _able(arrays)
    named = [name for name in NAMES if name in able]
    if len(able) == 1 or len(named) == 1:
        return (named or able)[0]
    raise InputError(
        got=f"{printable(str(path))} with the arrays {', '.join(printable(name) for name in sorted(arrays)) or '(none)'}",
        need="one array of samples, or one of them called " + " or ".join(NAMES),
        remedy="name the array of images `images`",
    )
