"""The probability flow by an adaptive method, for few dimensions: scipy's Runge–Kutta of order 5 (4).

In s = −log σ the flow is dx/ds = D(x, σ) − x, for every process (S2: its time change).  The caller chooses the accuracy, and
the method chooses the steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from byheart._checks import InputError, check_finite, check_open
from byheart.denoisers.base import Denoiser, denoise
from byheart.noise.process import Process
from byheart.sampling.stochastic import rates, time_of_level

__all__ = ["probability_flow", "process_flow"]


@torch.no_grad()
def probability_flow(
    denoiser: Denoiser, x: Tensor, levels: Tensor, *, rtol: float = 1e-6, atol: float = 1e-6
) -> Tensor:
    """Compute the states of the probability flow at every level: (s, b, *shape) float64, the given x first.

    x: (b, *shape) at levels[0].  levels: (s,), decreasing, positive except for a final 0, at which the state is the denoised x.
    rtol, atol: tolerances of each sample's root mean square error within a step.  All samples share their steps, so a sample
    depends on the other samples within these tolerances.
    Raises InputError for levels that do not decrease, x that is not finite, or a flow that scipy gives up on.
    """
    check_finite("x", x)
    positive = _checked(levels)
    if not len(x):
        return x.double().expand(len(levels), *x.shape)
    clock = -positive.log()
    share = math.sqrt(
        len(x)
    )  # scipy averages the error over all samples, and a single sample may hold all of the error

    def slope(s: float, flat: object) -> object:
        state = torch.as_tensor(flat, dtype=torch.float64).reshape(x.shape)
        sigma = torch.tensor(math.exp(-s), dtype=torch.float64)
        return (denoise(denoiser, state, sigma) - state).flatten().numpy()

    span = (float(clock[0]), float(clock[-1]))
    first = x.double().flatten().numpy()
    solution = _solved(
        slope, span, first, rtol=rtol / share, atol=atol / share, t_eval=clock.clamp(*span).numpy()
    )
    states = torch.from_numpy(solution.y.T.copy()).reshape(-1, *x.shape)
    if len(positive) < len(levels):
        states = torch.cat([states, denoise(denoiser, states[-1], positive[-1])[None]])
    return states


def _solved(
    slope: Callable[[float, object], object],
    span: tuple[float, float],
    first: object,
    rtol: float,
    **settings: object,
) -> Any:
    """Return the solution of scipy's solve_ivp.  Raises InputError if scipy gives up, or for an rtol outside (0, 1)."""
    from scipy.integrate import solve_ivp

    check_open("rtol", rtol, 1, remedy="leave `rtol` out")
    solution = solve_ivp(slope, span, first, rtol=max(rtol, 3e-14), **settings)  # scipy warns below 3e-14
    if not solution.success:
        raise InputError(
            got=f"a flow that scipy gives up on: {solution.message}",
            need="a denoiser without jumps",
            remedy="loosen rtol and atol, or end at a higher level",
        )
    return solution


def _checked(levels: Tensor) -> Tensor:
    """Return the positive levels, float64 on the CPU.  Raises InputError for levels that do not decrease or are not finite."""
    walk = torch.as_tensor(levels, dtype=torch.float64).detach().cpu()
    fits = walk.ndim == 1 and bool(walk.isfinite().all()) and bool((walk.diff() < 0).all())
    positive = walk[walk > 0] if fits else walk[:0]
    if len(positive) < 2 or bool((walk < 0).any()):
        raise InputError(
            got=f"levels of shape {tuple(walk.shape)}",
            need="at least two positive levels in one dimension, finite and decreasing",
            remedy="take the levels from noise.levels, for example geometric_levels",
        )
    return positive


@torch.no_grad()
def process_flow(
    denoiser: Denoiser,
    process: Process,
    x: Tensor,
    start: float,
    end: float,
    *,
    rtol: float = 1e-6,
    atol: float = 1e-6,
) -> Tensor:
    """Compute the probability flow in a process's own variables x_t and t, as papers write it, to check the frame (x, σ).

    x: (b, *shape), the states x_t/α_t at level `start`.  end: > 0, the level to end at.  The process must reach both levels:
    S2's processes end at 1.87 (variance preserving) and 4.64.
    Returns x_t/α_t at level `end`, (b, *shape) float64.
    Raises InputError for a process in discrete time, a process whose α reaches 0, a level that the process does not reach, x that
    is not finite, or a flow that scipy gives up on.
    """
    check_finite("x", x)
    if process.discrete or float(process.alpha(process.t_max)) == 0:
        raise InputError(
            got=f"{type(process).__name__}, "
            + ("in discrete time" if process.discrete else "whose α ends at 0"),
            need="a process in continuous time with α > 0 throughout",
            remedy="take probability_flow, which needs no time",
        )
    check_open("end", end, remedy="end at a small level, and denoise once more for the data")
    first_time, last_time = (float(time_of_level(process, level)) for level in (start, end))
    if not len(x):
        return x.double()
    share = math.sqrt(len(x))

    def slope(t: float, flat: object) -> object:
        state = torch.as_tensor(flat, dtype=torch.float64).reshape(x.shape)
        time = torch.tensor(t, dtype=torch.float64)
        alpha, sigma, (drift, diffusion) = process.alpha(time), process.level(time), rates(process, time)
        score = alpha * (denoise(denoiser, state / alpha, sigma) - state / alpha) / (alpha * sigma) ** 2
        return (drift * state - diffusion / 2 * score).flatten().numpy()

    first = (x.double() * process.alpha(first_time)).flatten().numpy()
    solution = _solved(slope, (first_time, last_time), first, rtol=rtol / share, atol=atol / share)
    return torch.from_numpy(solution.y[:, -1].copy()).reshape(x.shape) / process.alpha(last_time)
