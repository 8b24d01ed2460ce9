"""The plan of an evaluation, frozen: part of a run's identity."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, NonNegativeInt, field_validator, model_validator

from byheart._checks import InputError
from byheart._records import Spec
from byheart.evaluation.measures import Copies, FrechetDistance, KernelDistance, LossGap, SlicedWasserstein
from byheart.noise.levels import Grid
from byheart.sampling.spec import SolverName

__all__ = ["AnyMeasure", "Plan"]

AnyMeasure = Annotated[
    Copies | LossGap | FrechetDistance | KernelDistance | SlicedWasserstein, Field(discriminator="kind")
]
"""Any measure, as a field of a specification."""

MOVED = {
    "sigmas": '{ kind = "loss_gap", sigmas = … }',
    "loss_images": '{ kind = "loss_gap", images = … }',
    "loss_seed": '{ kind = "loss_gap", seed = … }',
    "thresholds": '{ kind = "copies", thresholds = … }',
    "tolerances": '{ kind = "copies", tolerances = … }',
    "fidelity": '{ kind = "fd" }, { kind = "kid" }, { kind = "sw" }',
}
"""Name of a former setting of a plan -> its place among the settings of the measures."""


class Plan(Spec):
    """What one evaluation measures, and on which samples.

    samples: number of samples, drawn from seeds first_seed, first_seed + 1, …, the same at every evaluation; none are drawn if no
    measure needs samples.  grid, solver: of the sampler.  measures: each makes its part of the record, in this order.
    Raises InputError for two measures of one kind, and for settings that belong to a measure.
    """

    samples: Annotated[int, Field(ge=3)] = 500
    first_seed: NonNegativeInt = 0
    grid: Grid = Grid()
    solver: SolverName = "euler"
    measures: Annotated[tuple[AnyMeasure, ...], Field(min_length=1)] = (
        Copies(),
        LossGap(),
        FrechetDistance(),
        KernelDistance(),
        SlicedWasserstein(),
    )

    @property
    def draws(self) -> bool:
        """Say whether an evaluation draws samples, which is so if a measure needs them."""
        return any(measure.needs_samples for measure in self.measures)

    @model_validator(mode="before")
    @classmethod
    def _nothing_moved(cls, settings: Any) -> Any:
        moved = [name for name in MOVED if isinstance(settings, dict) and name in settings]
        if moved:
            raise InputError(
                got=f"{' and '.join(moved)} among the settings of a plan",
                need="settings of a measure in its own table, among the `measures` of the plan",
                remedy=f"write measures = [{', '.join(MOVED[name] for name in moved)}, …], with every measure you want",
            )
        return settings

    @field_validator("measures")
    @classmethod
    def _one_of_a_kind(cls, measures: tuple[AnyMeasure, ...]) -> tuple[AnyMeasure, ...]:
        kinds = [measure.kind for measure in measures]
        if repeated := sorted({kind for kind in kinds if kinds.count(kind) > 1}):
            raise InputError(
                got=f"several measures of kind {', '.join(repeated)}",
                need="one measure of each kind, because measures of one kind give their numbers the same names",
                remedy="put their settings into one, such as { kind = 'copies', thresholds = [0.3, 0.5] }",
            )
        return measures

    def shortened(self, samples: int) -> Plan:
        """Return the plan with fewer samples, and fewer images in the same proportion; the plan itself if it draws no samples."""
        if not self.draws:
            return self
        less = samples / self.samples
        measures = tuple(
            measure.model_copy(update={"images": max(2, round(measure.images * less))})
            if isinstance(measure, LossGap)
            else measure
            for measure in self.measures
        )
        return self.model_copy(update={"samples": samples, "measures": measures})
