"""Posterior mean of a mixture of any Gaussians: components of full, low-rank or isotropic covariance.

If x₀ ~ Σₖ wₖ N(μₖ, Cₖ), each component is a Wiener filter Dₖ with its own noisy density pₖ (see `gaussian`), and

    rₖ(x, σ) ∝ wₖ pₖ(x, σ),      D(x, σ) = Σₖ rₖ Dₖ(x, σ),      log p_σ(x) = log Σₖ wₖ pₖ(x, σ)

If all covariances are the same s² I, `MixtureDenoiser` computes this formula at the speed of two matrix products.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from byheart._checks import InputError, check_finite
from byheart.data.mixture import check_weights
from byheart.denoisers.base import Level, level_of
from byheart.denoisers.gaussian import GaussianDenoiser

__all__ = ["GaussianMixtureDenoiser", "lowrank_mixture"]

LARGEST = 1e150


@dataclass(frozen=True, eq=False)
class GaussianMixtureDenoiser:
    """The true denoiser of Σₖ wₖ N(μₖ, Cₖ), in float64.

    components: k of them, of one shape.  weights: (k,), positive, of sum 1; None takes equal weights.
    Raises InputError for no components, different shapes, or weights that are not positive with sum 1.
    """

    components: tuple[GaussianDenoiser, ...]
    weights: Tensor | None = None

    def __post_init__(self) -> None:
        shapes = {part.shape for part in self.components}
        if len(shapes) != 1:
            raise InputError(
                got=f"components of shapes {sorted(shapes)}" if shapes else "no components",
                need="at least one component, all of one shape",
                remedy="build the components with GaussianDenoiser.from_covariance",
            )
        if self.weights is not None:
            check_weights(self.weights, len(self.components))

    @property
    def shape(self) -> tuple[int, ...]:
        """Return *shape, of one sample."""
        return self.components[0].shape

    @property
    def device(self) -> torch.device:
        """Return the device of the components."""
        return self.components[0].device

    def __call__(self, x: Tensor, sigma: Level) -> Tensor:
        """Return D(x, σ).  x: (b, *shape).  sigma: () or (b,), positive.  Returns (b, *shape) in x's dtype."""
        wide, shares = x.double(), self.responsibilities(x, sigma)
        means = torch.stack([part(wide, sigma) for part in self.components], 1).flatten(2)
        return (shares[:, None] @ means).squeeze(1).to(x.dtype).reshape(x.shape)

    def log_density(self, x: Tensor, sigma: Level) -> Tensor:
        """Compute log p_σ(x): (b,) float64.  x: (b, *shape).  sigma: () or (b,), positive."""
        return self._joint(x, sigma).logsumexp(1)

    def responsibilities(self, x: Tensor, sigma: Level) -> Tensor:
        """Compute rₖ(x, σ): (b, k) float64.  x: (b, *shape).  sigma: () or (b,), positive."""
        return self._joint(x, sigma).softmax(1)

    def _joint(self, x: Tensor, sigma: Level) -> Tensor:
        """Compute log wₖ pₖ(x, σ): (b, k)."""
        # Beyond LARGEST σ² overflows, and every density would be 0; the shares stop moving at far smaller levels.
        wide = level_of(sigma).double()
        level = wide.where(wide.isinf(), wide.clamp(max=LARGEST))
        logs = torch.stack([part.log_density(x, level) for part in self.components], 1)
        return logs - math.log(logs.shape[1]) if self.weights is None else logs + self.weights.to(logs).log()


def lowrank_mixture(
    means: Tensor, factors: Sequence[Tensor], std: float = 0.0, weights: Tensor | None = None
) -> GaussianMixtureDenoiser:
    """Build the mixture with covariances Fₖ Fₖᵀ + std² I.

    means: (k, *shape).  factors: k matrices Fₖ, (d, rank), of any ranks.  std: of the noise in all directions.
    Raises InputError unless there is one factor with d rows for each mean, and 0 ≤ std < infinity.
    """
    d = math.prod(means.shape[1:])
    fits = len(factors) == len(means) and all(factor.ndim == 2 and len(factor) == d for factor in factors)
    if not fits or not 0 <= std < math.inf:
        raise InputError(
            got=f"{len(means)} means of size {d}, factors {[tuple(factor.shape) for factor in factors]}, std {std}",
            need="a factor of shape (d, rank) for each mean, and 0 ≤ std < infinity",
            remedy="write the covariance as F Fᵀ + std² I",
        )
    for factor in factors:
        check_finite("factors", factor)
    return GaussianMixtureDenoiser(
        tuple(_component(mean, factor, std) for mean, factor in zip(means, factors, strict=True)), weights
    )


def _component(mean: Tensor, factor: Tensor, std: float) -> GaussianDenoiser:
    directions, scales, _ = torch.linalg.svd(factor.double(), full_matrices=std > 0)
    variances = scales.new_zeros(directions.shape[1])
    variances[: len(scales)] = scales.square()
    return GaussianDenoiser(mean, variances + std**2, directions)
