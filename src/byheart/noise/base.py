"""The protocol of a noising process, and the checks that all processes share."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol, TypeVar

from byheart._checks import InputError
from byheart._records import Spec

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["SIGMA_MAX", "Process", "checked_level", "checked_time", "ordered"]

S = TypeVar("S", bound=Spec)

SIGMA_MAX = 1e4
"""The largest level of any process, in the data's units, which replaces the infinite level at α = 0."""


class Process(Protocol):
    """x_t = α_t x₀ + σ_t ε as functions of time.

    t and level: any shape, any real dtype, or a number.  Every method returns that shape in float64, on the same device.
    Raises InputError for a time outside [t_min, t_max] or a level that is negative or NaN.
    """

    discrete: ClassVar[bool]
    """Whether only whole times exist; other times are interpolated."""

    @property
    def t_min(self) -> float:
        """Return the time of the data, or the time nearest to the data."""

    @property
    def t_max(self) -> float:
        """Return the time of the most noise."""

    def alpha(self, t: Tensor | float) -> Tensor:
        """Return α_t, the factor on the data."""

    def sigma(self, t: Tensor | float) -> Tensor:
        """Return σ_t, the factor on the noise (the level is σ_t / α_t)."""

    def level(self, t: Tensor | float) -> Tensor:
        """Return the level σ = σ_t / α_t, at most SIGMA_MAX."""

    def time(self, level: Tensor | float) -> Tensor:
        """Return the time of a level: the inverse of `level`, clamped into [t_min, t_max]."""


def ordered(spec: S, low: str, high: str) -> S:
    """Return the specification.  Raises InputError if its field `low` is above its field `high`."""
    if getattr(spec, low) > getattr(spec, high):
        raise InputError(
            got=f"{low} {getattr(spec, low)} above {high} {getattr(spec, high)}",
            need="noise that grows with time",
            remedy=f"swap {low} and {high}",
        )
    return spec


def checked_time(t: Tensor | float, process: Process) -> Tensor:
    """Return t in float64, clamped into the process; a float32 rounding beyond an end is allowed.

    Raises InputError for a time outside the process.
    """
    import torch

    time = torch.as_tensor(t, dtype=torch.float64)
    low, high = process.t_min, process.t_max
    slack = 1e-6 * (high - low)
    inside = (time >= low - slack) & (time <= high + slack)
    if not bool(inside.all()):
        raise InputError(
            got=f"a time outside the process ({time[~inside][0].item():g})",
            need=f"{low:g} ≤ t ≤ {high:g}",
            remedy="convert levels with .time(level), which returns times inside the process",
        )
    return time.clamp(low, high)


def checked_level(level: Tensor | float) -> Tensor:
    """Return a level in float64, at most SIGMA_MAX.  Raises InputError for a level that is negative or NaN."""
    import torch

    sigma = torch.as_tensor(level, dtype=torch.float64)
    if not bool((sigma >= 0).all()):
        raise InputError(
            got=f"a level that is negative or NaN ({sigma[~(sigma >= 0)][0].item():g})",
            need="σ ≥ 0",
            remedy="pass the standard deviation of the noise, in the data's units",
        )
    return sigma.clamp(max=SIGMA_MAX)
