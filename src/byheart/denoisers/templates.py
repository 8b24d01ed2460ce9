"""Posterior mean of colored templates: Gaussians of rank 3, by two matrix products.

If x₀ = c ⊗ T_k with c ~ N(u_k, s² I₃) and a template T_k of q_k = ‖T_k‖² (see `data.templates`), and x = x₀ + σε, then with
P_k = x·T_k ∈ ℝ³, the three channels of x times the template, and τ_k = σ² + s² q_k

    rₖ(x, σ)   = softmaxₖ( log wₖ + [ s²‖P_k‖²/σ² + 2 u_k·P_k − q_k‖u_k‖² ] / 2τ_k − (3/2) log(1 + s² q_k/σ²) )
    c_k(x, σ)  = u_k + (s²/τ_k) ( P_k − q_k u_k )                  the color, given the template
    D(x, σ)    = Σₖ rₖ c_k ⊗ T_k

The numbers under the softmax, minus ‖x‖²/2σ² + (3hw/2) log 2πσ², are the logarithms of wₖ pₖ(x, σ): the determinant of
σ²I + s² (I₃ ⊗ T)(I₃ ⊗ T)ᵀ is σ^{6hw} (1 + s² q/σ²)³ (2508.17689, eq. 325).  The published code has the power 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from byheart._checks import InputError
from byheart.data.mixture import check_weights
from byheart.data.templates import COLORS, check_templates
from byheart.denoisers.base import Level, per_row, rows_and_variance

__all__ = ["ColoredTemplateDenoiser"]


@dataclass(frozen=True, eq=False)
class ColoredTemplateDenoiser:
    """The denoiser of Σₖ wₖ N(u_k ⊗ T_k, s² (I₃ ⊗ T_k)(I₃ ⊗ T_k)ᵀ), in float64.

    templates: T_k, (k, *pixels); a sample has the shape (3, *pixels).  means: u_k, (k, 3).  std: s, a number or a () tensor.
    weights: (k,), positive, of sum 1; None takes equal weights.
    official: leave out the factor 3 before the logarithm, as the published code of S1 does, to compare with that code.
    Memory grows with b · k, never with b · k · pixels.  Differentiable in x, sigma, templates, means, std and weights.
    Raises InputError for shapes that do not fit, numbers that are not finite, a negative std, or weights that are not positive
    with sum 1.
    """

    templates: Tensor
    means: Tensor
    std: float | Tensor
    weights: Tensor | None = None
    official: bool = False

    def __post_init__(self) -> None:
        check_templates(self.templates, self.means, self.std)
        if self.weights is not None:
            check_weights(self.weights, len(self.templates))

    @property
    def shape(self) -> tuple[int, ...]:
        """Return (3, *pixels), the shape of one sample."""
        return (COLORS, *self.templates.shape[1:])

    @property
    def device(self) -> torch.device:
        """Return the device of the templates."""
        return self.templates.device

    def __call__(self, x: Tensor, sigma: Level) -> Tensor:
        """Return D(x, σ).  x: (b, *shape).  sigma: () or (b,), positive.  Returns (b, *shape) in x's dtype."""
        return self._denoised(*self._prepare(x, sigma)).to(x.dtype).reshape(x.shape)

    def eps(self, x: Tensor, sigma: Level) -> Tensor:
        """Compute E[ε | x] = (x − D) / σ, with the difference in float64 whatever the dtype of x.  Shapes as in the call.

        There is no form without a difference: in all directions but 3k the data have no width.
        """
        rows, noise = self._prepare(x, sigma)
        level = per_row(sigma, rows).to(rows)
        return ((rows - self._denoised(rows, noise)) / level).to(x.dtype).reshape(x.shape)

    def log_density(self, x: Tensor, sigma: Level) -> Tensor:
        """Compute log p_σ(x): (b,) float64.  x: (b, *shape).  sigma: () or (b,), positive.

        Raises InputError for the official variant, whose weights come from no density.
        """
        if self.official:
            raise InputError(
                got="the log density of the official variant",
                need="the determinant with its factor 3",
                remedy="leave `official` out",
            )
        rows, noise = self._prepare(x, sigma)
        level = noise.reshape(-1)
        outer = rows.square().sum(1) / level + rows.shape[1] * (2 * math.pi * level).log()
        return self._logits(self._products(rows), noise).logsumexp(1) - outer / 2

    def responsibilities(self, x: Tensor, sigma: Level) -> Tensor:
        """Compute rₖ(x, σ): (b, k) float64.  x: (b, *shape).  sigma: () or (b,), positive."""
        rows, noise = self._prepare(x, sigma)
        return self._logits(self._products(rows), noise).softmax(1)

    def _prepare(self, x: Tensor, sigma: Level) -> tuple[Tensor, Tensor]:
        """Return x as (b, 3 · pixels) and σ² as () or (b, 1)."""
        return rows_and_variance(x, sigma, self.shape)

    def _denoised(self, rows: Tensor, noise: Tensor) -> Tensor:
        """Compute D as (b, 3 · pixels)."""
        products = self._products(rows)
        shares = self._logits(products, noise).softmax(1)
        width, square, mean = self._parameters()
        gain = (width / (noise + width * square)).unsqueeze(-2)  # (1, k) or (b, 1, k)
        colors = mean + gain * (products - mean * square)
        # One product of two matrices: in three dimensions, torch would repeat the templates for every row.
        return ((shares[:, None] * colors).reshape(-1, len(square)) @ self._flat()).reshape(rows.shape)

    def _products(self, rows: Tensor) -> Tensor:
        """Compute P_k: (b, 3, k)."""
        flat = self._flat()
        return (rows.reshape(-1, flat.shape[1]) @ flat.T).reshape(len(rows), COLORS, len(flat))

    def _logits(self, products: Tensor, noise: Tensor) -> Tensor:
        """Compute log wₖ pₖ(x, σ) without the terms that all k share: (b, k)."""
        width, square, mean = self._parameters()
        total = noise + width * square  # τ_k, (k,) or (b, k)
        inside = width * products.square().sum(1) / noise + 2 * (mean * products).sum(1)
        volume = (1 if self.official else COLORS) * (width * square / noise).log1p()
        logits = ((inside - square * mean.square().sum(0)) / total - volume) / 2
        if self.weights is None:
            return logits - math.log(len(self.templates))
        return logits + self.weights.to(logits).log()

    def _parameters(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return s² (), q_k (k,) and u_k as (3, k)."""
        flat = self._flat()
        width = torch.as_tensor(self.std, dtype=flat.dtype, device=flat.device) ** 2
        return width, flat.square().sum(1), self.means.to(flat).T

    def _flat(self) -> Tensor:
        """Return T_k as (k, pixels) in float64."""
        return self.templates.flatten(1).double()
