"""Solvers: one step from a level σ to a smaller level σ₊, and the walk down a grid of levels.

With D = D(x, σ), d = (x − D) / σ and z ~ N(0, I):

    euler        x₊ = x + (σ₊ − σ) d  =  D + (σ₊/σ)(x − D)                      order 1; DDIM in any process's variables
    heun         x̂ = the Euler step,  x₊ = x + (σ₊ − σ)(d + d̂) / 2              order 2; Euler where σ₊ = 0
    ancestral    x₊ = D + (σ₊/σ)² (x − D) + σ₊ √(1 − (σ₊/σ)²) z                 DDPM, η = 1: exact if D were x₀
    sde          x₊ = x − (σ² − σ₊²) d / σ + √(σ² − σ₊²) z                      Euler–Maruyama of the reverse SDE, in the variance

DDIM: 2010.02502, eq. 12.  Heun: 2206.00364, algorithm 1.  Ancestral: the posterior of 2006.11239, eq. 6–7, in the
frame x = x_t / α_t.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Protocol, get_args

from torch import Tensor

from byheart._checks import InputError, unknown
from byheart.denoisers.base import Denoiser, denoise, score
from byheart.sampling.spec import SolverName

__all__ = [
    "Noise",
    "Step",
    "ancestral_step",
    "euler_step",
    "fresh_noise",
    "heun_step",
    "integrate",
    "sde_step",
    "solver",
]

Noise = Callable[[tuple[int, ...]], Tensor]
"""Fresh N(0, I): one sample's shape -> (b, *shape), like SeededNoise."""


class Step(Protocol):
    """One step of a solver.

    x: (b, *shape).  sigma, sigma_next: (), decreasing, in x's dtype and device.  noise: for stochastic solvers.
    Returns (b, *shape).
    """

    def __call__(
        self, denoiser: Denoiser, x: Tensor, sigma: Tensor, sigma_next: Tensor, noise: Noise | None, /
    ) -> Tensor:
        """Return x at sigma_next."""


def euler_step(
    denoiser: Denoiser, x: Tensor, sigma: Tensor, sigma_next: Tensor, noise: Noise | None = None
) -> Tensor:
    """Take Euler's step of the probability flow, which is also DDIM's step.  Shapes as in Step."""
    # This form gives D itself at sigma_next = 0, and never divides a small difference by a small level.
    denoised = denoise(denoiser, x, sigma)
    return denoised + sigma_next / sigma * (x - denoised)


def heun_step(
    denoiser: Denoiser, x: Tensor, sigma: Tensor, sigma_next: Tensor, noise: Noise | None = None
) -> Tensor:
    """Take Heun's step of the probability flow, and Euler's step where sigma_next = 0.  Shapes as in Step."""
    denoised = denoise(denoiser, x, sigma)
    predicted = denoised + sigma_next / sigma * (x - denoised)
    if sigma_next == 0:  # at 0 there is no slope, and the step is Euler's
        return predicted
    slope, slope_there = (
        (x - denoised) / sigma,
        (predicted - denoise(denoiser, predicted, sigma_next)) / sigma_next,
    )
    return x + (sigma_next - sigma) * (slope + slope_there) / 2


def ancestral_step(
    denoiser: Denoiser, x: Tensor, sigma: Tensor, sigma_next: Tensor, noise: Noise | None = None
) -> Tensor:
    """Draw from q(x at sigma_next | x, x₀ = D), which is DDPM's step.  Shapes as in Step.

    Raises InputError without noise.
    """
    fresh = fresh_noise("ancestral", noise, x)
    denoised = denoise(denoiser, x, sigma)
    kept = (sigma_next / sigma) ** 2
    return denoised + kept * (x - denoised) + sigma_next * (1 - kept).sqrt() * fresh


def sde_step(
    denoiser: Denoiser, x: Tensor, sigma: Tensor, sigma_next: Tensor, noise: Noise | None = None
) -> Tensor:
    """Take Euler and Maruyama's step of the reverse SDE dx = −(score) dσ² + dW, whose clock is the variance σ².

    The step to 0 returns D, because noise added at that step would stay in the samples.  For the time of a process use
    `euler_maruyama`.  Shapes as in Step.  Raises InputError without noise.
    """
    fresh = fresh_noise("sde", noise, x)
    if sigma_next == 0:
        return denoise(denoiser, x, sigma)
    gone = sigma.square() - sigma_next.square()
    return x + gone * score(denoiser, x, sigma) + gone.sqrt() * fresh


def integrate(
    step: Step, denoiser: Denoiser, x: Tensor, levels: Tensor, noise: Noise | None = None
) -> Iterator[Tensor]:
    """Walk down the levels and yield the state at every level, the given x first.

    x: (b, *shape) at levels[0].  levels: (s,), decreasing, positive except for a final 0.  noise: for stochastic solvers.
    Raises InputError for levels that do not decrease.
    """
    _check_levels(levels)
    levels = levels.to(x)
    yield x
    for sigma, sigma_next in pairwise(levels):
        x = step(denoiser, x, sigma, sigma_next, noise)
        yield x


def solver(name: str) -> Step:
    """Return the step function called `name`.  Raises InputError for an unknown name."""
    match name:
        case "euler":
            return euler_step
        case "heun":
            return heun_step
        case "ancestral":
            return ancestral_step
        case "sde":
            return sde_step
    raise unknown(
        "solver", name, get_args(SolverName), remedy="choose one of these names, or pass a step function"
    )


def fresh_noise(name: str, noise: Noise | None, x: Tensor) -> Tensor:
    """Draw N(0, I) like x, (b, *shape).  Raises InputError for a solver without a source of noise."""
    if noise is None:
        raise InputError(
            got=f"the {name} solver without noise",
            need="a source of noise",
            remedy="pass noise=SeededNoise(seeds), or use sample(), which passes noise",
        )
    return noise(tuple(x.shape[1:])).to(x)


def _check_levels(levels: Tensor) -> None:
    walk = levels.ndim == 1 and len(levels) >= 2 and bool(levels.isfinite().all())
    if not walk or not bool((levels.diff() < 0).all()) or bool(levels[-1] < 0):
        raise InputError(
            got=f"levels {levels.tolist() if levels.numel() < 8 else tuple(levels.shape)}",
            need="at least two levels in one dimension, finite, strictly decreasing, positive except for a final 0",
            remedy="take the levels from noise.levels: karras_levels, geometric_levels or process_levels",
        )
