"""The file beside a record: the samples, their two nearest distances, and their nearest training images."""

from __future__ import annotations

from byheart.data.dataset import Split
from byheart.evaluation.measure import Measured
from byheart.store.folders import RunFolder

__all__ = ["save_samples"]


def save_samples(folder: RunFolder, step: int, measured: Measured, split: Split) -> None:
    """Store the samples of an evaluation; nothing if the plan needs no samples.

    samples (b, *shape), d1 and d2 (b,), nearest (b,) rows of the training set, nearest_images (b, *shape).
    """
    samples, neighbors = measured.samples, measured.neighbors
    if samples is None or neighbors is None:
        return
    nearest = neighbors.index[:, 0]
    tensors = {
        "samples": samples,
        "d1": neighbors.distance[:, 0],
        "d2": neighbors.distance[:, 1],
        "nearest": nearest,
        "nearest_images": split.train[nearest.to(split.train.device)],
    }
    folder.save(f"samples-{step}", tensors)
