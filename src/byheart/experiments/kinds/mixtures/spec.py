"""kind = "mixtures": the settings of such a run."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from byheart._checks import InputError
from byheart.data.spec import Data
from byheart.experiments.kinds.shared.any_spec import AnyKind
from byheart.experiments.kinds.shared.population_spec import Share, check_known_population
from byheart.training.mixture_spec import MixtureRecipe, MixtureTraining, mixture_recipe

__all__ = ["MixturesRun"]

Threshold = Annotated[float, Field(gt=0, lt=1)]
Start = Literal["training", "population", "gaussian", "pairs"]


class MixturesRun(AnyKind):
    """Train mixtures of M components on the same N points, all M together, and measure which of them memorize (S1).

    data: a population with a formula: `mixture` is learned by isotropic components, `templates` by colored templates.
    n: N.  seed: Random seed of the population, the points, the starts and the noise.  shares: M/N of the models.
    widths: one variance for all components, as in S1, or a variance and a weight for each component.
    start: components at training points, at fresh draws of the population, at Gaussian draws, or at means of nearest pairs.
    recipe: "fast" reaches in 3,000 steps what "official" reaches in 50,000; for templates "fast-color" and
    "official-color", which has the determinant of S1's code.  None: the fast one.
    training_steps, draws: instead of those of the recipe.  samples: number for every model.  heldout: number of held-out points.
    thresholds: ratios of distances below which a sample is memorized.
    """

    kind: Literal["mixtures"] = "mixtures"
    data: Data = Data(name="mixture", standardize=False)
    n: int = Field(default=200, ge=3)
    seed: NonNegativeInt = 0
    shares: tuple[Share, ...] = (0.1, 0.3, 0.5, 0.6, 0.7, 0.76, 0.8, 0.84, 0.9, 0.96, 1.0)
    widths: Literal["one", "free"] = "one"
    start: Start = "training"
    recipe: MixtureRecipe | None = None
    training_steps: PositiveInt | None = None
    draws: PositiveInt | None = None
    samples: int = Field(default=1000, ge=2)
    heldout: int = Field(default=1000, ge=2)
    thresholds: tuple[Threshold, ...] = (0.5, 0.3333, 0.25, 0.2)

    @property
    def models(self) -> tuple[int, ...]:
        """Return M for every share, at least 1."""
        return tuple(max(1, round(share * self.n)) for share in self.shares)

    @property
    def training(self) -> MixtureTraining:
        """Return the recipe with the run's own steps and draws."""
        name = self.recipe or ("fast-color" if self.data.name == "templates" else "fast")
        return mixture_recipe(name, steps=self.training_steps, draws=self.draws)

    @property
    def steps(self) -> int:
        """Return the number of optimizer steps of the whole run."""
        return self.training.steps

    @model_validator(mode="after")
    def _hangs_together(self) -> MixturesRun:
        check_known_population(self.data, self.n)
        if not self.shares or sorted(set(self.models)) != list(self.models):
            raise InputError(
                got=f"shares {self.shares} of {self.n} points: {self.models} components",
                need="increasing shares that give different numbers of components",
                remedy="take fewer shares, or raise n",
            )
        if self.start == "pairs" and 2 * self.models[0] < self.n:
            raise InputError(
                got=f"pairs of {self.n} points for {self.models[0]} components",
                need="M ≥ N/2: a component holds one point or two",
                remedy='leave out the small shares, or choose start = "training"',
            )
        if self.recipe is not None and self.recipe.endswith("color") != (self.data.name == "templates"):
            raise InputError(
                got=f"the recipe {self.recipe!r} for {self.data.name}",
                need="one for color with templates, the others with a mixture",
                remedy="leave `recipe` out for the fast one that fits",
            )
        if self.data.name == "templates" and (self.start != "training" or self.widths != "one"):
            raise InputError(
                got=f"a start from {self.start} and {self.widths} widths for colored templates",
                need="a start from training points, which are taken apart into templates and colors, and one width",
                remedy='leave `start` and `widths` out, or learn data = { name = "mixture" }',
            )
        return self
