"""What is stored beside a record: the samples, their two nearest distances, and their nearest training images."""

from __future__ import annotations

from torch import Tensor

from byheart.data.dataset import Split
from byheart.evaluation.measure import Measured

__all__ = ["sample_tensors"]


def sample_tensors(measured: Measured, split: Split) -> dict[str, Tensor]:
    """samples (b, *shape), d1 and d2 (b,), nearest (b,) rows of the training set, nearest_images (b, *shape)."""
    neighbors = measured.neighbors
    nearest = neighbors.index[:, 0]
    return {
        "samples": measured.samples,
        "d1": neighbors.distance[:, 0],
        "d2": neighbors.distance[:, 1],
        "nearest": nearest,
        "nearest_images": split.train[nearest.to(split.train.device)],
    }
