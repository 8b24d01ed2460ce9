"""The local score: every pixel sees the window around it, and weighs the training images by their likeness in that window.

    D(x, σ)(p) = Σₙ wₙ xⁿ(p),        wₙ = softmaxₙ( −‖x_Ω − xⁿ_Ω‖² / 2σ² ),        Ω = the k × k pixels around p, in all channels

The window is cut at the border.  A window of side 2 · max(h, w) − 1 covers the image from every pixel and gives the empirical
denoiser.

Reference: Kamb, Ganguli, arXiv 2412.20292 (LS), with k(σ) as in `scales`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from torch import Tensor

from byheart.denoisers.base import Level
from byheart.denoisers.local.boxes import box, centered
from byheart.denoisers.local.images import Windowed, squared_differences
from byheart.denoisers.local.softmax import pixel_mean, total
from byheart.denoisers.local.statistics import PixelPosterior

__all__ = ["LocalScore", "window_logits"]


@dataclass(frozen=True, eq=False)
class LocalScore(Windowed):
    """The local score LS, at the cost of b · n · d differences, whatever the window.

    train: (n, c, h, w).  window: k, odd, or a function of σ that returns k.  precision: float32 as in `local`.
    Differentiable in x and sigma.  Raises InputError for bad images or windows.
    """

    def n_eff(self, x: Tensor, sigma: Level) -> Tensor:
        """Compute 1 / Σ wₙ², the number of training images that share a pixel: (b, h, w).  Shapes as in the call."""
        n_eff = self._by_level(x, sigma, self._side, lambda *settings: total(self._logits(*settings)).n_eff)
        return n_eff.squeeze(1)

    def posterior(self, x: Tensor, sigma: Level, *, source: Tensor | None = None) -> PixelPosterior:
        """Compute statistics of the posterior over training images at every pixel: (b, 1, …) each.

        x: (b, c, h, w).  sigma: () or (b,), positive.  source: (b,) integers, the image that each row was made from.
        Raises InputError for sources that are not one training image for each row.
        """
        return self._maps(x, sigma, self._side, self._logits, source)

    def _mean(self, x: Tensor, variance: Tensor, window: int) -> Tensor:
        return pixel_mean(self._logits(x, variance, window))

    def _logits(self, x: Tensor, variance: Tensor, window: int) -> Iterator[tuple[Tensor, Tensor]]:
        return window_logits(x, variance, window, self._parts(x))


def window_logits(
    x: Tensor, variance: Tensor, window: int, parts: Iterable[Tensor]
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield −‖x_Ω − xⁿ_Ω‖²/2σ² at every pixel (b, m, 1, h, w), and the images, chunk by chunk.

    x: (b, c, h, w).  variance: σ², () or (b, 1, 1, 1, 1).  parts: chunks (m, c, h, w) of training images.
    """
    down, across = (centered(length, window, x) for length in x.shape[2:])
    for images in parts:
        apart = box(squared_differences(x, images).sum(2, keepdim=True), down, across)
        yield apart / (-2 * variance), images
