"""What every input becomes: images at the working size, or rows of features."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from torch import Tensor

from byheart.data.dataset import fingerprint
from byheart.data.raw import Array
from byheart.data.reader.reading import USUAL, Reading
from byheart.data.reader.traits import Traits
from byheart.numerics.neighbors import Neighbors, nearest

__all__ = ["Images", "Rows", "Ways", "What", "in_words"]

What = Literal["samples", "train", "heldout"]


@dataclass(frozen=True, eq=False)
class Ways:
    """Other ways to read a set of images, and how the set is read again.

    traits: the rows that have two readings.  uncertain: the likely and the largest white of integers whose white is not known, else None.
    again: the whole set by another reading.  some: rows (b,), ascending, by another reading: (b, c, 32, 32).
    """

    traits: Traits
    uncertain: tuple[int, int] | None
    again: Callable[[Reading], Images]
    some: Callable[[Reading, Array], Array]


@dataclass(frozen=True, eq=False)
class Images:
    """A set of images at the working size of the copy test.

    name: what the user passed, shortened.  small: (n, c, 32, 32) float32 in [0, 1].
    names: of every image: its path below the folder, or "row 17".  They are data: `printable` before a terminal shows them.
    shape: (c, h, w) of the images as they came, the commonest one.  resized: what was done to them, in words.
    unreadable: name and reason of what could not be read; such images are in no row.
    fingerprint: SHA-256 of `small`.  pixels: see `full`.  place: the resolved path, where it is one.
    notes: what the reader did or left out, in whole sentences.
    reading: how its pictures were read.  ways: how they could have been read; None where they lie in memory or in shards.
    window: the grey values, of the images as they came, that are 0 and 1 in `small` (see `window`).
    """

    name: str
    small: Tensor
    names: Sequence[str]
    shape: tuple[int, ...]
    resized: str
    unreadable: tuple[tuple[str, str], ...]
    fingerprint: str
    pixels: Callable[[int], Array]
    place: str = ""
    notes: tuple[str, ...] = ()
    reading: Reading = USUAL
    ways: Ways | None = None
    window: tuple[float, float] = (0.0, 1.0)

    def __len__(self) -> int:
        return len(self.small)

    def full(self, row: int) -> Array:
        """Read an image again at its own size: (c, h, w) float32 in [0, 1]."""
        return self.pixels(row)

    def some(self, rows: Tensor) -> Images:
        """Take these rows (b,) int64 out, as a set of their own, which is not read in other ways."""
        numbers = rows.tolist()
        small = self.small[rows]
        return replace(
            self,
            small=small,
            names=tuple(self.names[row] for row in numbers),
            fingerprint=fingerprint(small.numpy()),
            pixels=lambda row: self.pixels(numbers[row]),
            ways=None,  # their traits and rows count the images of the whole set
        )


@dataclass(frozen=True, eq=False)
class Rows:
    """A set of feature vectors.

    values: (n, d) float32; of a .npy file in float32 it is the file itself, mapped.  fingerprint: SHA-256 of `values`.
    columns: names of the d numbers, where the rows come from a table.
    """

    name: str
    values: Tensor
    names: Sequence[str]
    fingerprint: str
    unreadable: tuple[tuple[str, str], ...] = ()
    place: str = ""
    notes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.values)

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the shape of a row, (d,)."""
        return tuple(self.values.shape[1:])

    def nearest(self, queries: Tensor, k: int) -> Neighbors:
        """Find the k nearest of these rows to every query (q, d)."""
        return nearest(queries, self.values, k=k)

    def chosen(self, rows: Tensor) -> Tensor:
        """Return the values of these rows (b,) int64: (b, d)."""
        return self.values[rows]


def in_words(what: What) -> str:
    """Return the name of a set for sentences."""
    return {"samples": "samples", "train": "training images", "heldout": "held-out images"}[what]
