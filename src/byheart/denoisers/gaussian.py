"""The denoiser of one Gaussian: the Wiener filter, which generalizes and never copies.

If x₀ ~ N(μ, C) with C = U diag(λ) Uᵀ and x = x₀ + σε, then

    D(x, σ)    = μ + U diag( λ / (λ + σ²) ) Uᵀ (x − μ)
    log p_σ(x) = −½ (x − μ)ᵀ (C + σ²I)⁻¹ (x − μ) − ½ log det 2π(C + σ²I)

D is the best linear denoiser of any data with these moments, and the probability flow of D is known in closed form:
each coefficient c = uᵀ(x − μ) moves from level σ to level σ₊ by the factor √((λ + σ₊²) / (λ + σ²)).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from byheart._checks import InputError, check_finite, check_shape
from byheart.denoisers.base import Level, rows_and_variance

__all__ = ["GaussianDenoiser", "wiener"]


@dataclass(frozen=True, eq=False)
class GaussianDenoiser:
    """The denoiser of N(μ, U diag(λ) Uᵀ), in float64.

    mean: μ, (*shape).  variances: λ, (f,), nonnegative.  directions: U, (d, f), orthonormal columns, f ≤ d;
    the variance in all other directions is 0.
    Raises InputError for shapes that do not fit, numbers that are not finite, a negative variance, or columns of U
    that are not orthonormal.
    """

    mean: Tensor
    variances: Tensor
    directions: Tensor

    def __post_init__(self) -> None:
        size = (self.mean.numel(), self.variances.numel())
        if self.variances.ndim != 1 or tuple(self.directions.shape) != size or self.mean.ndim < 1:
            raise InputError(
                got=f"mean {tuple(self.mean.shape)}, variances {tuple(self.variances.shape)}, "
                f"directions {tuple(self.directions.shape)}",
                need="shapes (*shape), (f,) and (d, f) with d the size of the mean",
                remedy="build the denoiser with wiener(train) or GaussianDenoiser.from_covariance",
            )
        for name in ("mean", "variances", "directions"):
            check_finite(name, getattr(self, name))
        _check_spectrum(self.variances.double(), self.directions.double())

    @classmethod
    def from_covariance(cls, mean: Tensor, covariance: Tensor) -> GaussianDenoiser:
        """Build the denoiser of N(mean, covariance).  mean: (*shape).  covariance: (d, d), symmetric, nonnegative.

        Raises InputError if the covariance has another shape, or is not symmetric or not nonnegative.
        """
        flat = covariance.double()
        if flat.ndim != 2 or len(flat) != mean.numel() or not torch.allclose(flat, flat.T, rtol=1e-6):
            raise InputError(
                got=f"a covariance of shape {tuple(flat.shape)}",
                need=f"a symmetric matrix of shape ({mean.numel()}, {mean.numel()})",
                remedy="flatten the samples before computing their covariance",
            )
        values, vectors = torch.linalg.eigh(flat)
        # Rounding makes zero eigenvalues slightly negative.  A clearly negative eigenvalue stays, and is refused.
        noise = len(values) * torch.finfo(flat.dtype).eps * values.abs().max()
        return cls(mean, values.where(values.abs() > noise, 0.0), vectors)

    @property
    def shape(self) -> tuple[int, ...]:
        """Return *shape, of one sample."""
        return tuple(self.mean.shape)

    @property
    def device(self) -> torch.device:
        """Return the device of the mean."""
        return self.mean.device

    def __call__(self, x: Tensor, sigma: Level) -> Tensor:
        """Return D(x, σ).  x: (b, *shape).  sigma: () or (b,), positive.  Returns (b, *shape) in x's dtype."""
        offset, noise = self._prepare(x, sigma)
        basis, variances = self.directions.double(), self.variances.double()
        kept = (offset @ basis) * (variances / (variances + noise)) @ basis.T
        return (self.mean.double().flatten() + kept).to(x.dtype).reshape(x.shape)

    def log_density(self, x: Tensor, sigma: Level) -> Tensor:
        """Compute log p_σ(x): (b,) in float64.  x: (b, *shape).  sigma: () or (b,), positive."""
        offset, noise = self._prepare(x, sigma)
        coefficients, total = offset @ self.directions.double(), self.variances.double() + noise
        d, f = self.directions.shape
        # The squared length in the other d − f directions.
        outside = offset.square().sum(1) - coefficients.square().sum(1)
        level = noise.reshape(-1)
        quadratic = (coefficients.square() / total).sum(1) + (outside / level if f < d else 0.0)
        volume = total.log().sum(-1) + (d - f) * level.log() + d * math.log(2 * math.pi)
        return -(quadratic + volume) / 2

    def _prepare(self, x: Tensor, sigma: Level) -> tuple[Tensor, Tensor]:
        """Return x − μ as (b, d) and σ² as () or (b, 1), in float64."""
        rows, noise = rows_and_variance(x, sigma, self.shape)
        return rows - self.mean.double().flatten(), noise


def wiener(train: Tensor) -> GaussianDenoiser:
    """Build the Gaussian with the mean and the covariance (divided by n) of the training points.  train: (n, *shape).

    If there are no more points than dimensions, only the directions in which the points vary are kept.
    Raises InputError for another shape, or points that are not finite.
    """
    check_shape(
        "training points",
        train,
        "point",
        "(n, *shape)",
        remedy="stack the points along the first dimension; convert pixels with .float()",
    )
    check_finite("train", train)
    rows = train.flatten(1).double()
    mean = rows.mean(0)
    centered, count = rows - mean, len(rows)
    if count > rows.shape[1]:
        return GaussianDenoiser.from_covariance(mean.reshape(train.shape[1:]), centered.T @ centered / count)
    _, scales, directions = torch.linalg.svd(centered, full_matrices=False)
    kept = scales > scales[0] * max(centered.shape) * torch.finfo(scales.dtype).eps  # the others are rounding
    return GaussianDenoiser(mean.reshape(train.shape[1:]), scales[kept].square() / count, directions[kept].T)


def _check_spectrum(variances: Tensor, directions: Tensor) -> None:
    gram = directions.T @ directions
    unit = torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
    if bool((variances < 0).any()) or not torch.allclose(gram, unit, atol=1e-4):
        raise InputError(
            got=f"variances from {variances.min().item():g}, directions up to "
            f"{(gram - unit).abs().max().item():g} away from orthonormal",
            need="variances ≥ 0 and orthonormal columns",
            remedy="build the denoiser with wiener(train) or GaussianDenoiser.from_covariance",
        )
