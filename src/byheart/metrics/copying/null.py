"""The null: how held-out images score, unchanged and blurred.

A blurred sample is near to many training images at once.  So that blur alone flags no sample, a sample's p-value is the
largest of its ranks among the held-out images and among the same images blurred by 0.7, 1 and 2 pixels (the guard).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from byheart.analysis.calibration.ranks import p_values
from byheart.metrics.copying.copy_test import CopyTest, Matches
from byheart.metrics.copying.distortions import gaussian_blur
from byheart.metrics.copying.spaces import SIDE, ring_power

__all__ = ["GUARD", "Null", "heldout_null", "unlike"]

GUARD = (0.7, 1.0, 2.0)
"""Widths of the blurs, in pixels."""

_RINGS = slice(1, 17)
_FACTOR = 2.0
_ROUNDING = SIDE**2 / (12 * 255**2)  # power of the rounding to 8 bits, below which differences do not show
_CHUNK = 1024


@dataclass(frozen=True, eq=False)
class Null:
    """The scores of m held-out images.  plain: the test of the images.  blurred: (m,) `whole` scores for each blur of the guard."""

    plain: Matches
    blurred: tuple[NDArray[np.float64], ...]

    def __len__(self) -> int:
        return len(self.plain)

    def whole(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Compute p-values (b,) of `whole` scores (b,), with the guard."""
        return p_values(scores, self.plain.whole, *self.blurred)

    def blend(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Compute p-values (b,) of pair fits (b,)."""
        return p_values(scores, self.plain.blend if self.plain.blend is not None else ())

    def local(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Compute p-values (b,) of window ratios (b,)."""
        return p_values(scores, self.plain.local if self.plain.local is not None else ())


@torch.no_grad()
def heldout_null(test: CopyTest, heldout: Tensor, tell: Callable[[int], None] = lambda done: None) -> Null:
    """Compute the null of held-out images (m, c, 32, 32) in [0, 1].

    tell: is called with the number of comparisons done so far, 4 m in all.
    """
    count = len(heldout)

    def later(at: int) -> Callable[[int], None]:
        return lambda done: tell(at * count + done)

    others = tuple(
        test(gaussian_blur(heldout, width), whole_only=True, tell=later(at)).whole
        for at, width in enumerate(GUARD, 1)
    )
    return Null(test(heldout, tell=later(0)), others)


@torch.no_grad()
def unlike(samples: Tensor, heldout: Tensor) -> tuple[bool, bool]:
    """Say whether samples differ from held-out images in sharpness, and whether they differ at every blur of the guard.

    samples: (b, c, 32, 32), heldout: (m, c, 32, 32).  The two sets differ if the ratio of their mean powers in one of the rings
    1–16 is above 2 or below ½.  Power below the rounding to 8 bits does not count.
    """
    power = _power(samples)
    differ = [
        _differ(power, _power(images))
        for images in (heldout, *(gaussian_blur(heldout, width) for width in GUARD))
    ]
    return differ[0], all(differ)


def _power(x: Tensor) -> Tensor:
    parts = torch.split(x, _CHUNK)
    total = torch.stack([ring_power(part) * len(part) for part in parts]).sum(0)
    return total[_RINGS] / len(x) + _ROUNDING


def _differ(first: Tensor, second: Tensor) -> bool:
    ratio = first / second
    return bool(((ratio > _FACTOR) | (ratio < 1 / _FACTOR)).any())
