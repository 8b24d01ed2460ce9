"""Lloyd in the place of training: its forecast of one S1 cell (d = 50, K = 12, N = 200) against training the models of it.

Training is the library's own, at its fastest: the fast recipe, 3,000 full-batch steps of two noise draws a point, for the 12
models of one seed together in one program (`training.mixtures`).  Steps cost alike from the first to the last: some are timed.
The forecast clusters 8 restarts of the 12 models and draws 500 samples of each.
Peer: scikit-learn's KMeans from the same starts; its inertia must be ours.  Processor seconds, one thread, about a minute.
"""

import time
from collections.abc import Callable

from timing import Row, compare, ratio, report

# isort: split
import numpy as np
import torch
from sklearn.cluster import KMeans
from torch import Tensor

from byheart.data.mixture import isotropic_mixture
from byheart.models.gmm import initial_means
from byheart.random import derive, generator
from byheart.theory.lloyd import cluster
from byheart.theory.starts import training_starts
from byheart.theory.transition import memorization_curve
from byheart.training.mixture_spec import MixtureTraining, mixture_recipe
from byheart.training.mixtures import mixture_cell, train_together

D, K, N = 50, 12, 200
SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.76, 0.8, 0.84, 0.9, 0.96)
MODELS = [round(share * N) for share in SHARES]
SEEDS = range(8)
TIMED = 20  # steps in a round


def walk(points: Tensor, recipe: MixtureTraining) -> Callable[[], None]:
    """The next TIMED steps of all models together, every time it is called."""
    cells = [mixture_cell(initial_means("training", m, points, seed=0), recipe.std) for m in MODELS]
    states = train_together(cells, [points], recipe)
    next(states)

    def run() -> None:
        for _ in range(TIMED):
            next(states)

    return run


def scikit(x: np.ndarray, starts: list[np.ndarray]) -> list[float]:
    return [
        KMeans(len(one), init=one, n_init=1, algorithm="lloyd", tol=0, max_iter=1000).fit(x).inertia_ / x.size
        for some in starts
        for one in some
    ]


def ours(x: np.ndarray, starts: list[np.ndarray]) -> list[float]:
    return [value for some in starts for value in cluster(x, some).variance.tolist()]


if __name__ == "__main__":
    torch.set_num_threads(1)
    points = isotropic_mixture(K, D, 1.0, 0).sample(N, generator(derive(0, "draws")))
    x = points.double().numpy()
    starts = [training_starts(x, m, SEEDS) for m in MODELS]
    recipe = mixture_recipe("fast")
    seconds = compare(
        {
            "steps": walk(points, recipe),
            "forecast": lambda: memorization_curve(x, MODELS, SEEDS, 500),
            "clusters": lambda: ours(x, starts),
            "scikit-learn": lambda: scikit(x, starts),
        },
        repeats=9,
        warmup=2,
        clock=time.process_time,
    )
    for name, values in seconds.items():
        print(f"{name:<22}{np.median(values) * 1e3:9.1f} ms", flush=True)
    gap = np.abs(np.array(ours(x, starts)) / np.array(scikit(x, starts)) - 1).max()
    training = [recipe.steps / TIMED * value for value in seconds["steps"]]
    report(
        [
            Row("training, once / forecast of 8 restarts", ratio(training, seconds["forecast"]), at_least=50),
            Row("training, seconds", float(np.median(training))),
            Row("forecast, seconds", float(np.median(seconds["forecast"])), at_most=0.5),
            Row(
                "scikit-learn / ours, clusters alone",
                ratio(seconds["scikit-learn"], seconds["clusters"]),
                at_least=1,
            ),
            Row("|variance / scikit-learn's - 1|, in billionths", float(gap) * 1e9, at_most=1),
        ]
    )
