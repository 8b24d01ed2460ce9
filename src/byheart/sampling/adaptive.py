"""The probability flow by an adaptive method, for few dimensions: scipy's Runge–Kutta of order 5 (4).

In s = −log σ the flow is dx/ds = D(x, σ) − x, for every process (S2: its time change).  Accuracy is asked for, steps are not.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from byheart._checks import InputError, check_finite
from byheart.denoisers.base import Denoiser, denoise

__all__ = ["probability_flow"]


@torch.no_grad()
def probability_flow(
    denoiser: Denoiser, x: Tensor, levels: Tensor, *, rtol: float = 1e-6, atol: float = 1e-6
) -> Tensor:
    """The states of the probability flow at every level: (s, b, *shape) float64, the given x first.

    x: (b, *shape) at levels[0].  levels: (s,), decreasing, positive but for a final 0, which the denoised x answers.
    rtol, atol: of each sample's root mean square error within a step.  All samples share their steps: beyond these
    tolerances a sample depends on its neighbors.
    Raises InputError for levels that do not decrease, x that is not finite, or a flow that scipy gives up on.
    """
    from scipy.integrate import solve_ivp

    check_finite("x", x)
    positive = _checked(levels)
    clock = -positive.log()
    share = math.sqrt(len(x))  # scipy averages the error over all samples: one of them may hold all of it

    def slope(s: float, flat: object) -> object:
        here = torch.as_tensor(flat, dtype=torch.float64).reshape(x.shape)
        sigma = torch.tensor(math.exp(-s), dtype=torch.float64)
        return (denoise(denoiser, here, sigma) - here).flatten().numpy()

    span = (float(clock[0]), float(clock[-1]))
    found = solve_ivp(
        slope,
        span,
        x.double().flatten().numpy(),
        t_eval=clock.clamp(*span).numpy(),
        rtol=max(rtol / share, 3e-14),
        atol=atol / share,
    )
    if not found.success:
        raise InputError(
            got=f"a flow that ends at level {math.exp(-found.t[-1]) if len(found.t) else math.nan:g}: {found.message}",
            need="a denoiser without jumps",
            remedy="loosen rtol and atol, or end at a higher level",
        )
    states = torch.from_numpy(found.y.T.copy()).reshape(-1, *x.shape)
    if len(positive) < len(levels):
        states = torch.cat([states, denoise(denoiser, states[-1], positive[-1])[None]])
    return states


def _checked(levels: Tensor) -> Tensor:
    """The positive levels, float64 on the CPU."""
    walk = levels.detach().double().cpu()
    fits = walk.ndim == 1 and bool(walk.isfinite().all()) and bool((walk.diff() < 0).all())
    positive = walk[walk > 0] if fits else walk[:0]
    if len(positive) < 2 or bool((walk < 0).any()):
        raise InputError(
            got=f"levels of shape {tuple(levels.shape)}",
            need="at least two positive levels in one dimension, finite and decreasing",
            remedy="take them from noise.levels, for example geometric_levels",
        )
    return positive
