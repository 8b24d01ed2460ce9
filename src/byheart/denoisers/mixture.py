"""Posterior mean of an isotropic Gaussian mixture: one closed form, four denoisers.

If x₀ ~ Σₖ wₖ N(μₖ, s²I) and x = x₀ + σε, then with v = s² + σ²

    rₖ(x, σ)     = softmaxₖ( log wₖ − ‖x − μₖ‖² / 2v )
    m(x, σ)      = Σₖ rₖ μₖ
    D(x, σ)      = ( σ² m + s² x ) / v
    eps(x, σ)    = σ ( x − m ) / v
    log p_σ(x)   = log Σₖ wₖ exp( −‖x − μₖ‖² / 2v ) − (d/2) log 2πv

    centers                    std    this is the
    ------------------------------------------------------------
    means of the population    > 0    true denoiser
    all n training points        0    empirical denoiser (copies)
    m < n training points        0    partially memorizing denoiser
    all n training points      > 0    smoothed empirical denoiser

Centers are read in chunks, with a running maximum: memory grows with b · chunk, never with b · k.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import threshold

from byheart._checks import InputError, check_finite
from byheart.denoisers.base import per_row, rows_and_variance
from byheart.numerics.products import matmul_t
from byheart.random import generator

__all__ = ["MixtureDenoiser", "Precision", "empirical", "partial", "population", "smoothed"]

Precision = Literal["float64", "float32"]

DTYPES = {"float64": torch.float64, "float32": torch.float32}

TINY_WEIGHT = 1e-30
"""Smaller weights are set to 0: denormal numbers slow products down twentyfold on some processors."""


@dataclass(frozen=True, eq=False)
class MixtureDenoiser:
    """The denoiser of Σₖ wₖ N(μₖ, s²I).

    centers: (k, *shape).  std: standard deviation s within a component, a number or a () tensor.
    log_weights: (k,), normalized; None is equal weights.
    precision: of the arithmetic.  float32 errs by up to 2e-5 of ‖D‖, and by 1e-4 between near-duplicate centers at
    a σ of their distance.
    chunk: centers taken at a time.
    Differentiable in x, sigma, centers, std and log_weights.
    Raises InputError for centers that are empty, integers or not finite, a negative std, or weights that do not sum to 1.
    """

    centers: Tensor
    std: float | Tensor = 0.0
    log_weights: Tensor | None = None
    precision: Precision = "float64"
    chunk: int = 2048

    def __post_init__(self) -> None:
        _check_centers(self.centers)
        _check_settings(self.std, self.precision, self.chunk)
        if self.log_weights is not None:
            _check_weights(self.log_weights, len(self.centers))

    @property
    def shape(self) -> tuple[int, ...]:
        """*shape, of one sample."""
        return tuple(self.centers.shape[1:])

    @property
    def device(self) -> torch.device:
        """Where the centers are."""
        return self.centers.device

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        """D(x, σ).  x: (b, *shape).  sigma: () or (b,), positive.  Returns (b, *shape) in x's dtype."""
        rows, variance = self._prepare(x, sigma)
        mean, _ = self._sums(rows, variance)
        own = self.std**2 / variance  # the part of v that is s²; σ² / v would overflow at huge σ
        return (mean + own * (rows - mean)).to(x.dtype).reshape(x.shape)

    def eps(self, x: Tensor, sigma: Tensor) -> Tensor:
        """E[ε | x], without the cancellation of (x − D) / σ at small σ.  Shapes as in the call."""
        rows, variance = self._prepare(x, sigma)
        mean, _ = self._sums(rows, variance)
        level = per_row(sigma.to(rows), rows)
        return (level / variance * (rows - mean)).to(x.dtype).reshape(x.shape)

    def log_density(self, x: Tensor, sigma: Tensor) -> Tensor:
        """log p_σ(x): (b,), in the arithmetic's precision.  x: (b, *shape).  sigma: () or (b,), positive."""
        rows, variance = self._prepare(x, sigma)
        _, log_sum = self._sums(rows, variance)
        quadratic = (
            rows.square().sum(1, keepdim=True) + rows.shape[1] * variance * (2 * math.pi * variance).log()
        )
        return (log_sum - quadratic / (2 * variance)).squeeze(1)

    def responsibilities(self, x: Tensor, sigma: Tensor) -> Tensor:
        """rₖ(x, σ): (b, k), in the arithmetic's precision.  x: (b, *shape).  sigma: () or (b,), positive."""
        rows, variance = self._prepare(x, sigma)
        return torch.cat([logits for _, logits in self._logits(rows, variance)], 1).softmax(1)

    def _prepare(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        """x as (b, d) and v as () or (b, 1), in the arithmetic's precision."""
        rows, noise = rows_and_variance(x, sigma, self.shape, DTYPES[self.precision])
        return rows, noise + self.std**2

    def _logits(self, rows: Tensor, variance: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """A chunk of centers (c, d) and log wₖ − ‖x − μₖ‖²/2v + ‖x‖²/2v of them (b, c), chunk by chunk."""
        equal = -math.log(len(self.centers))
        for start in range(0, len(self.centers), self.chunk):
            part = slice(start, start + self.chunk)
            means = self.centers[part].flatten(1).to(rows)
            weight = equal if self.log_weights is None else self.log_weights[part].to(rows)
            yield means, (_product(rows, means) - means.square().sum(1) / 2) / variance + weight

    def _sums(self, rows: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
        """m(x, σ) as (b, d) and log Σₖ exp(logits) as (b, 1)."""
        peak = rows.new_full((len(rows), 1), -math.inf)
        mass, moment = torch.zeros_like(peak), torch.zeros_like(rows)
        for means, logits in self._logits(rows, variance):
            before, peak = peak, torch.maximum(peak, logits.detach().amax(1, keepdim=True))
            weights = threshold((logits - peak).exp(), TINY_WEIGHT, 0.0)
            shrink = (before - peak).exp()
            mass = mass * shrink + weights.sum(1, keepdim=True)
            moment = moment * shrink + _product(weights, means.T)
        return moment / mass, peak + mass.log()


def empirical(train: Tensor, *, precision: Precision = "float64") -> MixtureDenoiser:
    """The denoiser that minimizes the training loss: its samples are the training points.  train: (n, *shape)."""
    return MixtureDenoiser(train, precision=precision)


def partial(train: Tensor, m: int, seed: int, *, precision: Precision = "float64") -> MixtureDenoiser:
    """The empirical denoiser of m of the n training points (S1): one seed's subsets are nested in m.

    train: (n, *shape).  Raises InputError unless 1 ≤ m ≤ n.
    """
    if not 1 <= m <= len(train):
        raise InputError(
            got=f"{m} memorized points of {len(train)}",
            need=f"1 ≤ m ≤ {len(train)}",
            remedy="hold fewer points, or give more training points",
        )
    chosen = torch.randperm(len(train), generator=generator(seed))[:m]
    return MixtureDenoiser(train[chosen.to(train.device)], precision=precision)


def smoothed(train: Tensor, std: float, *, precision: Precision = "float64") -> MixtureDenoiser:
    """The denoiser of a kernel density estimate: samples are x⁽ⁱ⁾ + std · ζ.  train: (n, *shape)."""
    return MixtureDenoiser(train, std=std, precision=precision)


def population(
    means: Tensor, std: float, weights: Tensor | None = None, *, precision: Precision = "float64"
) -> MixtureDenoiser:
    """The true denoiser of a mixture.  means: (k, *shape).  weights: (k,), positive, of sum 1; None is equal."""
    return MixtureDenoiser(means, std, None if weights is None else weights.log(), precision=precision)


def _product(x: Tensor, w: Tensor) -> Tensor:
    """x · wᵀ: through the fast product where nobody differentiates."""
    differentiated = torch.is_grad_enabled() and (x.requires_grad or w.requires_grad)
    return x @ w.T if differentiated or x.dtype == torch.float64 else matmul_t(x, w)


def _check_centers(centers: Tensor) -> None:
    if not centers.is_floating_point() or centers.ndim < 2 or not centers.numel():
        raise InputError(
            got=f"centers of shape {tuple(centers.shape)} in {centers.dtype}",
            need="at least one center, (k, *shape) in floating point",
            remedy="stack the points along the first dimension; convert pixels with .float()",
        )
    check_finite("centers", centers)


def _check_settings(std: float | Tensor, precision: str, chunk: int) -> None:
    width = std.item() if isinstance(std, Tensor) else std
    if not 0 <= width < math.inf:
        raise InputError(got=f"std {width}", need="0 ≤ std < infinity", remedy="give a standard deviation")
    if precision not in DTYPES:
        raise InputError(
            got=f"precision {precision!r}", need="'float64' or 'float32'", remedy="leave it out for float64"
        )
    if chunk < 1:
        raise InputError(got=f"chunk {chunk}", need="at least one center at a time", remedy="leave it out")


def _check_weights(log_weights: Tensor, count: int) -> None:
    total = log_weights.detach().double().exp().sum().item()
    fits = log_weights.shape == (count,) and bool(log_weights.isfinite().all())
    if not fits or abs(total - 1) > 1e-5:
        raise InputError(
            got=f"log_weights of shape {tuple(log_weights.shape)} whose weights sum to {total:g}",
            need=f"shape ({count},), positive weights that sum to 1",
            remedy="remove components of weight 0 and normalize, e.g. with log_softmax",
        )
