"""Closed forms by name, for recipes and the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field, NonNegativeFloat, PositiveFloat, PositiveInt

from byheart._records import Spec
from byheart.noise.process import AnyProcess

__all__ = [
    "CLOSED_FORMS",
    "AnyClosedForm",
    "AnyShrinkage",
    "ClosedForm",
    "ConsistencyShrinkage",
    "EmpiricalForm",
    "GaussianForm",
    "PartialForm",
    "PowerShrinkage",
    "SmoothedForm",
    "TikhonovShrinkage",
]


class TikhonovShrinkage(Spec):
    """γ = c/σ_t².  strength: c.  process: that σ_t belongs to; None is the variance-exploding process, σ_t = σ."""

    kind: Literal["tikhonov"] = "tikhonov"
    strength: PositiveFloat
    process: AnyProcess | None = None


class ConsistencyShrinkage(Spec):
    """γ = max(0, τ/p − 1), τ = exp(−κ d/2): the score ∇p / max(p, τ).

    kappa: κ, about 1; a negative κ shrinks everywhere.
    """

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


class EmpiricalForm(Spec):
    """All n training points: the denoiser that copies.

    shrinkage: regularizes the score to s/(1 + γ); None leaves the score unchanged.
    """

    kind: Literal["empirical"] = "empirical"
    shrinkage: AnyShrinkage | None = None


class PartialForm(Spec):
    """Some of the training points.  memorized: number of those points.  shrinkage: as in `EmpiricalForm`."""

    kind: Literal["partial"] = "partial"
    memorized: PositiveInt
    shrinkage: AnyShrinkage | None = None


class SmoothedForm(Spec):
    """All n training points, each blurred by `std`, in units of the data's RMS.  shrinkage: as in `EmpiricalForm`."""

    kind: Literal["smoothed"] = "smoothed"
    std: PositiveFloat = 0.1
    shrinkage: AnyShrinkage | None = None


class GaussianForm(Spec):
    """Mean and covariance of the training points: the Wiener filter.  shrinkage: as in `EmpiricalForm`, without consistency."""

    kind: Literal["gaussian"] = "gaussian"
    shrinkage: AnyShrinkage | None = None


ClosedForm = EmpiricalForm | PartialForm | SmoothedForm | GaussianForm
"""Any denoiser that is a formula of the training data."""

CLOSED_FORMS: dict[str, type[ClosedForm]] = {
    form.model_fields["kind"].default: form for form in get_args(ClosedForm)
}
"""Kind -> the specification of that closed form."""


def _empirical_unless_named(settings: object) -> object:
    return {"kind": "empirical", **settings} if isinstance(settings, Mapping) else settings


AnyClosedForm = Annotated[ClosedForm, Field(discriminator="kind"), BeforeValidator(_empirical_unless_named)]
"""Any closed form, as a field of a specification; settings without a kind mean the empirical form."""
