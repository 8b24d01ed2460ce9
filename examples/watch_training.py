"""Training is a generator: the loop, the moving average and the measuring are yours.

python examples/watch_training.py
"""

from __future__ import annotations

import byheart
from byheart.build.network import network
from byheart.data import Data, load, split
from byheart.evaluation.measures import Copies, FrechetDistance, LossGap
from byheart.models import EDM, MLPSpec
from byheart.training import EMA, DenoisingLoss, Loss, Training, train


def main(n: int = 32, steps: int = 400, width: int = 128, samples: int = 200) -> list[dict[str, object]]:
    """Train on n digits and print f_mem and the loss gap along the way; return the records."""
    digits = split(load(Data(name="digits")), n, seed=0)
    spec = Training(steps=steps, lr=2e-3)
    model = network(MLPSpec(width=width), EDM(), digits.dataset.shape, seed=0)
    average = EMA(model, spec.ema_horizon, spec.ema_every)
    plan = byheart.Plan(samples=samples, measures=(Copies(), LossGap(), FrechetDistance()))
    records: list[dict[str, object]] = []
    for state in train(model, digits.train, spec, DenoisingLoss(Loss())):
        average.update(state.step, state.model)
        if state.step in {steps // 4, steps // 2, steps}:
            record = byheart.measure(average.model, digits, plan).record
            print(
                f"step {state.step:5d}  f_mem {record['f_mem']:.3f}  gap {record['gap@0.5']:.3f}  FD {record['fd']:.1f}"
            )
            records.append({"step": state.step, **record})
    return records


if __name__ == "__main__":
    main()
