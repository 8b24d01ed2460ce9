"""The patch posterior: the mean of whole patches, pasted at their positions and averaged where they overlap.

    D(x, σ) = Σ_C Cᵀ E[x_C | z_C] / Σ_C Cᵀ1,      E[x_C | z_C] = Σₙ w_Cₙ xⁿ_C,      w_Cₙ = softmaxₙ( −‖z_C − xⁿ_C‖² / 2σ² )

over all k × k patches C that lie inside the image, at every position.  A single patch, k = h = w, gives the empirical denoiser.

Reference: Niedoba, Zwartsenberg, Murphy, Wood, arXiv 2411.19339 (PSPC, square), with k(σ) as in `scales`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from byheart.denoisers.base import Level
from byheart.denoisers.local.boxes import box, inside
from byheart.denoisers.local.images import Windowed, squared_differences, window_at
from byheart.denoisers.local.softmax import total
from byheart.denoisers.local.statistics import PixelPosterior

__all__ = ["PatchPosterior"]


@dataclass(frozen=True, eq=False)
class PatchPosterior(Windowed):
    """The patch posterior in two passes: first the sum of every patch's softmax, then its weights, spread over the patch.

    train: (n, c, h, w).  window: k, from 1 to the shorter side, or a function of σ that returns k.
    precision: float32 as in `local`.  Differentiable in x and sigma.  Raises InputError for bad images or windows.
    """

    def posterior(self, x: Tensor, sigma: Level, *, source: Tensor | None = None) -> PixelPosterior:
        """Compute statistics of the posterior over training images at every patch: (b, 1, …) each.

        x: (b, c, h, w).  sigma: () or (b,), positive.  source: (b,) integers, the image that each row was made from.
        Raises InputError for sources that are not one training image for each row.
        """
        return self._maps(x, sigma, self._side, self._logits, source)

    def _side(self, level: float) -> int:
        return window_at(self.window, level, largest=min(self.shape[1:]), odd=False)

    def _mean(self, x: Tensor, variance: Tensor, window: int) -> Tensor:
        down, across = (inside(length, window, x) for length in x.shape[2:])
        masses = total(self._logits(x, variance, window))
        pasted = torch.zeros_like(x)
        for logits, images in self._logits(x, variance, window):
            pasted = pasted + (box(masses.weights(logits), down.T, across.T) * images).sum(1)
        return pasted / box(x.new_ones(len(down), len(across)), down.T, across.T)

    def _logits(self, x: Tensor, variance: Tensor, window: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the logits of every patch (b, m, 1, h', w'), and the images (m, c, h, w), chunk by chunk."""
        down, across = (inside(length, window, x) for length in x.shape[2:])
        for images in self._parts(x):
            apart = box(squared_differences(x, images).sum(2, keepdim=True), down, across)
            yield apart / (-2 * variance), images
