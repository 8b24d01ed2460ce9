"""Published windows: the side k(σ) with which a local score follows a trained network best.

Kamb and Ganguli fitted k at each of 20 DDIM steps to a network on its own trajectories, on the schedule 1 − ᾱ = 1 − cos²(πt / 2.016),
t = i/20 for i from 1 to 20, so that step i has the level σ = tan(πt / 2.016).  Niedoba et al. give one k for each of EDM's 18
levels.  Between these levels the nearest level in log σ counts.  Levels are in units of the data of the networks' training.

Reference: arXiv 2412.20292 (MIT-licensed release) and 2411.19339.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from byheart._checks import InputError

__all__ = ["CELEBA_UNET", "CIFAR10_PATCHES", "CIFAR10_RESNET", "CIFAR10_UNET", "MNIST_UNET", "Scale"]


@dataclass(frozen=True)
class Scale:
    """k(σ), taken from the nearest level in log σ.  levels: positive.  windows: one for each level.

    Raises InputError for lengths that differ, or levels that are not positive.
    """

    levels: tuple[float, ...]
    windows: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.levels) != len(self.windows) or not self.levels or min(self.levels) <= 0:
            raise InputError(
                got=f"{len(self.levels)} levels and {len(self.windows)} windows",
                need="one window for each of at least one positive level",
                remedy="give as many windows as levels",
            )

    def __call__(self, sigma: float) -> int:
        """Return k(σ).  sigma: positive."""
        nearest = min(range(len(self.levels)), key=lambda i: abs(math.log(self.levels[i] / sigma)))
        return self.windows[nearest]


def _cosine(*windows: int) -> Scale:
    """Make a scale from the least noise up, with one window for each of the steps t = 1/20 … 1."""
    times = [i / len(windows) for i in range(1, len(windows) + 1)]
    return Scale(tuple(math.tan(math.pi * t / 2.016) for t in times), windows)


def _edm(*windows: int, low: float = 0.002, high: float = 80.0, rho: float = 7.0) -> Scale:
    """Make a scale from the most noise down, with one window for each of EDM's levels."""
    ends = [end ** (1 / rho) for end in (high, low)]
    steps = [i / (len(windows) - 1) for i in range(len(windows))]
    return Scale(tuple((ends[0] + step * (ends[1] - ends[0])) ** rho for step in steps), windows)


CIFAR10_RESNET = _cosine(3, 3, 3, 3, 5, 5, 5, 7, 7, 7, 7, 9, 9, 11, 11, 13, 15, 17, 17, 17)
"""Windows of a ResNet with zero padding on CIFAR-10."""

CIFAR10_UNET = _cosine(3, 3, 3, 3, 5, 5, 5, 5, 7, 7, 7, 7, 9, 9, 11, 13, 13, 15, 17, 25)
"""Windows of a U-Net on CIFAR-10."""

MNIST_UNET = _cosine(3, 3, 3, 5, 5, 7, 7, 7, 9, 9, 9, 11, 13, 15, 17, 21, 23, 23, 25, 27)
"""Windows of a U-Net on MNIST."""

CELEBA_UNET = _cosine(3, 3, 3, 3, 3, 3, 3, 5, 5, 5, 5, 5, 7, 7, 9, 9, 9, 13, 19, 27)
"""Windows of a U-Net on CelebA."""

CIFAR10_PATCHES = _edm(32, 32, 32, 32, 32, 32, 32, 23, 15, 11, 7, 5, 3, 3, 3, 3, 3, 3)
"""Sides of the patches of `PatchPosterior` on CIFAR-10."""
