"""kind = "collapse": the settings of such a run."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from byheart._checks import InputError
from byheart.data.spec import Data
from byheart.experiments.kinds.shared.any_spec import AnyKind

__all__ = ["BOTTOM", "CollapseRun"]

BOTTOM = 0.05
"""In units of r_c: below it no clone changes its point any more."""


class CollapseRun(AnyKind):
    """Measure the noise level at which the posterior over n training points collapses to one point, by four signs and by theory.

    data, n: the points.  seed: Random seed of all noise.  levels: noise levels in units of the data's own r_c,
    decreasing.  clones: pairs of samples that are continued separately from each level.  steps_each: sampler steps per octave below the level.
    images: largest number of training points that are noised for own weights and traces.
    """

    kind: Literal["collapse"] = "collapse"
    data: Data = Data()
    n: int = Field(ge=2)
    seed: NonNegativeInt = 0
    levels: Annotated[tuple[PositiveFloat, ...], Field(min_length=2)] = (
        4.0,
        2.0,
        1.5,
        1.2,
        1.0,
        0.8,
        0.6,
        0.3,
    )
    clones: PositiveInt = 500
    steps_each: PositiveInt = 12
    images: int = Field(default=500, ge=2)

    @model_validator(mode="after")
    def _levels_that_part(self) -> CollapseRun:
        if list(self.levels) != sorted(set(self.levels), reverse=True) or self.levels[-1] <= BOTTOM:
            raise InputError(
                got=f"levels {list(self.levels)}",
                need=f"decreasing levels above {BOTTOM:g}, in units of r_c",
                remedy="below it no clone changes its point any more",
            )
        return self
