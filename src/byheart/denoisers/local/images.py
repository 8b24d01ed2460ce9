"""The parts that local scores share: chunks of training images, windows by noise level, and rows of one window together."""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from byheart._checks import InputError, check_finite, check_least, check_shape, unknown
from byheart.denoisers.base import HoldsTrain, Level, level_of, rows_and_variance
from byheart.denoisers.local.statistics import PixelPosterior, pixel_posterior
from byheart.denoisers.mixture import DTYPES, Precision
from byheart.denoisers.posterior import check_question, joined

__all__ = ["AT_ONCE", "Trained", "Window", "Windowed", "squared_differences", "window_at"]

AT_ONCE = 1 << 20
"""Numbers of one array held at a time: 8 MiB in float64, about the size of the caches."""

Window = int | Callable[[float], int]
"""Side k of the square window, or k(σ)."""

Key = TypeVar("Key")


class Trained(HoldsTrain):
    """Base of every local score, with its training images.

    train: (n, c, h, w), floating point; the images must not change in place.  precision: of the arithmetic.
    chunk: training images at a time; None takes as many as keep AT_ONCE numbers, so that memory never grows with n.
    """

    precision: Precision
    chunk: int | None

    def __post_init__(self) -> None:
        _check_images(self.train)
        if self.precision not in DTYPES:
            raise unknown("precision", self.precision, DTYPES, remedy="leave `precision` out for float64")
        if self.chunk is not None:
            check_least("chunk", self.chunk, 1, "image at a time", remedy="leave `chunk` out")

    def _parts(self, x: Tensor) -> Iterator[Tensor]:
        """Yield the training images (m, c, h, w) in x's type, with m · b images' numbers at a time.  x: (b, c, h, w)."""
        for part in torch.split(self.train, self.chunk or max(1, AT_ONCE // max(1, x.numel()))):
            yield part.to(x)

    def _by_level(
        self,
        x: Tensor,
        sigma: Level,
        key: Callable[[float], Key],
        compute: Callable[[Tensor, Tensor, Key], Tensor],
    ) -> Tensor:
        """Return compute(x, σ², key(σ)), for rows of one key at a time.

        compute receives x (b, c, h, w) in the precision, and σ² as () or (b, 1, 1, 1, 1).  Returns (b, …) in x's dtype.
        """
        rows, variance = rows_and_variance(x, sigma, self.shape, DTYPES[self.precision])
        images = rows.reshape(x.shape)
        if variance.ndim == 0:
            return compute(images, variance, key(level_of(sigma).item())).to(x.dtype)
        if not len(x):
            return compute(images, variance.new_ones(()), key(1.0)).to(x.dtype)
        groups: dict[Key, list[int]] = {}
        for row, level in enumerate(level_of(sigma).tolist()):
            groups.setdefault(key(level), []).append(row)
        parts = [
            compute(images[chosen], variance[chosen].reshape(-1, 1, 1, 1, 1), own)
            for own, chosen in groups.items()
        ]
        order = torch.tensor(
            [row for chosen in groups.values() for row in chosen], dtype=torch.int64
        ).argsort()
        return torch.cat(parts)[order.to(x.device)].to(x.dtype)

    def _maps(
        self,
        x: Tensor,
        sigma: Level,
        key: Callable[[float], Key],
        logits: Callable[[Tensor, Tensor, Key], Iterable[tuple[Tensor, Tensor]]],
        source: Tensor | None,
    ) -> PixelPosterior:
        """Compute statistics of the posterior at every pixel, a row at a time: (b, g, h, w) each.

        Raises InputError for sources that are not one training image for each row.
        """
        rows, variance = rows_and_variance(x, sigma, self.shape, DTYPES[self.precision])
        check_question(len(x), len(self.train), 1, source)
        if not len(x):
            chunks = logits(rows.reshape(x.shape), rows.new_ones(()), key(1.0))
            return pixel_posterior(chunks, None if source is None else 0)
        images, levels = rows.reshape(x.shape), level_of(sigma).expand(len(x)).tolist()
        own = [None] * len(x) if source is None else source.tolist()
        variances = variance.expand(len(x), 1).reshape(-1)
        return joined(
            [
                pixel_posterior(logits(images[row : row + 1], variances[row], key(levels[row])), own[row])
                for row in range(len(x))
            ]
        )


@dataclass(frozen=True, eq=False)
class Windowed(Trained, ABC):
    """A local score of square windows.  window: the side k of a window, or a function of σ that returns k."""

    train: Tensor
    window: Window
    precision: Precision = "float64"
    chunk: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not callable(self.window):
            self._side(1.0)

    def __call__(self, x: Tensor, sigma: Level) -> Tensor:
        """Return D(x, σ).  x: (b, c, h, w).  sigma: () or (b,), positive.  Returns (b, c, h, w) in x's dtype."""
        return self._by_level(x, sigma, self._side, self._mean)

    def _side(self, level: float) -> int:
        return window_at(self.window, level)

    @abstractmethod
    def _mean(self, x: Tensor, variance: Tensor, window: int) -> Tensor:
        """Compute D of rows of one window.  x: (b, c, h, w).  variance: σ², () or (b, 1, 1, 1, 1)."""


def squared_differences(x: Tensor, images: Tensor) -> Tensor:
    """Compute (x − xⁿ)², by subtraction: (b, m, c, h, w).  x: (b, c, h, w).  images: (m, c, h, w)."""
    return (x[:, None] - images).square()


def window_at(window: Window, level: float, *, largest: int | None = None, odd: bool = True) -> int:
    """Return k(σ).

    Raises InputError unless k is a whole number from 1 to `largest`, and odd if the window must have a center.
    """
    side = window(level) if callable(window) else window
    try:
        whole = operator.index(side)
    except TypeError:
        whole = 0
    if whole < 1 or (odd and whole % 2 == 0) or (largest is not None and whole > largest):
        kind = "an odd whole number" if odd else "a whole number"
        raise InputError(
            got=f"window {side!r}" + (f" at sigma {level:g}" if callable(window) else ""),
            need=f"{kind} of pixels from 1" + ("" if largest is None else f" to {largest}"),
            remedy="give the side of a square window, such as 5, or a function of sigma that returns it",
        )
    return whole


def _check_images(train: Tensor) -> None:
    check_shape(
        "train",
        train,
        "image",
        "(n, c, h, w)",
        remedy="add the dimension of channels with train[:, None]; convert pixels with .float()",
    )
    check_finite("train", train)
