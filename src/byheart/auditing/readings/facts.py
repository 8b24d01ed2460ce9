"""Facts of single images by which two readings of a set can be told apart, blind to what is copied.

    fact                 of an image of 32×32, its channels averaged                                   told apart by it
    ----------------------------------------------------------------------------------------------------------------------
    direction            log of horizontal over vertical gradient energy                               turns by 90°, squash
    anisotropy           its absolute value                                                            squash of both formats
    slant                2 Σ ∂x·∂y over the sum of both energies                                       mirrors, turns
    upper − lower half   mean of the upper half minus mean of the lower one                            turns
    left − right half    mean of the left half minus mean of the right one                             turns, mirrors
    brightness           mean                                                                          transparency, white
    border − middle      mean of the 4 outermost pixels on each side minus mean of the middle          transparency, cut
    black, white         share of pixels below 0.1, above 0.9                                          transparency, white

Each is a number of one image alone.  Samples that are copies shift no mean of these, as the images that they copy have the same
distribution as all others.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from byheart.data.raw import Array

__all__ = ["FACTS", "facts_of"]

FACTS = (
    "direction",
    "anisotropy",
    "slant",
    "upper − lower half",
    "left − right half",
    "brightness",
    "border − middle",
    "dark",
    "light",
)
"""The names of the facts, in the order of the columns of `facts_of`; one column more is the roughness."""

KINDS = np.array([0, 0, 1, 2, 2, 3, 3, 3, 3])
TONE = 3

_FLOOR = 1e-4  # of gradient energies, a pixel: blank images have no direction
_BORDER = 2


def facts_of(small: Array) -> NDArray[np.float64]:
    grey = np.asarray(small, np.float64).mean(1)
    n, side, _ = grey.shape
    fine = sum(((np.diff(grey, axis=axis)) ** 2).mean((1, 2)) for axis in (1, 2))
    grey = grey.reshape(n, side // 2, 2, side // 2, 2).mean((2, 4))
    across = grey[:, 1:-1, 2:] - grey[:, 1:-1, :-2]
    down = grey[:, 2:, 1:-1] - grey[:, :-2, 1:-1]
    horizontal, vertical = ((x**2).mean((1, 2)) + _FLOOR for x in (across, down))
    direction = np.log(horizontal / vertical)
    slant = 2 * (across * down).mean((1, 2)) / (horizontal + vertical)
    half, inner = grey.shape[1] // 2, grey[:, _BORDER:-_BORDER, _BORDER:-_BORDER]
    border = (grey.sum((1, 2)) - inner.sum((1, 2))) / (grey[0].size - inner[0].size)
    return np.stack(
        [
            direction,
            np.abs(direction),
            slant,
            grey[:, :half].mean((1, 2)) - grey[:, half:].mean((1, 2)),
            grey[:, :, :half].mean((1, 2)) - grey[:, :, half:].mean((1, 2)),
            grey.mean((1, 2)),
            border - inner.mean((1, 2)),
            (grey < 0.25).mean((1, 2)),
            (grey > 0.75).mean((1, 2)),
            np.log((fine + _FLOOR) / (horizontal + vertical)),
            np.log((horizontal + vertical) / (grey.var((1, 2)) + _FLOOR)),
        ],
        axis=1,
    )
