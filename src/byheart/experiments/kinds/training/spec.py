"""kind = "training": the settings of such a run."""

from __future__ import annotations

from typing import Literal

from pydantic import NonNegativeInt, PositiveInt, model_validator

from byheart._checks import InputError
from byheart._records import Spec
from byheart.data.spec import Data
from byheart.evaluation.plan import Plan
from byheart.experiments.kinds.shared.any_spec import AnyKind
from byheart.models.spec import EDM, AnyModel, AnyParametrization, MLPSpec
from byheart.training.spec import Loss, Training, log_spaced_steps

__all__ = ["Schedule", "TrainingRun"]


class Schedule(Spec):
    """The steps at which a training run is evaluated: `count` log-spaced steps from `first` to the last step, both included."""

    first: PositiveInt = 40
    count: PositiveInt = 16

    def steps(self, last: int) -> list[int]:
        """Return the evaluated steps of a run of `last` steps, increasing."""
        return log_spaced_steps(self.first, last, self.count)


class TrainingRun(AnyKind):
    """Train a network on n images and measure it during training.

    n: training set size.  seed: Random seed of the subset, the weights, the batches and the noise, each with its own stream.
    """

    kind: Literal["training"] = "training"
    data: Data = Data()
    n: PositiveInt
    seed: NonNegativeInt = 0
    model: AnyModel = MLPSpec()
    parametrization: AnyParametrization = EDM()
    loss: Loss = Loss()
    training: Training
    plan: Plan = Plan()
    schedule: Schedule = Schedule()

    @model_validator(mode="after")
    def _one_seed(self) -> TrainingRun:
        if self.training.seed:
            raise InputError(
                got=f"training.seed = {self.training.seed} in a run",
                need="the run's own seed, which every stream of it derives from",
                remedy="set `seed` instead",
            )
        return self

    @model_validator(mode="after")
    def _units_that_fit(self) -> TrainingRun:
        if isinstance(self.parametrization, EDM) and not self.data.standardize:
            raise InputError(
                got="the parametrization edm on data that are not standardized",
                need="data of RMS 1, which its scalings and its loss weights take for granted",
                remedy="leave data.standardize on, or use parametrization = { kind = 'process', … }",
            )
        return self

    @property
    def steps(self) -> int:
        """Return the number of optimizer steps of the whole run."""
        return self.training.steps
