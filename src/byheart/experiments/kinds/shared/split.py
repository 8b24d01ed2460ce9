"""The first step of every kind: read the data, split them, and note what they were."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import torch

from byheart._checks import InputError, expanded
from byheart.data.dataset import Dataset, Split, heldout_size, split
from byheart.data.named import load
from byheart.data.reader.contents import contents
from byheart.data.spec import Data
from byheart.store.folders import RunFolder

__all__ = ["data_fingerprint", "noted", "on_device", "pool_size", "read_data", "store_data", "the_split"]


def the_split(data: Data, n: int, seed: int) -> Split:
    """Read the data of a run and split them into training and held-out images, on the CPU."""
    return split(
        read_data(data),
        n,
        seed=seed,
        heldout=data.heldout,
        split_seed=data.split_seed,
        sequential=data.sequential,
    )


def on_device(images: Split, device: str) -> Split:
    """Move the images of a split to a device."""
    return replace(images, train=images.train.to(device), heldout=images.heldout.to(device))


def pool_size(data: Data) -> int:
    """Count the images that are left for training after the held-out images are taken out."""
    count = len(read_data(data))
    return count - heldout_size(count, data.heldout)


def data_fingerprint(data: Data) -> str:
    """Compute the fingerprint of the data as they are now."""
    return read_data(data).fingerprint


def read_data(data: Data) -> Dataset:
    """Read the data, once per process as long as the files do not change."""
    return _read(data, _stamp(data))


@lru_cache(maxsize=2)
def _read(data: Data, stamp: int) -> Dataset:
    return load(data)


def _stamp(data: Data) -> int:
    """Return what changes when the user's files change: names, sizes and times."""
    if data.path is None:
        return 0
    place = expanded(data.path)
    stats = [(str(file), file.stat()) for file in _files(place) if file.is_file()]
    return hash(tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats))


def _files(place: Path) -> list[Path]:
    """List the files that are read, or might be: also those that links lead to."""
    if not place.is_dir():
        return [place]
    found = contents(place)
    return found.images + found.tables + found.others


def noted(dataset: Dataset) -> dict[str, list[str]]:
    """Make the entry of data.json for what the reader did or left out; empty if there is nothing to report."""
    return {"notes": list(dataset.notes)} if dataset.notes else {}


def store_data(folder: RunFolder, found: Split) -> None:
    """Write data.json and data.safetensors: the data of the run, and how to convert samples to pixels.

    Raises InputError if the run began with other data: a run must continue with the same data.
    """
    dataset = found.dataset
    before = folder.read_record("data").get("fingerprint", dataset.fingerprint)
    if before != dataset.fingerprint:
        raise InputError(
            got=f"data {dataset.name} with fingerprint {dataset.fingerprint[:12]}",
            need=f"those that run {folder.id} began with, {before[:12]}",
            remedy=f"put the old files back, or delete {folder.path} to begin anew",
        )
    folder.save("data", {"center": dataset.center, "scale": torch.tensor(dataset.scale, dtype=torch.float32)})
    folder.write_record(
        "data",
        {
            "name": dataset.name,
            "fingerprint": dataset.fingerprint,
            "count": len(dataset.images),
            "shape": list(dataset.shape),
            "train": len(found.train),
            "heldout": len(found.heldout),
            "overlap": found.overlap,
            "scale": dataset.scale,
            **noted(dataset),
        },
    )
