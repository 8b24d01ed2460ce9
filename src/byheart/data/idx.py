"""IDX files, the format of MNIST and of similar sets: big-endian sizes, then bytes."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from byheart._checks import InputError, printable
from byheart.data.raw import Array, Raw

__all__ = ["find_idx", "read_idx", "read_mnist"]

IMAGES = ("train-images-idx3-ubyte", "train-images.idx3-ubyte")
UNSIGNED_BYTE = 8


def read_idx(path: Path | str) -> Array:
    """Read the array of an IDX file of unsigned bytes, plain or gzipped.

    Raises InputError for a file that is missing, of another format, or cut short.
    """
    file = Path(path)
    content = _content(file)
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] != UNSIGNED_BYTE:
        raise InputError(
            got=f"{printable(str(file))}, which begins with {content[:4].hex(' ') or 'nothing'}",
            need="an IDX file of unsigned bytes, which begins with 00 00 08",
            remedy="check the path",
        )
    start = 4 + 4 * content[3]
    sizes = content[4:start].ljust(start - 4, b"\0")
    shape = tuple(np.frombuffer(sizes, ">u4").tolist())
    if len(content) != start + math.prod(shape):
        raise InputError(
            got=f"{printable(str(file))} of {len(content)} bytes",
            need=f"{start + math.prod(shape)} bytes, for shape {shape}",
            remedy="copy the file again: it was cut short",
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def read_mnist(path: Path | str) -> Raw:
    """Read the training images, and the labels if they lie beside the images, of a set in MNIST's files.

    path: the folder, or the file of images.  Raises InputError if there is no such file, or it holds no images.
    """
    file = find_idx(Path(path))
    if file is None:
        raise InputError(
            got=f"{printable(str(path))}, where no {IMAGES[0]} or {IMAGES[0]}.gz lies",
            need="the folder with MNIST's files, or the file of images itself",
            remedy="check the path",
        )
    images = read_idx(file)
    if images.ndim != 3:
        raise InputError(
            got=f"{printable(str(file))} of shape {images.shape}",
            need="images, (n, h, w)",
            remedy="give the file of images",
        )
    beside = file.with_name(file.name.replace("images", "labels").replace("idx3", "idx1"))
    labels = read_idx(beside) if beside != file and beside.is_file() else None
    if labels is not None and labels.shape != images.shape[:1]:
        raise InputError(
            got=f"{printable(str(beside))} of shape {labels.shape} beside {len(images)} images",
            need="one label for each image",
            remedy="copy both files again",
        )
    return Raw(images[:, None], peak=255, labels=labels)


def find_idx(path: Path) -> Path | None:
    """Find the file of training images in a folder, or return the path itself if it is a file; None if there is no such file."""
    names = [name + ending for name in IMAGES for ending in ("", ".gz")]
    candidates = [path / name for name in names] if path.is_dir() else [path]
    return next((file for file in candidates if file.is_file()), None)


def _content(file: Path) -> bytes:
    try:
        content = file.read_bytes()
        return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(
            got=f"{printable(str(file))}, which cannot be read ({printable(str(error))})",
            need="a whole IDX file",
            remedy="check the file",
        ) from error
