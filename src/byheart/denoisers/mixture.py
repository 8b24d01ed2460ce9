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
`reference` in tests/laws/test_denoisers.py is this formula in twelve lines, without chunks; both must agree.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from byheart._checks import InputError, check_finite, check_not_negative, check_tensor, unknown
from byheart.denoisers.base import Level, per_row, rows_and_variance
from byheart.denoisers.points import Points
from byheart.denoisers.posterior import TOP, Posterior, check_question, joined, posterior_of
from byheart.random import generator

__all__ = ["MixtureDenoiser", "Precision", "empirical", "log_volume", "partial", "population", "smoothed"]

Precision = Literal["float64", "float32"]

AT_ONCE = 1 << 22  # weights held by `posterior` at a time: 32 MiB in float64

CHUNK = 2048  # points at a time: 24 MiB of 3,072 float32

DTYPES = {"float64": torch.float64, "float32": torch.float32}


@dataclass(frozen=True, eq=False)
class MixtureDenoiser:
    """The denoiser of Σₖ wₖ N(μₖ, s²I).

    centers: (k, *shape), floating point, or bytes with their own values as units (`empirical_bytes` takes other units); they may
    be mapped from a file.  The centers must not change in place afterwards, unless they carry gradients.
    std: standard deviation s within a component, a number or a () tensor.
    log_weights: (k,), normalized; None takes equal weights.
    precision: of the arithmetic.  float32 errs by up to 2e-5 of ‖D‖ at noised training points, and by up to 5e-3 of the distance
    between points that tie: a logit may err by several times 1e-3 (`points.COARSE`) before it is computed again, and a weight by a
    quarter of the error of two logits.  Under differentiation no logit is computed again: logits then err by about 1e-7 ‖x‖²/v,
    and float32 may take the wrong one of two near points at a small σ.
    chunk: centers taken at a time.
    Differentiable in x, sigma, centers, std and log_weights.
    Without differentiation, logits that have lost their digits are computed again: by subtraction for up to 16 centers per row, in
    float64 if more centers share the weight.
    Raises InputError for centers that are empty, not finite, or of integers other than bytes, a negative std, or weights that do
    not sum to 1.
    """

    centers: Tensor
    std: float | Tensor = 0.0
    log_weights: Tensor | None = None
    precision: Precision = "float64"
    chunk: int = CHUNK

    def __post_init__(self) -> None:
        _check_centers(self.centers)
        _check_settings(self.std, self.precision, self.chunk)
        _check_squares(self.centers, self._points.half_squares)
        if self.log_weights is not None:
            _check_weights(self.log_weights, len(self.centers))

    @property
    def shape(self) -> tuple[int, ...]:
        """Return *shape, of one sample."""
        return tuple(self.centers.shape[1:])

    @property
    def device(self) -> torch.device:
        """Return the device of the centers."""
        return self.centers.device

    def __call__(self, x: Tensor, sigma: Level) -> Tensor:
        """Return D(x, σ).  x: (b, *shape).  sigma: () or (b,), positive.  Returns (b, *shape) in x's dtype."""
        rows, variance = self._prepare(x, sigma)
        mean, _ = self._sums(rows, variance)
        own = self.std**2 / variance  # the part of v that is s²; σ² / v would overflow at huge σ
        return (mean + own * (rows - mean)).to(x.dtype).reshape(x.shape)

    def eps(self, x: Tensor, sigma: Level) -> Tensor:
        """Compute E[ε | x] without the cancellation of (x − D) / σ at small σ.  Shapes as in the call."""
        rows, variance = self._prepare(x, sigma)
        mean, _ = self._sums(rows, variance)
        level = per_row(sigma, rows).to(rows)
        return (level / variance * (rows - mean)).to(x.dtype).reshape(x.shape)

    def log_density(self, x: Tensor, sigma: Level) -> Tensor:
        """Compute log p_σ(x): (b,) float64.  x: (b, *shape).  sigma: () or (b,), positive."""
        rows, variance = self._prepare(x, sigma)
        _, log_sum = self._sums(rows, variance)
        return (log_sum - log_volume(rows.shape[1], variance)).squeeze(1)

    def log_kernel_sum(self, x: Tensor, sigma: Level) -> Tensor:
        """Compute log Σₖ wₖ exp(−‖x − μₖ‖²/2v), the log density without its normalization: (b,) float64.

        Shapes as in `log_density`.
        """
        return self._sums(*self._prepare(x, sigma))[1].squeeze(1)

    def posterior(
        self, x: Tensor, sigma: Level, *, count: int = TOP, source: Tensor | None = None
    ) -> Posterior:
        """Compute statistics of the posterior over the centers, for every row.

        x: (b, *shape).  sigma: () or (b,), positive.  count: number of leading centers kept.  source: (b,) integers, the center that
        each row was made from.  Raises InputError for a count below 1, or sources that are not one center for each row.
        """
        rows, variance = self._prepare(x, sigma)
        check_question(len(x), len(self.centers), count, source)
        parts = []
        for chosen in torch.split(torch.arange(len(x)), max(1, AT_ONCE // len(self.centers))):
            level = variance if variance.ndim == 0 else variance[chosen]
            weights, log_sum = self._points.weights(rows[chosen], level, self.log_weights)
            density = self._weighted(log_sum) - log_volume(rows.shape[1], level)
            parts.append(
                posterior_of(weights, density.squeeze(1), count, None if source is None else source[chosen])
            )
        return joined(parts)

    def truncated(self, x: Tensor, sigma: Level, count: int) -> tuple[Tensor, Tensor]:
        """Compute D over the `count` leading centers alone, (b, *shape), and the weight of the other centers, (b,).

        The error is at most σ²/v · tail · the largest distance between centers.  Below the collapse level few centers carry all
        weight; above that level nearly all centers matter, whatever n_eff says.  Shapes as in the call.
        """
        posterior = self.posterior(x, sigma, count=count)
        rows, variance = self._prepare(x, sigma)
        shares = posterior.top_weights / posterior.top_weights.sum(1, keepdim=True)
        mean = (shares[:, None] @ self.centers[posterior.top].flatten(2).to(shares)).squeeze(1)
        own = self.std**2 / variance
        return (mean + own * (rows - mean)).to(x.dtype).reshape(x.shape), posterior.tail

    def responsibilities(self, x: Tensor, sigma: Level) -> Tensor:
        """Compute rₖ(x, σ): (b, k), in the arithmetic's precision.  x: (b, *shape).  sigma: () or (b,), positive."""
        return self._points.weights(*self._prepare(x, sigma), self.log_weights)[0]

    @cached_property
    def _points(self) -> Points:
        return Points(self.centers, self.chunk)

    def _prepare(self, x: Tensor, sigma: Level) -> tuple[Tensor, Tensor]:
        """Return x as (b, d) and v as () or (b, 1), in the arithmetic's precision."""
        rows, noise = rows_and_variance(x, sigma, self.shape, DTYPES[self.precision])
        return rows, noise + self.std**2

    def _sums(self, rows: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
        """Return m(x, σ) as (b, d) and log Σₖ wₖ exp(−‖x − μₖ‖²/2v) as (b, 1) float64."""
        mean, log_sum = self._points.sums(rows, variance, self.log_weights)
        return mean, self._weighted(log_sum)

    def _weighted(self, log_sum: Tensor) -> Tensor:
        """Include equal weights, which `Points` leaves out, in a log sum over the points."""
        return log_sum - math.log(len(self.centers)) if self.log_weights is None else log_sum


def log_volume(d: int, variance: Tensor) -> Tensor:
    """Compute (d/2) log 2πv, the normalization of an isotropic Gaussian, shaped as v, in float64."""
    return d / 2 * (2 * math.pi * variance.double()).log()


def empirical(train: Tensor, *, precision: Precision = "float64") -> MixtureDenoiser:
    """Build the denoiser that minimizes the training loss, whose samples are the training points.  train: (n, *shape).

    Raises InputError for bytes: `empirical_bytes` takes bytes with their units.
    """
    return MixtureDenoiser(_floating(train), precision=precision)


def partial(train: Tensor, m: int, seed: int, *, precision: Precision = "float64") -> MixtureDenoiser:
    """Build the empirical denoiser of m of the n training points (S1).

    train: (n, *shape).
    seed: Random seed of the choice; the same seed gives the same result, and a smaller m chooses a part of a larger m's points.
    Raises InputError unless 1 ≤ m ≤ n.
    """
    _check_centers(_floating(train))
    if not 1 <= m <= len(train):
        raise InputError(
            got=f"{m} memorized points of {len(train)}",
            need=f"1 ≤ m ≤ {len(train)}",
            remedy="hold fewer points, or give more training points",
        )
    chosen = torch.randperm(len(train), generator=generator(seed))[:m]
    return MixtureDenoiser(train[chosen.to(train.device)], precision=precision)


def smoothed(train: Tensor, std: float, *, precision: Precision = "float64") -> MixtureDenoiser:
    """Build the denoiser of a kernel density estimate, whose samples are x⁽ⁱ⁾ + std · ζ.  train: (n, *shape)."""
    return MixtureDenoiser(_floating(train), std=std, precision=precision)


def population(
    means: Tensor, std: float, weights: Tensor | None = None, *, precision: Precision = "float64"
) -> MixtureDenoiser:
    """Build the true denoiser of a mixture.

    means: (k, *shape).  weights: (k,), positive, of sum 1; None takes equal weights.
    """
    return MixtureDenoiser(means, std, None if weights is None else weights.log(), precision=precision)


def _floating(points: Tensor) -> Tensor:
    """Return the points if their values are in the units of x.  Raises InputError for bytes."""
    if isinstance(points, Tensor) and points.dtype == torch.uint8:
        raise InputError(
            got=f"bytes of shape {tuple(points.shape)}",
            need="points in the units of x",
            remedy="state the units of a byte: empirical_bytes(points, scale=2/255, shift=-1), or convert with .float()",
        )
    return points


def _check_centers(centers: Tensor) -> None:
    check_tensor(
        "centers", centers, "(k, *shape)", remedy="write torch.from_numpy(array) or torch.as_tensor(list)"
    )
    stored = centers.is_floating_point() or centers.dtype == torch.uint8
    if not stored or centers.ndim < 2 or not centers.numel():
        raise InputError(
            got=f"centers of shape {tuple(centers.shape)} in {centers.dtype}",
            need="at least one center, (k, *shape) in floating point, or bytes (uint8)",
            remedy="stack the points along the first dimension; convert other pixels with .float()",
        )


def _check_squares(centers: Tensor, halves: Tensor) -> None:
    """Raise InputError unless all values are finite and so are their squares.

    Every value enters a square, so the squares are finite unless a value is not finite or its square overflows.
    """
    if not bool(halves.isfinite().all()):
        bad = int((~halves.isfinite()).nonzero()[0])
        check_finite(f"centers[{bad}]", centers[bad])
        raise InputError(
            got=f"centers[{bad}], whose squared length overflows",
            need="values below 1e150",
            remedy="give the data in other units",
        )


def _check_settings(std: float | Tensor, precision: str, chunk: int) -> None:
    width = std.item() if isinstance(std, Tensor) else std
    check_not_negative("std", width, remedy="give a standard deviation")
    if precision not in DTYPES:
        raise unknown("precision", precision, DTYPES, remedy="leave `precision` out for float64")
    if not isinstance(chunk, int) or chunk < 1:
        raise InputError(
            got=f"chunk {chunk}", need="at least one center at a time", remedy="leave `chunk` out"
        )


def _check_weights(log_weights: Tensor, count: int) -> None:
    check_tensor(
        "log_weights", log_weights, f"of shape ({count},)", remedy="write torch.tensor(weights).log()"
    )
    total = log_weights.detach().double().exp().sum().item()
    fits = log_weights.shape == (count,) and bool(log_weights.isfinite().all())
    if not fits or abs(total - 1) > 1e-5:
        raise InputError(
            got=f"log_weights of shape {tuple(log_weights.shape)} whose weights sum to {total:g}",
            need=f"shape ({count},), positive weights that sum to 1",
            remedy="remove components of weight 0 and normalize, e.g. with log_softmax",
        )
