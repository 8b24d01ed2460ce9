"""Facts of single images by which two readings of a set can be told apart, blind to what is copied.

    kind        fact                 of an image, its channels averaged, reduced to 16×16
    ------------------------------------------------------------------------------------------------------------------------
    direction   direction            log of horizontal over vertical gradient energy
                anisotropy           its absolute value
    slant       slant                2 Σ ∂x·∂y over the sum of both energies
    halves      upper − lower        mean of the upper half minus mean of the lower one
                left − right         mean of the left half minus mean of the right one
    tone        brightness           mean
                border − middle      mean of the outer 2 pixels on each side minus mean of the others
                dark, light          share of pixels below 0.25, above 0.75
    sharpness   fineness             log of the gradient energy at 32×32 over that at 16×16; is compared, and does not vote
                contrast             log of the gradient energy at 16×16 over the variance; the same

Each is a number of one image alone.  Copies among the samples shift no mean of these: the images that they copy have the distribution of
all others.  Gradients are central differences, in which white noise gives no slant.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from byheart.data.raw import Array

__all__ = ["BRIGHTNESS", "FACTS", "KINDS", "SHARPNESS", "TONE", "facts_of"]

FACTS = (
    "direction",
    "anisotropy",
    "slant",
    "upper − lower",
    "left − right",
    "brightness",
    "border − middle",
    "dark",
    "light",
    "fineness",
    "contrast",
)
"""The names of the facts, in the order of the columns of `facts_of`."""

KINDS = np.array([0, 0, 1, 2, 2, 3, 3, 3, 3, 4, 4])
"""The kind of each fact: those of one kind say the same twice."""

TONE, SHARPNESS, BRIGHTNESS = 3, 4, FACTS.index("brightness")

_FLOOR = 1e-4  # of gradient energies, a pixel: blank images have no direction
_BORDER = 2


def facts_of(small: Array) -> NDArray[np.float64]:
    """Compute the facts of images (n, c, 32, 32) in [0, 1]: (n, f) in the order of `FACTS`."""
    grey = np.asarray(small, np.float64).mean(1)
    fine = sum((np.diff(grey, axis=axis) ** 2).mean((1, 2)) for axis in (1, 2))
    n, side, _ = grey.shape
    half = side // 2
    grey = grey.reshape(n, half, 2, half, 2).mean((2, 4))
    across, down = grey[:, 1:-1, 2:] - grey[:, 1:-1, :-2], grey[:, 2:, 1:-1] - grey[:, :-2, 1:-1]
    horizontal, vertical = ((x**2).mean((1, 2)) + _FLOOR for x in (across, down))
    direction, energy = np.log(horizontal / vertical), horizontal + vertical
    inner = grey[:, _BORDER:-_BORDER, _BORDER:-_BORDER]
    border = (grey.sum((1, 2)) - inner.sum((1, 2))) / (grey[0].size - inner[0].size)
    facts = (
        direction,
        np.abs(direction),
        2 * (across * down).mean((1, 2)) / energy,
        grey[:, : half // 2].mean((1, 2)) - grey[:, half // 2 :].mean((1, 2)),
        grey[:, :, : half // 2].mean((1, 2)) - grey[:, :, half // 2 :].mean((1, 2)),
        grey.mean((1, 2)),
        border - inner.mean((1, 2)),
        (grey < 0.25).mean((1, 2)),
        (grey > 0.75).mean((1, 2)),
        np.log((fine + _FLOOR) / energy),
        np.log(energy / (grey.var((1, 2)) + _FLOOR)),
    )
    return np.stack(facts, axis=1)
