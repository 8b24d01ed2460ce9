"""Lloyd in the place of training: its forecast of one S1 cell (d = 50, K = 12, N = 200) against training the models of it.

Training is denoising score matching as in S1 with the shortest recipe known to reach its end: 3,000 full-batch steps of two noise
draws a point, Adam.  A step of each of the 12 models is timed and multiplied; its logits come from one product, so that nothing
is won against a slow form of it.  The forecast clusters 8 restarts of the 12 models and draws 500 samples of each.
Peer: scikit-learn's KMeans from the same starts; its inertia must be ours.  Processor seconds, one thread, about two minutes.
"""

import time

from timing import Row, compare, ratio, report

# isort: split
import numpy as np
import torch
from sklearn.cluster import KMeans
from torch import Tensor

from byheart.data.mixture import isotropic_mixture
from byheart.random import derive, generator
from byheart.theory.lloyd import cluster
from byheart.theory.starts import training_starts
from byheart.theory.transition import memorization_curve

D, K, N = 50, 12, 200
SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.76, 0.8, 0.84, 0.9, 0.96)
MODELS = [round(share * N) for share in SHARES]
SEEDS = range(8)
STEPS, DRAWS = 3000, 2


class Training:
    """One model in training: M means and one log variance, started from M training points."""

    def __init__(self, points: Tensor, m: int) -> None:
        self.points = points.repeat(DRAWS, 1)
        self.means = points[:m].clone().requires_grad_()
        self.log_variance = torch.tensor(0.1).log().requires_grad_()
        self.optimizer = torch.optim.Adam([self.means, self.log_variance], lr=3e-3, betas=(0.9, 0.99))
        self.noise = generator(derive(0, "noise"))

    def step(self) -> None:
        t = torch.rand(len(self.points), 1, generator=self.noise) * 0.998 + 0.001
        alpha, eps = (1 - t**2).sqrt(), torch.randn(self.points.shape, generator=self.noise)
        x, variance = alpha * self.points + t * eps, alpha**2 * self.log_variance.exp() + t**2
        squares = self.means.square().sum(1) / 2
        weights = ((alpha * (x @ self.means.T) - alpha**2 * squares) / variance).softmax(1)
        loss = (t * (x - alpha * (weights @ self.means)) / variance - eps).square().sum(1).mean()
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()


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
    trainings = [Training(points, m) for m in MODELS]
    seconds = compare(
        {
            "a step of each model": lambda: [training.step() for training in trainings],
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
    training = [STEPS * value for value in seconds["a step of each model"]]
    report(
        [
            Row("training, once / forecast of 8 restarts", ratio(training, seconds["forecast"]), at_least=50),
            Row("forecast, seconds", float(np.median(seconds["forecast"])), at_most=0.5),
            Row(
                "scikit-learn / ours, clusters alone",
                ratio(seconds["scikit-learn"], seconds["clusters"]),
                at_least=1,
            ),
            Row("|variance / scikit-learn's - 1|, in billionths", float(gap) * 1e9, at_most=1),
        ]
    )
