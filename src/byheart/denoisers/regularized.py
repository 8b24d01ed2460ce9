"""Score shrinkage: a denoiser blended with the identity, which keeps the denoiser from copying.

A regularized score s/(1 + γ) belongs to the denoiser

    D_γ(x, σ) = ( D + γ x ) / (1 + γ) = x + ( D − x ) / (1 + γ),        γ(x, σ) ≥ 0

    shrinkage            γ                            note
    ------------------------------------------------------------------------------------------------
    Tikhonov             c / σ_t²                     σ_t of a process: c/σ² (VE), c (1 + σ²)/σ² (variance preserving)
    … by covariance      c / (σ_t² λ_i)               along the direction of variance λ_i
    consistency          max(0, τ/p − 1)              the score ∇p / max(p, τ), with τ = exp(−κ d/2)
    any other            a function of (x, σ)

p is the density of the noisy training points without its normalization, p(x, σ) = Σₙ exp(−‖x − xₙ‖²/2σ²), so that p = 1 at
a training point far from all others.  κ is about the largest squared distance from a point, in noise radii and over d, at
which a sample is still captured.

Reference: Baptista, Dasgupta, Kovachki, Oberai, Stuart, arXiv 2501.15785 (S2), and its code: Tikhonov with Γ = (c/σ_t²) I, and
the class GMM_score_EmpiricalBayes.  The consistency score's idea: Wibisono, Wu, Yang, arXiv 2402.07747.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from byheart._checks import InputError, check_finite
from byheart.denoisers.base import Denoiser, Level, Wrapper, level_of, per_row
from byheart.denoisers.mixture import MixtureDenoiser
from byheart.noise.process import Process

__all__ = ["Consistent", "Shrinkage", "Shrunk", "TikhonovByCovariance", "consistent", "tikhonov"]

Shrinkage = Callable[[Tensor, Tensor], Tensor]
"""γ(x, σ).  x: (b, *shape).  sigma: () or (b,).  Returns () or (b,), nonnegative; infinity leaves x where it is."""


@dataclass(frozen=True, eq=False)
class Shrunk(Wrapper):
    """D_γ of a denoiser.  shrinkage: γ, any function of (x, σ), called with σ as a tensor.

    Raises InputError, when called, for a γ that is negative or NaN where D is finite.
    """

    denoiser: Denoiser
    shrinkage: Shrinkage

    def __call__(self, x: Tensor, sigma: Level) -> Tensor:
        """Return D_γ(x, σ).  x: (b, *shape).  sigma: () or (b,), positive.  Returns (b, *shape) in x's dtype."""
        level = level_of(sigma)
        denoised = self.denoiser(x, level)  # first, because the denoiser refuses bad levels
        gamma = self.shrinkage(x, level)
        gamma = torch.as_tensor(gamma, dtype=torch.float32 if isinstance(gamma, float) else None)
        if not bool((gamma >= 0).all()) and not _only_of_lost_rows(gamma, denoised):
            raise InputError(
                got=f"a shrinkage γ of {gamma.min().item():g}",
                need="γ ≥ 0",
                remedy="return a nonnegative γ(x, σ); a negative γ would sharpen the score",
            )
        kept = per_row(1 / (1 + gamma), x).to(x)
        return x + kept * (denoised - x)


def tikhonov(denoiser: Denoiser, strength: float, process: Process | None = None) -> Shrunk:
    """Build the minimizer of the denoising loss plus (c/σ_t²)·|score|², S2's Tikhonov regularization.

    strength: c ≥ 0, in squared units of the data; samples of a regularized empirical denoiser are xₙ + √c ζ.
    process: that σ_t belongs to; None is VE, where γ = c/σ².  Raises InputError for a negative or infinite strength.
    """
    return Shrunk(denoiser, _Tikhonov(_checked_strength(strength), process))


@dataclass(frozen=True)
class _Tikhonov:
    strength: float
    process: Process | None

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        return self.strength / _own_noise(self.process, sigma).square()


@dataclass(frozen=True, eq=False)
class TikhonovByCovariance(Wrapper):
    """Tikhonov with Γ = (c/σ_t²) Σ⁻¹, Σ = U diag(λ) Uᵀ: weak along directions in which the data vary, strong elsewhere.

    variances: λ, (f,), positive.  directions: U, (d, f), orthonormal columns; in all other directions λ = 0, so that the score
    is 0 in those directions.  With λ = 1 in all directions the result equals `tikhonov`.
    Raises InputError for shapes that do not fit, λ ≤ 0, or a negative strength.
    """

    denoiser: Denoiser
    strength: float
    variances: Tensor
    directions: Tensor
    process: Process | None = None

    def __post_init__(self) -> None:
        _checked_strength(self.strength)
        for name in ("variances", "directions"):
            check_finite(name, getattr(self, name))
        fits = self.directions.ndim == 2 and self.variances.shape == self.directions.shape[1:]
        if not fits or not bool((self.variances > 0).all()):
            raise InputError(
                got=f"variances {tuple(self.variances.shape)}, directions {tuple(self.directions.shape)}",
                need="positive variances (f,) and directions (d, f)",
                remedy="take both from denoisers.wiener(train), leaving out zero variances",
            )

    def __call__(self, x: Tensor, sigma: Level) -> Tensor:
        """Return D_Γ(x, σ).  x: (b, *shape).  sigma: () or (b,), positive.  Returns (b, *shape) in x's dtype."""
        level = level_of(sigma)
        change = (self.denoiser(x, level) - x).flatten(1).double()
        noise = per_row(_own_noise(self.process, level).square(), change)
        basis, variances = self.directions.double(), self.variances.double()
        kept = 1 / (
            1 + self.strength / (variances * noise)
        )  # this form is safe where σ² overflows or underflows
        return x + ((change @ basis) * kept @ basis.T).to(x.dtype).reshape(x.shape)


@dataclass(frozen=True)
class Consistent:
    """γ = max(0, τ/p − 1) with τ = exp(−κ d/2): the shrinkage of the consistency score.

    points: the mixture whose noisy density is p, with equal weights.
    kappa: κ; at κ = 1 half of the samples are copies, and the transition is √(2/d) wide.  A negative κ, τ > 1, shrinks everywhere.
    """

    points: MixtureDenoiser
    kappa: float

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Return γ(x, σ), (b,) in float64.  x: (b, *shape).  sigma: () or (b,), positive."""
        d = math.prod(self.points.shape)
        log_p = self.points.log_kernel_sum(x, sigma) + math.log(len(self.points.centers))
        return (-self.kappa * d / 2 - log_p).clamp(min=0).expm1()


def consistent(points: MixtureDenoiser, kappa: float) -> Shrunk:
    """Build the denoiser of the score ∇p / max(p, τ), τ = exp(−κ d/2) (S2's "empirical Bayes").

    points: the empirical denoiser.  Raises InputError for weighted points, or κ that is not finite.
    """
    if not isinstance(points, MixtureDenoiser):
        raise InputError(
            got=f"a {type(points).__name__}",
            need="the empirical denoiser of floating-point points, whose density is known without normalization",
            remedy="build the points with empirical(train)",
        )
    if points.log_weights is not None:
        raise InputError(
            got="a mixture of unequal weights",
            need="the empirical denoiser, whose points weigh the same",
            remedy="build the points with empirical(train)",
        )
    if not math.isfinite(kappa):
        raise InputError(
            got=f"kappa {kappa}", need="a finite number, about 1", remedy="choose a number near 1"
        )
    return Shrunk(points, Consistent(points, kappa))


def _only_of_lost_rows(gamma: Tensor, denoised: Tensor) -> bool:
    """Say whether γ is bad only by being NaN in rows whose D is not finite, which is no fault of the shrinkage."""
    if gamma.shape != denoised.shape[:1]:
        return False
    lost = ~denoised.flatten(1).isfinite().all(1)
    return bool(((gamma >= 0) | (gamma.isnan() & lost.to(gamma.device))).all())


def _own_noise(process: Process | None, sigma: Tensor) -> Tensor:
    """Return σ_t of the process at the level σ; without a process return the level itself, as in VE."""
    if process is None:
        return sigma.double()
    return process.sigma(process.time(sigma.double())).to(sigma.device)


def _checked_strength(strength: float) -> float:
    if not 0 <= strength < math.inf:
        raise InputError(
            got=f"strength {strength}", need="0 ≤ c < infinity", remedy="give a variance, such as 0.01"
        )
    return strength
