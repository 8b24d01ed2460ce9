"""S1's phase transition, all eleven models in one program, against one after another with the same step.

    d = 50, K = 12, N = 200, M/N = 0.1 … 1, the fast recipe.  Steps cost alike from the first to the last: some are timed.

Together, a step draws the noise once, and small models share the calls of their operations; the products stay what they are.
One thread, processor time, contestants alternating, medians; exit code 1 if a bar is missed.

    python benchmarks/phase_transition.py [ROUNDS]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from timing import Row, compare, ratio, report

# isort: split

import torch
from torch import Tensor

from byheart.data.mixture import isotropic_mixture
from byheart.models.gmm import initial_means
from byheart.random import generator
from byheart.training.mixture_spec import MixtureTraining, mixture_recipe
from byheart.training.mixtures import begin_together, mixture_cell, train_together
from byheart.training.stack import Cell

N = 200
SHARES = (0.1, 0.3, 0.5, 0.6, 0.7, 0.76, 0.8, 0.84, 0.9, 0.96, 1.0)
STEPS = 20  # in a round


@dataclass(frozen=True)
class Setting:
    d: int
    k: int
    n: int
    draws: int
    at_least: float | None = None


# At N = 200 two fifths of the time together are bare products, which nobody saves by training models side by side.
SETTINGS = (
    Setting(50, 12, 200, 1),
    Setting(50, 12, 200, 2, at_least=1.25),
    Setting(50, 12, 200, 4),
    Setting(30, 3, 50, 2, at_least=2.0),
)


def walk(cells: Sequence[Cell], points: Tensor, recipe: MixtureTraining) -> Callable[[], None]:
    """The next STEPS steps of a training, every time it is called."""
    states = train_together(cells, [points], recipe)
    next(states)

    def run() -> None:
        for _ in range(STEPS):
            next(states)

    return run


def compared(setting: Setting, rounds: int) -> list[Row]:
    points = isotropic_mixture(setting.k, setting.d, 1.0, seed=0).sample(setting.n, generator(0))
    recipe = mixture_recipe("fast", draws=setting.draws)
    sizes = [round(share * setting.n) for share in SHARES]
    cells = [mixture_cell(initial_means("training", m, points, seed=0), recipe.std) for m in sizes]
    together, alone = walk(cells, points, recipe), [walk([cell], points, recipe) for cell in cells]

    def in_turn() -> None:
        for one in alone:
            one()

    seconds = compare({"together": together, "in turn": in_turn}, rounds, clock=time.process_time)
    name = f"d {setting.d}, N {setting.n}, {setting.draws} draws"
    plan = begin_together(cells, [points], recipe).stack
    return [
        Row(
            f"in turn / together, {name}",
            ratio(seconds["in turn"], seconds["together"]),
            at_least=setting.at_least,
        ),
        Row(
            f"seconds for {recipe.steps} steps, {name}",
            median(seconds["together"]) / STEPS * recipe.steps,
        ),
        Row(f"groups, {name}", len(plan.groups)),
        Row(f"components held / learned, {name}", plan.padding()),
    ]


if __name__ == "__main__":
    torch.set_num_threads(1)
    count = int(sys.argv[1]) if sys.argv[1:] else 9
    report([row for setting in SETTINGS for row in compared(setting, count)])
