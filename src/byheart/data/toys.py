"""The small data of S2 (2501.15785), from its code: points in the plane, and images of a white square.

s2_points       draws of N(0, I) in the plane; the first twenty are the paper's, bit for bit
s2_rectangles   64×64 images, black with a white square; the first two are the paper's, √340 apart
"""

from __future__ import annotations

import numpy as np

from byheart.data.raw import Raw

__all__ = ["POINTS", "RECTANGLES", "SIDE", "square_images", "points_in_the_plane"]

POINTS, RECTANGLES, SIDE = 520, 64, 64

_PAPER = ((6, 6, 12), (40, 40, 14))  # row, column, side


def points_in_the_plane(count: int = POINTS) -> Raw:
    """Draw `count` points: values (count, 2) float64."""
    return Raw(np.random.RandomState(1).randn(count, 2))


def square_images(count: int = RECTANGLES) -> Raw:
    """Draw `count` images, each of another white square: values (count, 1, 64, 64) uint8."""
    draws = np.random.default_rng(1)
    squares = list(_PAPER)
    while len(squares) < count:
        side = int(draws.integers(10, 17))
        row, column = (int(place) for place in draws.integers(0, SIDE - side + 1, size=2))
        if (row, column, side) not in squares:
            squares.append((row, column, side))
    images = np.zeros((count, 1, SIDE, SIDE), dtype=np.uint8)
    for image, (row, column, side) in zip(images, squares, strict=False):
        image[0, row : row + side, column : column + side] = 255
    return Raw(images, peak=255)
