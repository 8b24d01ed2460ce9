"""CIFAR-10 in its binary version: records of one label byte and 3×32×32 pixel bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from byheart._checks import InputError, printable
from byheart.data.raw import Array, Raw

__all__ = ["read_cifar10"]

SHAPE = (3, 32, 32)
RECORD = 1 + 3 * 32 * 32


def read_cifar10(path: Path | str) -> Raw:
    """Read the training images (n, 3, 32, 32) of data_batch_1.bin, data_batch_2.bin … in a folder, and their labels.

    Raises InputError if there are no such files (the pickled version is not read), or a file is cut short.
    """
    folder = Path(path)
    files = sorted(folder.glob("data_batch_*.bin"))
    if not files:
        pickled = any(folder.glob("data_batch_*"))
        raise InputError(
            got=f"{printable(str(folder))}, which holds "
            + ("the pickled version" if pickled else "no data_batch_*.bin"),
            need="CIFAR-10's binary version: pickles can run code",
            remedy="unpack cifar-10-binary.tar.gz and give its folder",
        )
    records = np.concatenate([_records(file) for file in files])
    return Raw(records[:, 1:].reshape(-1, *SHAPE), peak=255, labels=records[:, 0])


def _records(file: Path) -> Array:
    content = np.frombuffer(file.read_bytes(), np.uint8)
    if not content.size or content.size % RECORD:
        raise InputError(
            got=f"{printable(str(file))} of {content.size} bytes",
            need=f"records of {RECORD} bytes",
            remedy="copy the file again",
        )
    return content.reshape(-1, RECORD)
