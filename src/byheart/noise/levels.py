"""Noise levels: the grids that samplers walk down, and the distributions that training draws from.

karras       σ_i = ( high^(1/ρ) + i/(s−1) · (low^(1/ρ) − high^(1/ρ)) )^ρ,  i = 0 … s − 1, then 0   (2206.00364, eq. 5)
geometric    σ_i = high · (low/high)^(i/(s−1)), then 0
shifted      √(σ_i² + c) in equal ratios from high to √c, so that the last level is 0: for scores regularized by c
process      uniform in the time of a process, from t_max to t_min (whole indices for DDPM)

lognormal    log σ ~ N(mean, std²)
uniform_time t uniform in (low, high] of a process (whole indices low … high for DDPM), σ its level
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from byheart._checks import InputError, check_open
from byheart._records import Spec
from byheart.noise.process import SIGMA_MAX, AnyProcess, Process

if TYPE_CHECKING:
    from torch import Generator, Tensor

__all__ = [
    "AnyLevelLaw",
    "Grid",
    "LogNormal",
    "UniformTime",
    "geometric_levels",
    "karras_levels",
    "process_levels",
    "shifted_levels",
]


def karras_levels(steps: int, low: float = 0.02, high: float = 20.0, rho: float = 7.0) -> Tensor:
    """Return the grid of Karras et al. (2022, eq. 5) and a final 0: (steps + 1,) float64, decreasing.

    low, high: the smallest and the largest positive level.  rho: how densely small levels are covered; the paper takes 7.
    Raises InputError unless steps ≥ 1, 0 < low < high and rho > 0.
    """
    _check_range(steps, low, high)
    check_open("rho", rho, remedy="use 7, the usual choice")
    return _then_zero((_ramp(high ** (1 / rho), low ** (1 / rho), steps) ** rho), low, high)


def geometric_levels(steps: int, low: float = 0.02, high: float = 20.0) -> Tensor:
    """Return levels in equal ratios and a final 0: (steps + 1,) float64, decreasing.

    Raises InputError unless steps ≥ 1 and 0 < low < high.
    """
    _check_range(steps, low, high)
    return _then_zero(_ramp(math.log(high), math.log(low), steps).exp(), low, high)


def shifted_levels(steps: int, strength: float, high: float = 20.0) -> Tensor:
    """Return levels with √(σ² + c) in equal ratios, from `high` to 0: (steps + 1,) float64, decreasing.

    strength: Tikhonov's c > 0.  With Tikhonov a trajectory moves in log √(σ² + c), and hardly changes far below √c.
    The last step, to 0, is an Euler step from about √(2 c h), with h the step in log √(σ² + c).  That step leaves the share h too
    little noise, so a few hundred steps are needed for an error of one per cent.
    Raises InputError unless steps ≥ 1, c > 0 and high > 0.
    """
    if steps < 1 or not 0 < strength < math.inf or not 0 < high < math.inf:
        raise InputError(
            got=f"{steps} steps from {high} with strength {strength}",
            need="steps ≥ 1, strength > 0 and high > 0",
            remedy="for strength 0 take geometric_levels",
        )
    ends = math.log(high**2 + strength) / 2, math.log(strength) / 2
    levels = ((2 * _ramp(*ends, steps + 1)).exp() - strength).clamp(min=0).sqrt()
    levels[0], levels[-1] = high, 0.0
    return levels


def process_levels(process: Process, steps: int) -> Tensor:
    """Return the levels at steps + 1 times of a process, uniform from t_max to t_min: float64, decreasing.

    If a process reaches SIGMA_MAX before t_max, the levels start there.  For a process in continuous time the levels end at 0.
    DDPM's times are truncated to whole indices and end at index 0, level 0.01; that noise stays in the samples, as in S3's sampler
    (the S grid points of S3 are steps + 1 here).
    Raises InputError for fewer than one step, or more than a discrete process has.
    """
    import torch

    latest = process.time(SIGMA_MAX).item()
    if process.discrete:
        latest = math.floor(latest)
    if steps < 1 or (process.discrete and steps > latest):
        most = f" and ≤ {latest}" if process.discrete else ""
        raise InputError(got=f"{steps} steps", need=f"steps ≥ 1{most}", remedy="change the number of steps")
    times = torch.linspace(process.t_min, latest, steps + 1, dtype=torch.float64)
    return process.level(times.floor() if process.discrete else times).flip(0)


def _ramp(first: float, last: float, steps: int) -> Tensor:
    import torch

    return torch.linspace(first, last, steps, dtype=torch.float64)


def _then_zero(levels: Tensor, low: float, high: float) -> Tensor:
    # The ends are set to low and high, without the rounding of powers and logarithms.
    levels[-1], levels[0] = low, high
    return levels.new_tensor([*levels.tolist(), 0.0])


def _check_range(steps: int, low: float, high: float) -> None:
    if steps < 1 or not 0 < low < high < math.inf:
        raise InputError(
            got=f"{steps} steps from {high} down to {low}",
            need="steps ≥ 1 and 0 < low < high",
            remedy="give low and high in the data's units; the final level 0 is added automatically",
        )


class Grid(Spec):
    """A grid of levels by name.

    steps: number of network evaluations of a first-order solver.  low, high: for kinds karras and geometric.  rho: for kind karras.
    process: for kind "process" only.  strength: Tikhonov's c, for kind "shifted" only.
    """

    kind: Literal["karras", "geometric", "process", "shifted"] = "karras"
    steps: PositiveInt = 18
    low: PositiveFloat = 0.02
    high: PositiveFloat = 20.0
    rho: PositiveFloat = 7.0
    process: AnyProcess | None = None
    strength: PositiveFloat | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Grid:
        if (self.process is not None) != (self.kind == "process"):
            raise InputError(
                got=f"a grid of kind {self.kind!r} {'without' if self.process is None else 'with'} a process",
                need="a process for kind 'process', and none for the others",
                remedy="set `process`, or choose another kind",
            )
        if (self.strength is not None) != (self.kind == "shifted"):
            raise InputError(
                got=f"a grid of kind {self.kind!r} {'without' if self.strength is None else 'with'} a strength",
                need="a strength for kind 'shifted', and none for the others",
                remedy="set `strength`, or choose another kind",
            )
        _check_range(self.steps, self.low, self.high)
        return self

    def levels(self) -> Tensor:
        """Return the levels, decreasing: (steps + 1,) float64."""
        if self.process is not None:
            return process_levels(self.process, self.steps)
        if self.strength is not None:
            return shifted_levels(self.steps, self.strength, self.high)
        if self.kind == "geometric":
            return geometric_levels(self.steps, self.low, self.high)
        return karras_levels(self.steps, self.low, self.high, self.rho)


class LogNormal(Spec):
    """log σ ~ N(mean, std²).  The defaults fit data of RMS 1 and speed up memorization (EDM takes −1.2 and 1.2)."""

    kind: Literal["lognormal"] = "lognormal"
    mean: float = -0.5
    std: PositiveFloat = 0.6

    def draw(self, count: int, generator: Generator) -> Tensor:
        """Draw levels (count,) in float32, on the generator's device."""
        import torch

        normal = torch.randn(count, generator=generator, dtype=torch.float32, device=generator.device)
        return (self.mean + self.std * normal).exp()


class UniformTime(Spec):
    """A level whose time is uniform in (low, high] of a process, or in the whole indices low … high of a discrete process.

    low, high: times; None takes the process's own end.  S3 trains DDPM on 1 … 999.
    """

    kind: Literal["uniform_time"] = "uniform_time"
    process: AnyProcess
    low: float | None = None
    high: float | None = None

    @model_validator(mode="after")
    def _inside(self) -> UniformTime:
        low, high = self._ends()
        inside = self.process.t_min <= low < high <= self.process.t_max
        whole = not self.process.discrete or (low.is_integer() and high.is_integer())
        if not (inside and whole):
            kind = "whole times" if self.process.discrete else "times"
            raise InputError(
                got=f"times from {low:g} to {high:g}",
                need=f"{kind} with {self.process.t_min:g} ≤ low < high ≤ {self.process.t_max:g}",
                remedy="change low and high, or leave them out",
            )
        return self

    def _ends(self) -> tuple[float, float]:
        low = self.process.t_min if self.low is None else self.low
        return low, self.process.t_max if self.high is None else self.high

    def draw(self, count: int, generator: Generator) -> Tensor:
        """Draw levels (count,) in float32, on the generator's device."""
        import torch

        low, high = self._ends()
        uniform = torch.rand(count, generator=generator, device=generator.device, dtype=torch.float64)
        # Times are drawn from the upper end downwards, because uniform is in [0, 1) and a level of exactly 0 has no loss.
        width = high - low + 1 if self.process.discrete else high - low
        times = high - (width * uniform).floor() if self.process.discrete else high - width * uniform
        return self.process.level(times).float()


AnyLevelLaw = Annotated[LogNormal | UniformTime, Field(discriminator="kind")]
"""Any distribution of training levels, as a field of a specification."""
