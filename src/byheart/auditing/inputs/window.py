"""Faint sets: images whose values fill a small part of the range are stretched over the whole range, all by one map.

The noise of test copies, blank windows and the rounding of test copies are stated in units of the range from black to white.
Images between 0.40 and 0.45, or 12 bits in numbers of 16, would drown in this noise.  One affine map for all sets, from the
smallest value of all to the largest, treats samples and held-out images alike: under the null they stay exchangeable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor

from byheart.auditing.inputs.sets import Images

__all__ = ["NARROW", "framed", "stretched", "windowed"]

NARROW = 0.25
"""Part of the range below which values are stretched."""


def stretched(sets: Sequence[Images]) -> list[Images]:
    """Stretch sets whose values together fill less than a quarter of the range; others are returned as they are."""
    extents = [extent(one) for one in sets]
    window = min(low for low, _ in extents), max(high for _, high in extents)
    if window[1] - window[0] >= NARROW:
        return list(sets)
    return [replace(one, small=windowed(one.small, window), window=window) for one in sets]


def extent(images: Images) -> tuple[float, float]:
    """Find the smallest and the largest value at the working size."""
    low, high = images.small.aminmax()
    return float(low), float(high)


def windowed(values: Tensor, window: tuple[float, float]) -> Tensor:
    """Map values so that the ends of the window become 0 and 1, and cut what lies beyond."""
    low, high = window
    return values if window == (0.0, 1.0) else ((values - low) / (high - low)).clamp(0, 1)


def framed(sets: dict[str, Images]) -> list[str]:
    """Say which images were stretched, and whether the training images are faint beside another set, which no common map mends.

    sets: by their names in a sentence, as `stretched` returns them, training images among them as "training images".
    """
    train = sets["training images"]
    if train.window != (0.0, 1.0):
        low, high = train.window
        return [
            f"All values lie between {low:.3g} and {high:.3g} of the range from black to white. The images are stretched to the whole"
            " range before they are compared; if white was meant to be a smaller value, write the images as bytes up to 255."
        ]
    extents = {name: high - low for name, (low, high) in ((name, extent(one)) for name, one in sets.items())}
    own = extents.pop("training images")
    return [
        f"The training images fill {own:.2g} of the range from black to white, the {name} {part:.2g}: bring all sets to one range,"
        " or copies may be missed."
        for name, part in extents.items()
        if own < NARROW <= part
    ]
