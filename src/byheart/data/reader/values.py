"""What the numbers of an image mean: which axis holds the channels, which value is black and which is white.

    numbers                         black, white         refused, because either could be meant
    ---------------------------------------------------------------------------------------------------
    bool                            0, 1
    uint8                           0, 255               if no value of the set reaches a quarter of white: 64
    uint16                          0, 65535             the same: 16384, so that 8, 10, 12 and 14 bits in 16 are refused
    other integers                                       always: their white is not known
    integers with a given white     0, that one          if a value of the set is below 0 or above it
    floats, all in [0, 1]           0, 1
    floats in [−1, 1], some < 0     −1, 1
    other floats                                         always

The whole set decides, not one image; of a sequence, which is read only once, its first images, and later ones that
contradict them are refused.  Floats in [−1, 1] without one value below 0 would be a set in which no pixel is darker than
middle grey: they are read as [0, 1].
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from byheart._checks import InputError, printable
from byheart.data.raw import Array

__all__ = ["Scale", "channels_first", "channels_last", "check_numbers", "is_dark", "likely_white", "scale_of"]

CHANNELS = range(1, 5)
SLACK = 1e-6  # float rounding at the ends of a range
DARKEST = 4  # a set whose largest value is below white over this number: nearly always of other units
BITS = (8, 10, 12, 14, 16)  # of the numbers that cameras and scanners write into 16 bits


@dataclass(frozen=True)
class Scale:
    """Grey value of x: (x − black) / (white − black)."""

    black: float
    white: float

    def lifted(self, values: Array) -> Array:
        """Subtract black from x in float64, where integers stay exact and black is 0."""
        return np.subtract(values, self.black, dtype=np.float64)

    def grey(self, lifted: Array) -> Array:
        """Scale lifted values to float32 in [0, 1]."""
        return (lifted / (self.white - self.black)).clip(0, 1).astype(np.float32)

    def check(self, label: str, low: float, high: float) -> None:
        """Raise InputError where values from low to high contradict this range."""
        if low < self.black - SLACK or high > self.white + SLACK:
            raise InputError(
                got=f"{label} with values from {low:g} to {high:g}, after others in [{self.black:g}, {self.white:g}]",
                need="one range for the whole set",
                remedy="bring all images to [0, 1], or write them as uint8",
            )


def scale_of(label: str, dtype: np.dtype[Any], low: float, high: float, white: int | None = None) -> Scale:
    """Tell the range that a set of numbers between low and high is meant in.

    white: which integer is white, where the user says it.
    Raises InputError where the type and these numbers do not say (see the table above), or contradict the white.
    """
    if white is not None:
        return _given_white(label, dtype, low, high, white)
    if dtype.kind == "b":
        return Scale(0, 1)
    if dtype.kind == "u" and dtype.itemsize <= 2 and not is_dark(dtype, high):
        return Scale(0, int(np.iinfo(dtype).max))
    if dtype.kind == "f" and low >= -1 - SLACK and high <= 1 + SLACK:
        return Scale(0, 1) if low >= -SLACK else Scale(-1, 1)
    raise InputError(
        got=f"{label} with values from {low:g} to {high:g} in {dtype}, of which the white is uncertain",
        need="uint8 or uint16 up to at least a quarter of their white (255, 65535), bool, floats in [0, 1] or [−1, 1],"
        " or the integer that is white",
        remedy=_remedy(dtype, low, high),
    )


def is_dark(dtype: np.dtype[Any], high: float) -> bool:
    """Say whether the largest value of a set is below a quarter of the largest of its type."""
    return DARKEST * high < np.iinfo(dtype).max


def likely_white(dtype: np.dtype[Any], high: float) -> int:
    """Guess the white of integers up to high: 1 for masks, else the largest number of 8, 10, 12, 14 or 16 bits; of bytes that of
    as many bits as are used.  The guess is never above what the type and a reading can hold.
    """
    if high <= 1:
        return 1
    used = int(high).bit_length()
    bits = used if dtype.itemsize == 1 else next((bits for bits in BITS if used <= bits), used)
    return min(int(2**bits - 1), int(np.iinfo(dtype).max), 2**63 - 1)


def _given_white(label: str, dtype: np.dtype[Any], low: float, high: float, white: int) -> Scale:
    if dtype.kind not in "bui" or (dtype.kind == "b" and white != 1):
        raise InputError(
            got=f"{label} in {dtype}, and white {white}",
            need="integers, where a white is given",
            remedy="leave the white out: of bool it is 1, of floats 1 as well",
        )
    if dtype.kind != "b" and white > np.iinfo(dtype).max:
        raise InputError(
            got=f"{label} in {dtype}, and white {white}",
            need=f"a white that {dtype} can hold",
            remedy="leave the white out, or correct it",
        )
    if low < 0 or high > white:
        raise InputError(
            got=f"{label} with values from {low:g} to {high:g} in {dtype}, and white {white}",
            need="values from 0 to white",
            remedy=_remedy(dtype, low, high),
        )
    return Scale(0, white)


def _remedy(dtype: np.dtype[Any], low: float, high: float) -> str:
    """Say how a set of numbers between low and high is given a range."""
    if dtype.kind == "f":
        return "divide bytes by 255, cut overshoots with .clip(0, 1); numbers that are no images go as (n, d) features"
    if low < 0 or high > likely_white(dtype, high):
        return "scale them to [0, 1], or to 0 … 255 in uint8"
    likely = likely_white(dtype, high)
    dark = int(np.iinfo(dtype).max) if dtype.kind == "u" and dtype.itemsize <= 2 else likely
    meant = f"give --white {likely} (in Python white={likely}) if {likely} is white"
    return meant + (f", or --white {dark} if these images are that dark" if dark > likely else "")


def check_numbers(label: str, values: Array, name: Callable[[int], str]) -> None:
    """Raise InputError unless values (n, …) are real numbers, and finite.  name: of each of the n."""
    if values.dtype.kind not in "buif":
        raise InputError(
            got=f"{label} of type {values.dtype}",
            need="real numbers",
            remedy="convert it to uint8 or float32",
        )
    if values.dtype.kind != "f" or np.isfinite(values).all():
        return
    bad = np.flatnonzero(~np.isfinite(values).reshape(len(values), -1).all(1))
    raise InputError(
        got=f"{label} with values that are NaN or infinite (first in {printable(name(int(bad[0])))})",
        need="finite numbers only",
        remedy="repair these, or take them out",
    )


def channels_last(label: str, shape: tuple[int, ...]) -> bool:
    """Say whether images (…, h, w, c) are meant, not (…, c, h, w): the axis of 1 to 4 is that of the channels.

    Raises InputError if neither end is from 1 to 4, or both are.
    """
    first, last = shape[-3] in CHANNELS, shape[-1] in CHANNELS
    if first != last:
        return last
    raise InputError(
        got=f"{label} of shape {shape}",
        need="1 to 4 channels, in front of or behind height and width",
        remedy="check the axes; numbers that are no images go as features, (n, d)",
    )


def channels_first(label: str, image: Array) -> Array:
    """Bring an image (h, w), (c, h, w) or (h, w, c) to (c, h, w); a vector (d,) stays as it is.

    Raises InputError for other shapes.
    """
    if image.ndim == 1:
        return image
    if image.ndim == 2:
        return image[None]
    if image.ndim == 3:
        return image.transpose(2, 0, 1) if channels_last(label, image.shape) else image
    raise InputError(
        got=f"{label} of shape {image.shape}",
        need="one image, (h, w), (c, h, w) or (h, w, c), or one vector (d,)",
        remedy="let every item be one image: without a batch dimension",
    )
