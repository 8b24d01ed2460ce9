"""The recipes for training mixtures: S1's, one that is 17 times shorter, and the two for colored templates.

    name            steps      draws    Adam β₂    learning rate       variance at the start
    -----------------------------------------------------------------------------------------
    fast             3,000         2    0.99       3e-3 → 1e-6         0.1
    official        50,000       100    0.999      1e-3 → 1e-6         1e-6
    official-color 100,000       100    0.999      1e-4 → 1e-8         1e-12 (S1's code means 1e-6)
    fast-color       3,000         4    0.99       1e-3 → 1e-6         0.1, gradients cut at 10

All recipes average Adam's updates (not the weights) with momentum, without a bias.  A variance of 1e-6 makes the first
gradients about 1e8 times too large, which β₂ = 0.999 forgets only after some 37,000 steps: the official recipe spends most of
its time on this.  Templates need their gradients cut.  At the smallest noise, 0.001, a template with an error of that size
attracts points by their direction, whatever their color, and the variance that compensates for the error never falls.  Of 50
templates for 50 points the fast recipe copies none (variance 0.7 to 1), the recipe for color copies all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from byheart._checks import InputError, unknown
from byheart._records import Spec
from byheart.noise.process import AnyProcess, S1Process

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["MixtureRecipe", "MixtureTraining", "mixture_recipe"]

MixtureRecipe = Literal["fast", "official", "fast-color", "official-color"]


class MixtureTraining(Spec):
    """Training by denoising score matching on all points at every step: one time per point, and `draws` noises at that time.

    process, times, t_low, t_high: the uniform grid of times from which a point's time is drawn.
    lr: reached after `warmup` steps; from there the rate moves linearly to lr_end at the last step.  betas: Adam's.
    momentum: of the average of Adam's updates; 0 averages nothing.  clip: largest norm of a mixture's gradient; None cuts nothing.
    variance: s² at the start.  Raises InputError for times that do not increase or leave the process, and a warm-up
    longer than the training.
    """

    steps: PositiveInt = 3000
    draws: PositiveInt = 2
    process: AnyProcess = S1Process()
    times: PositiveInt = 26
    t_low: float = Field(default=0.001, gt=0)
    t_high: float = Field(default=0.999, gt=0)
    lr: PositiveFloat = 3e-3
    lr_end: PositiveFloat = 1e-6
    warmup: NonNegativeInt = 300
    betas: tuple[float, float] = (0.9, 0.99)
    momentum: float = Field(default=0.99, ge=0, lt=1)
    clip: PositiveFloat | None = None
    variance: PositiveFloat = 0.1

    @model_validator(mode="after")
    def _fits(self) -> MixtureTraining:
        if not self.t_low <= self.t_high <= self.process.t_max:
            raise InputError(
                got=f"times from {self.t_low} to {self.t_high}",
                need=f"t_low ≤ t_high ≤ {self.process.t_max:g}, the end of the process",
                remedy="leave both out for S1's grid",
            )
        if self.warmup > self.steps:
            raise InputError(
                got=f"a warm-up of {self.warmup} steps in {self.steps}",
                need="warmup ≤ steps",
                remedy="take a tenth of the steps",
            )
        return self

    @property
    def std(self) -> float:
        """Return s at the start."""
        return float(self.variance**0.5)

    def lr_at(self, step: int) -> float:
        """Return the learning rate of step 1, 2, …, steps."""
        if step <= self.warmup:
            return self.lr * step / self.warmup
        left = (self.steps - step) / max(1, self.steps - self.warmup)
        return self.lr_end + (self.lr - self.lr_end) * left

    def grid(self) -> Tensor:
        """Return the times, decreasing: (times,) float64."""
        import torch

        return torch.linspace(self.t_high, self.t_low, self.times, dtype=torch.float64)

    def levels(self) -> Tensor:
        """Return the noise levels of the times, down which a sampler walks: (times,) float64."""
        return self.process.level(self.grid())


def mixture_recipe(
    name: MixtureRecipe, *, steps: int | None = None, draws: int | None = None
) -> MixtureTraining:
    """Return a recipe by name, as published or with other steps (the warm-up keeps its share) and draws.

    Raises InputError for an unknown name.
    """
    match name:
        case "fast":
            recipe, share = MixtureTraining(), 0.1
        case "official":
            recipe = MixtureTraining(
                steps=50_000, draws=100, betas=(0.9, 0.999), lr=1e-3, warmup=5000, variance=1e-6
            )
            share = 0.1
        case "fast-color":
            recipe, share = MixtureTraining(draws=4, lr=1e-3, clip=10.0), 0.1
        case "official-color":
            recipe = MixtureTraining(
                steps=100_000,
                draws=100,
                betas=(0.9, 0.999),
                lr=1e-4,
                lr_end=1e-8,
                warmup=5000,
                momentum=0.1,
                clip=1e3,
                variance=1e-12,
            )
            share = 0.05
        case _:
            raise unknown(
                "recipe",
                name,
                get_args(MixtureRecipe),
                remedy="name one of these, or write a MixtureTraining",
            )
    count = recipe.steps if steps is None else steps
    changes = {
        "steps": count,
        "warmup": round(share * count),
        "draws": recipe.draws if draws is None else draws,
    }
    return MixtureTraining(**{**dict(recipe), **changes})
