"""The settings of training in a recipe: optimizer, batches, moving average, loss, and the steps to evaluate."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from byheart._checks import InputError
from byheart._records import Spec
from byheart.noise.levels import AnyLevelLaw, LogNormal
from byheart.noise.process import AnyProcess

__all__ = ["Loss", "Tikhonov", "Training", "log_spaced_steps"]


class Training(Spec):
    """Settings of the training of a network; the defaults are those of the digits recipe.

    steps: optimizer steps of the whole run.  batch: rows per step; a smaller data set is used whole.
    optimizer: Adam with these betas, or SGD with this momentum.  weight_decay: an L2 penalty in the gradient.
    warmup: steps over which the learning rate rises linearly to lr.
    ema_horizon: of the moving average, as a share of the training so far; 0 turns averaging off.  ema_every: steps between updates.
    batches: "replacement" draws every row anew; "epochs" takes a fresh permutation for each epoch, whose last batch may be
    smaller; "full" takes all rows in every step.
    seed: Random seed of batches and noise; the same seed gives the same result.
    """

    steps: PositiveInt
    batch: PositiveInt = 64
    optimizer: Literal["adam", "sgd"] = "adam"
    lr: PositiveFloat = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    momentum: float = Field(default=0.95, ge=0, lt=1)
    weight_decay: NonNegativeFloat = 0.0
    warmup: NonNegativeInt = 100
    ema_horizon: NonNegativeFloat = 0.1
    ema_every: PositiveInt = 8
    batches: Literal["replacement", "epochs", "full"] = "replacement"
    seed: NonNegativeInt = 0

    def lr_at(self, step: int) -> float:
        """Return the learning rate of the step that leads to `step` (1 is the first)."""
        return self.lr * min(1.0, step / max(1, self.warmup))

    def lr_sum(self, step: int) -> float:
        """Return the sum of the learning rates of all steps up to `step`, which is the time of gradient flow."""
        rising = min(step, self.warmup)
        return self.lr * (step - rising + rising * (rising + 1) / (2 * max(1, self.warmup)))

    def epochs(self, step: int, n: int) -> float:
        """Return how often the training has used each of n rows by `step`, on average."""
        if self.batches == "full" or n <= self.batch:
            return float(step)
        if self.batches == "replacement":
            return step * self.batch / n
        whole, rest = divmod(step, -(-n // self.batch))
        return whole + rest * self.batch / n


class Tikhonov(Spec):
    """A penalty (c/σ_t²)·|score|² in the loss, whose minimizer is the regularized denoiser of `denoisers.tikhonov` (S2, 2501.15785).

    strength: c > 0, in squared training units.  process: that σ_t belongs to; None is the variance-exploding process, σ_t = σ.
    """

    strength: PositiveFloat
    process: AnyProcess | None = None


class Loss(Spec):
    """A denoising loss: the distribution of the noise levels, and their weights.

    weighting, of mean‖D − x₀‖² over pixels: "edm" (1 + σ²)/σ², even over levels for data of unit variance (2206.00364);
    "eps" 1/σ², the error of the predicted noise (2006.11239); "x0" 1.
    tikhonov: a penalty on the score; None adds no penalty.
    """

    levels: AnyLevelLaw = LogNormal()
    weighting: Literal["edm", "eps", "x0"] = "edm"
    tikhonov: Tikhonov | None = None


def log_spaced_steps(first: int, last: int, count: int) -> list[int]:
    """Return at most `count` whole steps in equal ratios from `first` to `last`, increasing, both included.

    There are fewer steps if rounding makes two steps equal, and only `last` if count is 1 or last ≤ first.
    Raises InputError unless first, last and count are at least 1.
    """
    if min(first, last, count) < 1:
        raise InputError(
            got=f"{count} steps from {first} to {last}",
            need="at least one step, from 1 on",
            remedy="the state at step 0 is yielded anyway: measure it by name",
        )
    ratios = (place / (count - 1) for place in range(count - 1))
    steps = {round(first * (last / first) ** ratio) for ratio in ratios if first < last}
    return sorted(steps | {last})
