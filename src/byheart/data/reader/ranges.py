"""Which range the numbers of a set are meant in, told while they are read in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from byheart._checks import InputError, printable
from byheart.data.raw import Array
from byheart.data.reader.source import Source
from byheart.data.reader.values import Scale, check_numbers, scale_of

__all__ = ["Ranges", "extent_of"]


@dataclass
class Ranges:
    """The ranges that a pass over a source has met.

    label: what messages call the source.  floats: the range of floating-point images, once there was one.
    highest: type of unsigned integers -> largest value.
    """

    label: str
    source: Source
    floats: Scale | None = None
    highest: dict[np.dtype[Any], int] = field(default_factory=dict)

    def meet(self, values: Array, names: Sequence[str]) -> Scale:
        """Tell the range of these images (b, c, h, w), in agreement with all images before.  names: names of the b images.

        Floats are judged by the whole array where the source is one, else by the first block.
        Raises InputError for what is no image, numbers that are not finite, values that contradict that range, and a type
        whose white is never known.
        """
        if values.ndim != 4:
            raise InputError(
                got=f"{self.label} with images, and {printable(names[0])} of shape {values.shape[1:]}",
                need="images only, or vectors only",
                remedy="take the others out",
            )
        check_numbers(self.label, values, names.__getitem__)
        if values.dtype.kind == "b":
            return Scale(0, 1)
        low, high = float(values.min()), float(values.max())
        if values.dtype.kind == "f":
            if self.floats is None:
                extent = (low, high) if self.source.array is None else extent_of(self.label, self.source)
                self.floats = scale_of(self.label, values.dtype, *extent)
            self.floats.check(self.label, low, high)
            return self.floats
        if values.dtype.kind != "u" or values.dtype.itemsize > 2:
            return scale_of(self.label, values.dtype, low, high)
        self.highest[values.dtype] = max(int(high), self.highest.get(values.dtype, 0))
        return self.known(values.dtype)

    def known(self, dtype: np.dtype[Any]) -> Scale:
        """Return the range of values of a type that the pass has met."""
        if dtype.kind == "f":
            assert self.floats is not None  # floats were met in the pass, or these were not read then
            return self.floats
        return Scale(0, 1 if dtype.kind == "b" else int(np.iinfo(dtype).max))

    def check(self) -> None:
        """Raise InputError where, after the pass, the white of integers is still uncertain."""
        for dtype, high in self.highest.items():
            scale_of(self.label, dtype, 0, high)


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
