"""The four statistics of a sample against one training set: orbit ratio, noise ratio, pair fit and window ratio.

    channel    statistic                        answers
    -------------------------------------------------------------------------
    whole      orbit ratio and noise ratio      a copy of one training image
    blend      pair fit                         a mixture of two
    local      window ratio                     one half is a copy

All four are larger where more is copied, and none means anything before it is compared with held-out images.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from byheart._checks import InputError, check_finite
from byheart.denoisers.posterior import joined
from byheart.metrics.copying.blend import BlendFound, BlendTable, blend_table
from byheart.metrics.copying.local import LocalFound, LocalTable, local_table
from byheart.metrics.copying.noise_ratio import NoiseFound, NoiseTable, noise_table
from byheart.metrics.copying.orbit import OrbitFound, OrbitTable, orbit_table
from byheart.metrics.copying.spaces import Spaces, check_images, spaces

__all__ = ["LEAST", "CopyScores", "CopyTables", "Without", "copy_scores", "copy_tables"]

LEAST = 34
"""Training images below which the far ranks of the denominators do not exist."""

BATCH = 16  # samples at a time: 12 MB of windows for grey images, which stay in the cache
WIDE = 128  # samples at a time where each batch reads the whole training set: smaller batches would wait for memory

Without = Callable[[int, int], Tensor]
"""(first row, one past the last) -> (b, n) True where a training image must not be matched with that sample."""


@dataclass(frozen=True, eq=False)
class CopyTables:
    """The tables of n training images that the statistics need."""

    spaces: Spaces
    orbit: OrbitTable
    noise: NoiseTable
    blend: BlendTable
    local: LocalTable

    def __len__(self) -> int:
        return len(self.orbit.train)

    @property
    def channels(self) -> int:
        """Return the number of channels: 1 for grey, 3 for RGB."""
        return self.orbit.train.shape[1]


@dataclass(frozen=True, eq=False)
class CopyScores:
    """The statistics of b samples; blend and local are None if only `whole` was computed."""

    orbit: OrbitFound
    noise: NoiseFound
    blend: BlendFound | None
    local: LocalFound | None

    def __len__(self) -> int:
        return len(self.orbit.score)


@torch.no_grad()
def copy_tables(train: Tensor) -> CopyTables:
    """Prepare the tables of training images (n, c, 32, 32) in [0, 1]; about 20 kB per image and channel.

    Raises InputError for fewer than 34 images, other shapes, values outside [0, 1], or NaN.
    """
    _check("train", train)
    if len(train) < LEAST:
        raise InputError(
            got=f"{len(train)} different training images",
            need=f"at least {LEAST}: a match is recognized by how far the next images are",
            remedy="give the whole training set; so few images can be compared by eye",
        )
    train = train.float().contiguous()
    learned = spaces(train)
    return CopyTables(
        learned,
        orbit_table(train, learned),
        noise_table(train),
        blend_table(train, learned),
        local_table(train, learned),
    )


@torch.no_grad()
def copy_scores(
    x: Tensor,
    tables: CopyTables,
    without: Without | None = None,
    *,
    whole_only: bool = False,
    tell: Callable[[int], None] = lambda done: None,
) -> CopyScores:
    """Compute the statistics of samples x (b, c, 32, 32) in [0, 1]; each row independently.

    without: see `Without`; None allows a match with every training image.  whole_only: leave blend and local out.
    tell: is called with the number of samples done so far.
    Raises InputError for shapes or channels that do not fit the training images, values outside [0, 1], or NaN.
    """
    _check("samples", x)
    if x.shape[1] != tables.channels:
        raise InputError(
            got=f"samples of {x.shape[1]} channels, training images of {tables.channels}",
            need="the same number of channels",
            remedy="convert both to grey (1) or RGB (3)",
        )
    parts = list(_parts(x.float(), tables, without, whole_only, tell))
    orbit, noise, blend, local = zip(*parts, strict=True)
    return CopyScores(
        joined(orbit),
        joined(noise),
        None if whole_only else joined(blend),
        None if whole_only else joined(local),
    )


def _parts(
    x: Tensor, tables: CopyTables, without: Without | None, whole_only: bool, tell: Callable[[int], None]
) -> Iterator[tuple[OrbitFound, NoiseFound, BlendFound | None, LocalFound | None]]:
    for start in range(0, len(x), WIDE):
        part = x[start : start + WIDE]
        mask = None if without is None else without(start, start + len(part))
        narrow = torch.split(part, BATCH)
        masks = [None] * len(narrow) if mask is None else torch.split(mask, BATCH)
        yield (
            joined([tables.orbit(*batch) for batch in zip(narrow, masks, strict=True)]),
            tables.noise(part, mask),
            None if whole_only else tables.blend(part, mask),
            None if whole_only else tables.local(part, mask),
        )
        tell(start + len(part))


def _check(name: str, x: Tensor) -> None:
    check_images(name, x)
    check_finite(name, x)
    low, high = float(x.min()), float(x.max())
    if low < -1e-3 or high > 1 + 1e-3:
        raise InputError(
            got=f"{name} with values from {low:g} to {high:g}",
            need="images in [0, 1]",
            remedy="undo the scaling of training, for example with dataset.to_pixels(x).clamp(0, 1)",
        )
