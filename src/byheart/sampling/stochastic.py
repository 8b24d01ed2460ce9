"""Euler and Maruyama's scheme in the time of a process: a paper's own SDE sampler, step for step.

In the process's variables x_t = α x the reverse SDE from t to t − Δ reads

    x_t₋ = x_t + ( −f x_t + g² s_t ) Δ + g √Δ z,        f = d log α/dt,   g² = α² d(σ²)/dt,   s_t = (α D − x_t) / (α σ)²

Published samplers walk down a uniform grid of t (`process_levels`).
"""

from __future__ import annotations

import torch
from torch import Tensor

from byheart._checks import InputError
from byheart.denoisers.base import Denoiser, denoise
from byheart.noise.process import Process
from byheart.sampling.solvers import Noise, Step, fresh_noise

__all__ = ["euler_maruyama", "rates", "time_of_level"]

ROUNDING = 1e-6
"""Relative error of a level that float32, or the conversion to a time near α = 0 and back, may cause."""


def euler_maruyama(process: Process) -> Step:
    """Return the step of Euler and Maruyama for the reverse SDE of a process, in the form that every solver takes.

    The last step, to level 0, adds noise, too, g √Δ per coordinate, as published samplers do.  So denoise once more before looking
    for copies, or leave the last level out.
    Raises InputError for a process in discrete time, which has no SDE: use the solver `ancestral` for such a process.  The step
    raises InputError for a level that the process does not reach.
    """
    if process.discrete:
        raise InputError(
            got=f"{type(process).__name__}, a process in discrete time",
            need="a process in continuous time",
            remedy="take solver='ancestral', which is its own reverse step",
        )

    def step(
        denoiser: Denoiser, x: Tensor, sigma: Tensor, sigma_next: Tensor, noise: Noise | None, /
    ) -> Tensor:
        fresh = fresh_noise("Euler–Maruyama", noise, x)
        time, time_next = time_of_level(process, sigma), time_of_level(process, sigma_next)
        span = (time - time_next).to(x)
        drift, diffusion = (rate.to(x) for rate in rates(process, time))
        alpha, alpha_next = process.alpha(time).to(x), process.alpha(time_next).to(x)
        state = alpha * x
        score = alpha * (denoise(denoiser, x, sigma) - x) / (alpha * sigma).square()
        moved = state + (diffusion * score - drift * state) * span + (diffusion * span).sqrt() * fresh
        return moved / alpha_next

    return step


def rates(process: Process, time: Tensor) -> tuple[Tensor, Tensor]:
    """Compute f = d log α/dt and g² = α² d(σ²)/dt of a process at a time, () each.  time: (), inside the process, not 0."""
    with torch.enable_grad():
        t = time.detach().double().requires_grad_()
        (drift,) = torch.autograd.grad(process.alpha(t).log(), t, retain_graph=True)
        (growth,) = torch.autograd.grad(process.level(t).square(), t)
    return drift, process.alpha(time).square() * growth


def time_of_level(process: Process, level: Tensor | float) -> Tensor:
    """Return the time at which the process has the given level: () float64.

    level: ().  `Process.time` maps a level beyond the last one to the last time; this function raises InputError for a level that
    the process does not reach, because an equation in t says nothing about such a level.
    """
    time, wanted = process.time(level), float(level)
    if abs(float(process.level(time)) - wanted) > ROUNDING * wanted:
        least, most = float(process.level(process.t_min)), float(process.level(process.t_max))
        raise InputError(
            got=f"level {wanted:g}, which {type(process).__name__} does not reach",
            need=f"levels from {least:g} to {most:g}, which the process has",
            remedy="begin at the process's last level, or take probability_flow or solver='sde', which need no time",
        )
    return time
