"""The points of a closed form: rows of a data set, without held-out rows."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from byheart._checks import InputError
from byheart.data.dataset import Dataset, fingerprint
from byheart.data.spec import Data
from byheart.experiments.kinds.shared.split import noted, read_data
from byheart.metrics.memorization import collapse_duplicates
from byheart.random import derive, generator
from byheart.store.folders import RunFolder

__all__ = ["Points", "check_distinct", "store_points", "the_points"]


@dataclass(frozen=True, eq=False)
class Points:
    """The points of a closed form.  points: (n, *shape) float64.  dataset: the data set of these rows."""

    points: Tensor
    dataset: Dataset


def the_points(data: Data, n: int) -> Points:
    """Read n points and their data set: the first n if the data are sequential, else a random choice.

    Raises InputError for more points than the data have.
    """
    dataset = read_data(data)
    if n > len(dataset):
        raise InputError(
            got=f"n = {n} points of {len(dataset)}",
            need=f"at most {len(dataset)}",
            remedy="take fewer points, or more data",
        )
    rows = torch.arange(n)
    if not data.sequential:
        rows = torch.randperm(len(dataset), generator=generator(derive(data.split_seed, "points")))[:n]
    return Points(dataset.images[rows].double(), dataset)


def check_distinct(points: Tensor) -> None:
    """Raise InputError for points that repeat: no level distinguishes equal points."""
    if repeated := len(points) - len(collapse_duplicates(points)[1]):
        raise InputError(
            got=f"{repeated} points that repeat another",
            need="points that are all different",
            remedy="keep each once: --distinct, or distinct = true in the data",
        )


def store_points(folder: RunFolder, points: Tensor, dataset: Dataset, name: str = "data") -> None:
    """Write data.json and data.safetensors: the points, and how to convert them to pixels.

    name: "data", or the name of points that do not come from the data set.
    """
    own = name == "data"
    folder.save(
        "data",
        {
            "center": dataset.center,
            "scale": torch.tensor(dataset.scale, dtype=torch.float32),
            "points": points.float(),
        },
    )
    folder.write_record(
        "data",
        {
            "name": dataset.name if own else name,
            "fingerprint": dataset.fingerprint if own else fingerprint(points.numpy()),
            "count": len(dataset),
            "shape": list(dataset.shape),
            "train": len(points),
            "heldout": 0,
            "overlap": 0,
            "scale": dataset.scale,
            **noted(dataset),
        },
    )
