"""Whether runs fit into memory: a lower bound from settings alone, checked before any data are read.

Without this bound a mistyped size makes the machine swap for minutes or end the process without a message.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from byheart._checks import InputError
from byheart.data.named import available
from byheart.data.spec import Data
from byheart.experiments.runs.run import Run, TrainingRun
from byheart.models.spec import MLPSpec

__all__ = ["check_images", "check_runs", "memory"]

IMAGE_BYTES = 9  # per value while data are prepared: as stored, as float32, and the quotient
NETWORK_BYTES = 20  # per weight in training: the weight, its gradient, two moments, the moving average
MAPS = 8  # activation maps at full resolution that a U-Net's backward pass needs, at the very least
LIMITS = Path("/sys/fs/cgroup/memory.max")


def check_runs(runs: Sequence[Run], device: str = "auto") -> None:
    """Raise InputError for runs whose images, or whose training if the device is `cpu`, cannot fit into memory."""
    for run in {
        (run.data, run.model if isinstance(run, TrainingRun) else None): run for run in runs
    }.values():
        least = min(other.n for other in runs if other.data == run.data)
        trains = isinstance(run, TrainingRun) and device == "cpu"
        check_images(run.data, least, _training_bytes(run) if trains else 0)


def check_images(data: Data, n: int = 2, more: int = 0) -> None:
    """Raise InputError for images of a size at which they cannot fit into memory.

    n: smallest number of training images.  more: bytes that are needed beside the images.
    Images that keep their stored size are not checked.
    """
    if data.size is None:
        return
    values, count = _values(data), _count(data, n)
    if (needed := IMAGE_BYTES * count * values + more) > (here := memory()):
        raise InputError(
            got=f"size {data.size}: {count} images of {data.size}×{data.size} pixels"
            + (" and their network" if more else "")
            + f" take {needed / 2**30:.3g} GB or more",
            need=f"no more than the {here / 2**30:.3g} GB of memory here",
            remedy="choose a smaller size: 8 to 16 pixels a side train in minutes on a CPU, 32 in hours",
        )


def memory() -> int:
    """Return the bytes of memory that this process may use: those of the machine, or of the container of the process."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = LIMITS.read_text().strip() if LIMITS.is_file() else ""
    return min(machine, int(limit)) if limit.isdigit() else machine


def _values(data: Data) -> int:
    return (data.channels or 1) * (data.size or 0) ** 2


def _count(data: Data, n: int) -> int:
    """Count the images, or return the smallest number that is certain without reading them."""
    known = next((info.count for info in available() if info.name == data.name), None)
    if data.name in ("folder", "celeba") and data.path is not None:
        from byheart.data.reader.path import from_path

        known = len(from_path(Path(data.path)).names)
    least = n + max(3, data.heldout or 0)
    return min(known or least, data.count or known or least)


def _training_bytes(run: Run) -> int:
    if not isinstance(run, TrainingRun):
        return 0
    if isinstance(run.model, MLPSpec):
        return NETWORK_BYTES * 2 * run.model.width * _values(run.data)
    rows = min(run.n, run.training.batch)
    return 4 * MAPS * rows * run.model.width * (run.data.size or 0) ** 2
