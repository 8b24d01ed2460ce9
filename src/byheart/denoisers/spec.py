"""Closed forms by name: what a recipe or the command line asks for."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from byheart._records import Spec
from byheart.noise.process import AnyProcess

__all__ = ["AnyShrinkage", "ClosedForm", "ConsistencyShrinkage", "PowerShrinkage", "TikhonovShrinkage"]


class TikhonovShrinkage(Spec):
    """γ = c/σ_t².  strength: c.  process: whose σ_t it is; None is the variance-exploding one, σ_t = σ."""

    kind: Literal["tikhonov"] = "tikhonov"
    strength: PositiveFloat
    process: AnyProcess | None = None


class ConsistencyShrinkage(Spec):
    """γ = max(0, τ/p − 1), τ = exp(−κ d/2): the score ∇p / max(p, τ).  kappa: κ, about 1; negative ones shrink everywhere."""

    kind: Literal["consistency"] = "consistency"
    kappa: float


class PowerShrinkage(Spec):
    """γ = gamma · σ^−exponent; exponent 0 is a constant."""

    kind: Literal["power"] = "power"
    gamma: PositiveFloat
    exponent: NonNegativeFloat = 0.0


AnyShrinkage = Annotated[
    TikhonovShrinkage | ConsistencyShrinkage | PowerShrinkage, Field(discriminator="kind")
]
"""Any shrinkage γ(x, σ), as a field of a specification."""


class ClosedForm(Spec):
    """A denoiser that is a formula of the training data.

    kind: `empirical` (all n points), `partial` (`memorized` of them), `smoothed` (each point blurred by `std`), or
    `gaussian` (mean and covariance of the points: the Wiener filter).
    std: width of a component, in units of the data's RMS.  memorized: how many points a partial denoiser holds.
    shrinkage: regularizes the score, s/(1 + γ); None leaves it.
    """

    kind: Literal["empirical", "partial", "smoothed", "gaussian"] = "empirical"
    std: float = Field(default=0.1, gt=0)
    memorized: PositiveInt | None = None
    shrinkage: AnyShrinkage | None = None
