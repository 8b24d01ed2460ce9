"""A data set in training units, and its split into what is trained on and what is held out.

Training units: x = (pixel − center) / scale with pixels in [0, 1], center the mean image and scale the global RMS of what
remains, so that the mean of x² is 1.  Noise levels are quoted in these units; `to_pixels` goes back.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from byheart._checks import InputError, check_finite
from byheart.data.raw import Array, Raw
from byheart.random import derive, generator

__all__ = ["Dataset", "Split", "fingerprint", "heldout_size", "prepared", "split"]

CHUNK = 2**22  # numbers squared at a time


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images or features in training units.

    images: (n, *shape) float32.  center: (*shape).  scale: pixels = images · scale + center, in [0, 1] for images.
    fingerprint: of the values as stored.  labels: (n,) int64, or None.
    standardized: whether center and scale are those of the whole set; if not, `split` subtracts the training mean.
    notes: what the reader did to the files or left out, in whole sentences; no part of the fingerprint.
    """

    name: str
    images: Tensor
    center: Tensor
    scale: float
    fingerprint: str
    labels: Tensor | None = None
    standardized: bool = True
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.images)

    @property
    def shape(self) -> tuple[int, ...]:
        """Return *shape, the shape of one sample."""
        return tuple(self.images.shape[1:])

    def to_pixels(self, x: Tensor) -> Tensor:
        """Convert x (b, *shape) from training units back to the units of the files: images in [0, 1]."""
        return x * self.scale + self.center.to(x)


@dataclass(frozen=True, eq=False)
class Split:
    """Training and held-out samples of a data set.

    train: (n, *shape).  heldout: (m, *shape).  train_rows: (n,) and heldout_rows: (m,) int64 index dataset.images.
    overlap: how many held-out samples have a training sample with the same bytes.
    """

    train: Tensor
    heldout: Tensor
    train_rows: Tensor
    heldout_rows: Tensor
    dataset: Dataset
    overlap: int


def prepared(name: str, raw: Raw, standardize: bool = True) -> Dataset:
    """Make the data set of raw values in training units: centered, global RMS 1; or pixels as they are.

    Raises InputError for fewer than two samples, values that are not finite, or samples that are all equal.
    """
    with np.errstate(over="ignore"):  # values too large for float32 become infinite, and are refused
        values = torch.from_numpy(raw.values.astype(np.float32) / np.float32(raw.peak))
    check_finite(f"{name} data", values)
    _check_varied(name, raw.values)
    center, scale = torch.zeros(values.shape[1:], dtype=values.dtype), 1.0
    if standardize:
        center = torch.from_numpy((raw.values.mean(0, dtype=np.float64) / raw.peak).astype(np.float32))
        values -= center
        scale = _rms(values.numpy())
        values /= scale
    labels = None if raw.labels is None else torch.from_numpy(raw.labels.astype(np.int64))
    return Dataset(name, values, center, scale, fingerprint(raw.values), labels, standardize, raw.notes)


def fingerprint(values: Array) -> str:
    """Compute the SHA-256 over dtype, shape and little-endian bytes: the same on every machine for the same files."""
    plain = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
    digest = hashlib.sha256(f"{plain.dtype.str}{plain.shape}".encode())
    digest.update(plain.data)
    return digest.hexdigest()


def heldout_size(count: int, heldout: int | None = None) -> int:
    """Return how many of `count` samples are held out: `heldout`, or by default two fifths, from 3 to 700.

    Raises InputError unless at least three are held out (an interval needs three) and at least two remain (the rule for copies
    needs the second nearest training sample).
    """
    size = min(700, max(3, 2 * count // 5)) if heldout is None else heldout
    if not 3 <= size <= count - 2:
        raise InputError(
            got=f"{size} held-out samples of {count}" if heldout is not None else f"{count} samples",
            need=f"between 3 and {count - 2} held out"
            if count >= 5
            else "at least 5 samples, better hundreds",
            remedy="add samples" if heldout is None else "choose another `heldout`, or add samples",
        )
    return size


def split(
    dataset: Dataset,
    n: int,
    *,
    seed: int,
    heldout: int | None = None,
    split_seed: int = 0,
    sequential: bool = False,
) -> Split:
    """Split a data set into n training samples and held-out samples.

    The rows are shuffled by split_seed; the last `heldout` are held out (None: two fifths, from 3 to 700), the others are
    the pool.  The training subset of `seed` is the first n of the pool shuffled by it, so the subsets of one seed are
    nested.  sequential: no shuffle; the subset is rows [seed·n, (seed+1)·n) of the pool (S3, 2505.17638, code).
    Raises InputError for sizes that do not fit the data.
    """
    count = len(dataset)
    pool = count - heldout_size(count, heldout)
    _check_subset(n, pool, seed if sequential else 0)
    if sequential:
        order, chosen = torch.arange(count), torch.arange(seed * n, (seed + 1) * n)
    else:
        order = torch.randperm(count, generator=generator(derive(split_seed, "split")))
        chosen = torch.randperm(pool, generator=generator(derive(seed, "subset")))[:n]
    train_rows, heldout_rows = order[:pool][chosen], order[pool:]
    if not dataset.standardized:
        dataset = _minus_mean(dataset, train_rows)
    train, rest = dataset.images[train_rows], dataset.images[heldout_rows]
    return Split(train, rest, train_rows, heldout_rows, dataset, _identical(train, rest))


def _minus_mean(dataset: Dataset, rows: Tensor) -> Dataset:
    """Subtract the scalar mean of these rows, and add it to the center."""
    mean = dataset.images[rows].mean(dtype=torch.float64).float()
    return replace(dataset, images=dataset.images - mean, center=dataset.center + mean)


def _rms(values: Array) -> float:
    """Compute the root mean square, summed in float64 and rounded to float32, so that the order of summation does not matter."""
    flat = values.reshape(-1)
    parts = (flat[at : at + CHUNK] for at in range(0, flat.size, CHUNK))
    total = sum(float(np.square(part, dtype=np.float64).sum()) for part in parts)
    return float(np.float32(np.sqrt(total / values.size)))


def _identical(train: Tensor, heldout: Tensor) -> int:
    """Count the held-out samples that have the same bytes as a training sample."""
    known = {_digest(row) for row in train.numpy()}
    return sum(_digest(row) in known for row in heldout.numpy())


def _digest(row: Array) -> bytes:
    return hashlib.blake2b(row.tobytes(), digest_size=16).digest()


def _check_varied(name: str, values: Array) -> None:
    if len(values) < 2:
        raise InputError(got=f"{name} data of {len(values)} sample", need="at least 5", remedy="add samples")
    if not (values != values[:1]).any():
        raise InputError(
            got=f"{name} data of {len(values)} samples that are all the same",
            need="samples that differ",
            remedy="check what was written into the files: the spread is 0",
        )


def _check_subset(n: int, pool: int, block: int) -> None:
    if n < 2:
        raise InputError(
            got=f"n = {n} training samples",
            need="at least 2: a copy is told by the second nearest",
            remedy="raise n",
        )
    if block < 0 or (block + 1) * n > pool:
        which = f" in block {block}" if block else ""
        raise InputError(
            got=f"n = {n} training samples{which}",
            need=f"at most the {pool} that are not held out",
            remedy="train on fewer, hold out fewer, or add data",
        )
