"""What to measure, frozen: part of a run's identity."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, field_validator

from byheart._checks import InputError
from byheart._records import Spec
from byheart.noise.levels import Grid
from byheart.sampling.spec import SolverName

__all__ = ["Plan"]

Threshold = Annotated[float, Field(gt=0, le=1)]


class Plan(Spec):
    """One evaluation: which samples are drawn, and what is asked of them.

    samples: drawn from seeds first_seed, first_seed + 1, …, the same at every evaluation.  grid, solver: of the sampler.
    sigmas: noise levels of the loss gap.  loss_images: images on each side of it, at most.  loss_seed: of its noise.
    thresholds: of the ratio test; the first is the one called `f_mem`.  tolerances: distances in training units, each the
    name of a share of samples within it of a training point (`within@…`).  fidelity: which distances to held-out images.
    """

    samples: Annotated[int, Field(ge=3)] = 500
    first_seed: NonNegativeInt = 0
    grid: Grid = Grid()
    solver: SolverName = "euler"
    sigmas: tuple[PositiveFloat, ...] = (0.2, 0.5, 1.0)
    loss_images: Annotated[int, Field(ge=2)] = 512
    loss_seed: NonNegativeInt = 0
    thresholds: Annotated[tuple[Threshold, ...], Field(min_length=1)] = (1 / 3, 1 / 2)
    tolerances: tuple[PositiveFloat, ...] = ()
    fidelity: tuple[Literal["fd", "kid", "sw"], ...] = ("fd", "kid", "sw")

    @field_validator("sigmas", "thresholds", "tolerances", "fidelity")
    @classmethod
    def _distinct(cls, values: tuple[object, ...]) -> tuple[object, ...]:
        names = [f"{value:g}" if isinstance(value, float) else value for value in values]
        if len(set(names)) < len(names):
            raise InputError(
                got=f"{values} with the same entry twice",
                need="entries that differ in their first six digits: each is a name in the record",
                remedy="leave the repeated entry out",
            )
        return values

    def shortened(self, samples: int) -> Plan:
        """Ask the same of fewer samples, and of fewer images in the same proportion."""
        images = max(2, round(self.loss_images * samples / self.samples))
        return self.model_copy(update={"samples": samples, "loss_images": images})
