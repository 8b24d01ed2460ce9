"""Is the default 8×8 network the right one?  Against the published three-level architecture of the same width.

    steps         steps per second at batch 128
    held-out loss after equal processor time on the digits, mean over σ = 0.2, 0.5, 1, of the moving averages

One thread, processor time, contestants alternating; exit code 1 if a bar is missed.

    python benchmarks/default_network.py [ROUNDS] [SECONDS]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

from timing import Row, compare, ratio, report

# isort: split

import torch
from torch import Tensor, nn

from byheart.data import Data, load, split
from byheart.metrics.denoising import denoising_loss
from byheart.models import Preconditioned, UNet, UNetSpec
from byheart.random import generator
from byheart.training import EMA, DenoisingLoss, Loss, Training, train

WIDTH = 32
SPECS = {
    "default": UNetSpec(width=WIDTH),
    "published": UNetSpec(width=WIDTH, multipliers=(1, 2, 4), blocks=2, attention=(1, 2), groups=8),
}
TRAINING = Training(steps=10**6, batch=128)


def training(spec: UNetSpec, data: Tensor) -> Iterator[nn.Module]:
    """The moving average after every step."""
    model = Preconditioned(UNet(tuple(data.shape[1:]), spec, generator(0)))
    average = EMA(model)
    for state in train(model, data, TRAINING, DenoisingLoss(Loss())):
        average.update(state.step, state.model)
        yield average.model


def steps_per_second(data: Tensor, rounds: int) -> float:
    """Default over published."""
    runs = {name: training(spec, data) for name, spec in SPECS.items()}
    seconds = compare(
        {name: lambda run=run: next(run) for name, run in runs.items()}, rounds, 3, time.process_time
    )
    return ratio(seconds["published"], seconds["default"])


def heldout_losses(train_rows: Tensor, heldout: Tensor, seconds: float) -> dict[str, float]:
    """Held-out loss of both after `seconds` of training each."""
    losses = {}
    for name, spec in SPECS.items():
        run, began, steps = training(spec, train_rows), time.process_time(), -1
        while time.process_time() - began < seconds:
            average, steps = next(run), steps + 1
        with torch.no_grad():
            losses[name] = (
                sum(float(denoising_loss(average, heldout, sigma, 0).mean()) for sigma in (0.2, 0.5, 1.0)) / 3
            )
        print(f"{name:<10} {steps:5d} steps   held-out loss {losses[name]:.5f}")
    return losses


def main(rounds: int = 9, seconds: float = 60.0) -> None:
    parts = split(load(Data()), 1024, seed=0)
    faster = steps_per_second(parts.train, rounds)
    losses = heldout_losses(parts.train, parts.heldout, seconds)
    report(
        [
            Row("steps/s, default / published", faster, at_least=2.5),
            Row(
                "held-out loss at equal time, default / published",
                losses["default"] / losses["published"],
                at_most=1.0,
            ),
        ]
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
