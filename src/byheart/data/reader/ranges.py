"""Which range the numbers of a set are meant in, told while they are read in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from byheart._checks import InputError, printable
from byheart.data.raw import Array
from byheart.data.reader.source import Source
from byheart.data.reader.values import Scale, check_numbers, is_dark, likely_white, scale_of

__all__ = ["Ranges", "extent_of"]


@dataclass
class Ranges:
    """The ranges that a pass over a source has met.

    label: what messages call the source.  floats: the range of floating-point images, once there was one.
    lowest, highest: type of integers -> smallest and largest value.
    """

    label: str
    source: Source
    floats: Scale | None = None
    lowest: dict[np.dtype[Any], int] = field(default_factory=dict)
    highest: dict[np.dtype[Any], int] = field(default_factory=dict)

    def meet(self, values: Array, names: Sequence[str]) -> Scale:
        """Tell the range of these images (b, c, h, w), in agreement with all images before.  names: names of the b images.

        Floats are judged by the whole array where the source is one, else by the first block; integers only by `check`.
        Raises InputError for what is no image, numbers that are not finite, and values that contradict that range.
        """
        if values.ndim != 4:
            raise InputError(
                got=f"{self.label} with images, and {printable(names[0])} of shape {values.shape[1:]}",
                need="images only, or vectors only",
                remedy="take the others out",
            )
        check_numbers(self.label, values, names.__getitem__)
        kind, dtype = values.dtype.kind, values.dtype
        low, high = float(values.min()), float(values.max())
        if kind == "f":
            if self.floats is None:
                extent = (low, high) if self.source.array is None else extent_of(self.label, self.source)
                self.floats = scale_of(self.label, dtype, *extent)
            self.floats.check(self.label, low, high)
        elif kind != "b":
            self.lowest[dtype] = min(int(low), self.lowest.get(dtype, 0))
            self.highest[dtype] = max(int(high), self.highest.get(dtype, 0))
        return self.known(dtype)

    def known(self, dtype: np.dtype[Any]) -> Scale:
        """Return the range of values of a type that the pass has met."""
        if dtype.kind == "f":
            assert self.floats is not None  # floats were met in the pass, or these were not read then
            return self.floats
        if dtype.kind == "b":
            return Scale(0, 1)
        largest, white = int(np.iinfo(dtype).max), self.source.reading.white
        # Bytes among 12 bits in 16 have their own white.
        return Scale(0, largest if white is None or white > largest else white)

    def check(self) -> None:
        """Raise InputError where, after the pass, the white of integers is still uncertain, or the given white contradicts."""
        white = self.source.reading.white
        if white is None:
            judged = self._judged()
        else:  # if no type can hold it, all are refused with it
            judged = self._able(white) or list(self.highest)
        for dtype in judged:
            scale_of(self.label, dtype, self.lowest[dtype], self.highest[dtype], white)
        if white is not None and not judged:
            scale_of(self.label, np.dtype(bool if self.floats is None else float), 0, 1, white)

    def takes(self, white: int) -> bool:
        """Say whether, after the pass, that white is possible: there are integers that can hold it, and all are from 0 to it."""
        able = self._able(white)
        return bool(able) and all(self.lowest[dtype] >= 0 and self.highest[dtype] <= white for dtype in able)

    def uncertain(self) -> tuple[int, int] | None:
        """Return, after the pass, the likely white of bytes or 16 bits and the largest of their type; None where it is certain."""
        for dtype in self._judged():
            if dtype.kind == "u" and dtype.itemsize <= 2 and is_dark(dtype, self.highest[dtype]):
                return likely_white(dtype, self.highest[dtype]), int(np.iinfo(dtype).max)
        return None

    def _able(self, white: int) -> list[np.dtype[Any]]:
        return [dtype for dtype in self.highest if np.iinfo(dtype).max >= white]

    def _judged(self) -> list[np.dtype[Any]]:
        """Return the types whose largest values are judged: bytes among 16 bits are what they are everywhere."""
        wide = [dtype for dtype in self.highest if dtype.itemsize > 1]
        return wide or list(self.highest)


def extent_of(label: str, source: Source) -> tuple[float, float]:
    """Find the smallest and largest value of a whole array.  Raises InputError unless all values are finite."""
    lows, highs, at = [], [], 0
    for part in source.blocks(np.arange(len(source.names))):
        assert isinstance(part, np.ndarray)  # blocks of an array are arrays
        check_numbers(label, part, source.names[at : at + len(part)].__getitem__)
        lows.append(float(part.min()))
        highs.append(float(part.max()))
        at += len(part)
    return min(lows), max(highs)
