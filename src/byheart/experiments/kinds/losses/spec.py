"""kind = "losses": the settings of such a run."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from byheart.data.spec import Data
from byheart.experiments.kinds.shared.any_spec import AnyKind
from byheart.experiments.kinds.shared.population_spec import Share, check_known_population

__all__ = ["LossesRun"]


class LossesRun(AnyKind):
    """Measure the excess losses of the true denoiser, and of denoisers that store M of the N points, over the denoiser that stores all (S1).

    data: a population with a formula, `mixture` or `templates`.  n: N.  seed: Random seed of the population, the points and the noise.
    shares: M/N.  draws: noise draws per point and level.  grid: levels, S1's 26 by default.
    """

    kind: Literal["losses"] = "losses"
    data: Data = Data(name="mixture", standardize=False)
    n: int = Field(default=200, ge=2)
    seed: NonNegativeInt = 0
    shares: tuple[Share, ...] = (0.1, 0.25, 0.5, 0.75, 0.9)
    draws: PositiveInt = 20
    grid: int = Field(default=26, ge=2)

    @model_validator(mode="after")
    def _known(self) -> LossesRun:
        check_known_population(self.data, self.n)
        return self
