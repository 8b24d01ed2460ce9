"""Isotropic Gaussian mixtures: data whose density, score and denoiser are known.

    p(x) = Σₖ wₖ N(x; μₖ, s²I)

S1's population (2508.17689): equal weights, means drawn from N(0, I) and normalized to the sphere of radius √d, s = 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from byheart._checks import InputError, check_finite, check_not_negative, check_shape
from byheart.random import derive, generator

__all__ = ["GaussianMixture", "check_weights", "isotropic_mixture"]


@dataclass(frozen=True, eq=False)
class GaussianMixture:
    """The mixture Σₖ wₖ N(μₖ, s²I).

    means: (k, d).  std: s, within a component.  weights: (k,), positive, of sum 1; None is equal.
    Raises InputError for means that are no finite matrix, a negative std, or weights that do not fit.
    """

    means: Tensor
    std: float
    weights: Tensor | None = None

    def __post_init__(self) -> None:
        check_shape("means", self.means, "mean", "(k, d)", remedy="stack the means along the first dimension")
        check_finite("means", self.means)
        check_not_negative("std", self.std, remedy="give a standard deviation")
        if self.weights is not None:
            check_weights(self.weights, len(self.means))

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw n samples (n, d), in the dtype of the means."""
        return self.labeled(n, generator)[0]

    def labeled(self, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw n samples (n, d), and return them with their components (n,)."""
        weights = torch.ones(len(self.means), dtype=torch.float32) if self.weights is None else self.weights
        labels = torch.multinomial(weights, n, replacement=True, generator=generator)
        noise = torch.randn(n, self.means.shape[1], generator=generator, dtype=self.means.dtype)
        return self.means[labels] + self.std * noise, labels


def isotropic_mixture(components: int, dimension: int, std: float, seed: int) -> GaussianMixture:
    """Make S1's population: `components` equal Gaussians of standard deviation `std` with means on the sphere of radius √dimension."""
    draws = torch.randn(
        components, dimension, generator=generator(derive(seed, "means")), dtype=torch.float32
    )
    return GaussianMixture(draws / draws.norm(dim=1, keepdim=True) * dimension**0.5, std)


def check_weights(weights: Tensor, count: int) -> None:
    """Raise InputError unless these are `count` positive numbers of sum 1."""
    fits = weights.shape == (count,) and bool((weights > 0).all())
    if not fits or abs(weights.double().sum().item() - 1) > 1e-5:
        raise InputError(
            got=f"weights of shape {tuple(weights.shape)} and sum {weights.sum().item():g}",
            need=f"({count},) positive numbers of sum 1",
            remedy="remove components of weight 0, then divide by the sum",
        )
