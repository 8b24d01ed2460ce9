"""kind = "audit": the settings of such a run."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from byheart._checks import InputError
from byheart.data.spec import Data
from byheart.experiments.kinds.shared.any_spec import AnyKind

__all__ = ["AuditRun", "Population"]

Population = Literal["digits", "fashion_mnist", "glyphs", "clipart", "clipart_strict"]


class AuditRun(AnyKind):
    """Make copies of training images, and measure how many the copy test flags, and how many originals it flags.

    population: the data set of the images.  Its first n images, shuffled by seed, are the training images; the next `pool` are
    split again and again into `heldout` images and originals.  doubled: the training set holds every image twice, exactly or
    nearly.  planted: copies of each kind; main: of each main kind; innocents: originals of each kind, made by degrading held-out images.
    copiers: samples of the exact empirical denoiser.  splits: of the pool.  repetitions: of the share's coverage.
    alpha: false-positive rate.
    """

    kind: Literal["audit"] = "audit"
    population: Population
    n: int = Field(ge=100)
    seed: NonNegativeInt = 7
    heldout: int = Field(default=1000, ge=99)
    pool: int = Field(default=3500, ge=200)
    doubled: Literal["no", "exactly", "nearly"] = "no"
    planted: int = Field(default=100, ge=4)
    main: int = Field(default=150, ge=4)
    innocents: int = Field(default=300, ge=4)
    copiers: NonNegativeInt = 100
    queries: int = Field(default=600, ge=50)
    splits: PositiveInt = 200
    repetitions: PositiveInt = 1000
    alpha: float = Field(default=0.01, gt=0, lt=1)

    @property
    def data(self) -> Data:
        """Return the data set from which the population is made."""
        return Data(name="clipart" if self.population == "clipart_strict" else self.population)

    @property
    def rank(self) -> int:
        """Return the marginal rank of alpha.  Raises InputError if there is none, which the checks of a run exclude."""
        from byheart.analysis.calibration.ranks import marginal_rank

        found = marginal_rank(self.alpha, self.heldout)
        if found is None:
            raise InputError(
                got=f"alpha {self.alpha:g} with {self.heldout} held-out images",
                need=f"at least 1/(heldout + 1) = {1 / (self.heldout + 1):.3g}: no rank is rarer, so nobody could be accused",
                remedy=f"raise `alpha`, or hold out at least {math.ceil(1 / self.alpha - 1e-9) - 1} images",
            )
        return found

    @property
    def samples(self) -> int:
        """Return about how many images are scored."""
        kinds = 13  # of originals, and of main copies
        return (
            4 * self.pool
            + kinds * (self.main + self.innocents)
            + 8 * self.planted
            + 2 * self.copiers
            + self.queries
        )

    @model_validator(mode="after")
    def _innocents_left(self) -> AuditRun:
        if self.pool < self.heldout + 50:
            raise InputError(
                got=f"a pool of {self.pool} images, of which {self.heldout} are held out",
                need="at least 50 left over, to be accused or not",
                remedy="raise `pool`, or lower `heldout`",
            )
        return self

    @model_validator(mode="after")
    def _somebody_can_be_accused(self) -> AuditRun:
        _ = self.rank
        return self
