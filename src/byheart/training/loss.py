"""The denoising loss, computed through the denoiser's own interface.

L = E over x₀, ε, σ of  w(σ) · mean over pixels of (D(x₀ + σε, σ) − x₀)²

weighting    w(σ)            equals, in terms of the network's output
----------------------------------------------------------------------------
edm          (1 + σ²)/σ²     error of an EDM network's output, data of unit variance
eps          1/σ²            error of the predicted noise
x0           1               error of the denoised sample

With Tikhonov's penalty each term gains w(σ) γ · mean (D − x)², γ = c/σ_t²; the minimizer is then (D + γ x) / (1 + γ).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from byheart.denoisers.base import Denoiser, per_row
from byheart.training.spec import Loss, Tikhonov

__all__ = ["DenoisingLoss"]


@dataclass(frozen=True)
class DenoisingLoss:
    """The loss of a batch, with one level and one noise for each row."""

    spec: Loss

    def __call__(self, model: Denoiser, x0: Tensor, generator: Generator) -> Tensor:
        """Compute the loss of a batch, ().  x0: (b, *shape).  generator: of levels and noise, on the CPU whatever x0's device."""
        sigma = self.spec.levels.draw(len(x0), generator).to(x0)
        eps = torch.randn(x0.shape, generator=generator, dtype=torch.float32).to(x0)
        level = per_row(sigma, x0)
        x = torch.addcmul(x0, level, eps)
        denoised = model(x, sigma)
        loss = ((denoised - x0) * self._root_weight(level)).square().mean()
        if self.spec.tikhonov is None:
            return loss
        root = self._root_weight(level) * self._shrinkage(self.spec.tikhonov, level).sqrt()
        return loss + ((denoised - x) * root).square().mean()

    @staticmethod
    def _shrinkage(penalty: Tikhonov, level: Tensor) -> Tensor:
        """Compute γ = c/σ_t² at the levels (b, 1, …)."""
        process = penalty.process
        own = level if process is None else process.sigma(process.time(level)).to(level)
        return penalty.strength / own.square()

    def _root_weight(self, level: Tensor) -> Tensor | float:
        match self.spec.weighting:
            case "edm":
                return (1 + level.square()).sqrt() / level
            case "eps":
                return 1 / level
            case "x0":
                return 1.0
