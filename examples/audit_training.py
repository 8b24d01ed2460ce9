"""When does training become copying?  One training, audited at several of its steps.

python examples/audit_training.py
"""

from __future__ import annotations

from collections.abc import Sequence

import byheart
from byheart.auditing.audit import audit
from byheart.auditing.result import AuditResult
from byheart.build.network import network
from byheart.data import Data, load, split
from byheart.metrics.memorization import memorized_fraction
from byheart.models import EDM, MLPSpec
from byheart.noise.levels import Grid
from byheart.numerics.neighbors import nearest
from byheart.training import EMA, DenoisingLoss, Loss, Training, train


def main(
    n: int = 64,
    steps: int = 3072,
    width: int = 256,
    samples: int = 300,
    heldout: int = 500,
    audits: Sequence[float] = (1 / 64, 1 / 16, 1 / 8, 1 / 4, 1),
    planted: int = 60,
) -> dict[int, AuditResult]:
    """Train on n digits far beyond the best step, and audit the samples on the way; return the results by step.

    audits: when, as shares of the training.  planted: copies of each kind on the sensitivity card.
    """
    digits = split(load(Data(name="digits")), n, seed=0, heldout=heldout)
    spec = Training(steps=steps, lr=1e-3)
    model = network(MLPSpec(width=width), EDM(), digits.dataset.shape, seed=0)
    average = EMA(model, spec.ema_horizon, spec.ema_every)
    seen, unseen = (digits.dataset.to_pixels(x).clamp(0, 1) for x in (digits.train, digits.heldout))
    due = {round(share * steps) for share in audits}
    results: dict[int, AuditResult] = {}
    for state in train(model, digits.train, spec, DenoisingLoss(Loss())):
        average.update(state.step, state.model)
        if state.step in due:
            drawn = byheart.sample(
                average.model, seeds=range(samples), shape=digits.dataset.shape, levels=Grid().levels()
            )
            images = digits.dataset.to_pixels(drawn).clamp(0, 1)
            found = audit(samples=images, train=seen, heldout=unseen, planted=planted)
            f_mem = memorized_fraction(nearest(drawn, digits.train)).value
            print(f"step {state.step:5d}  f_mem {f_mem:.3f}  {verdict(found)}")
            results[state.step] = found
    return results


def verdict(found: AuditResult) -> str:
    """The word, and between what limits the share of copies lies if they are mixed as on the sensitivity card."""
    share = found.copy_share.corrected if found.copy_share else None
    return (
        found.verdict if share is None else f"{found.verdict:12s} copies {share.low:.3f} to {share.high:.3f}"
    )


if __name__ == "__main__":
    main()
