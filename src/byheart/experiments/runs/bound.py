"""An upper bound of the collapse level r_c from the held-out losses of a trained run (I-MMSE), valid for any network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from byheart._checks import InputError
from byheart.experiments.kinds.shared.split import the_split
from byheart.experiments.runs.load import load
from byheart.experiments.runs.run import TrainingRun, parse_run
from byheart.metrics.denoising import denoising_loss
from byheart.store.folders import RunFolder
from byheart.theory.collapse import collapse_bound

__all__ = ["CollapseBound", "bound_of_run"]

LEVELS = np.geomspace(0.01, 100.0, 40)
"""Noise levels in units of the data's RMS: from levels without loss to levels at which the data cannot be recognized."""


@dataclass(frozen=True)
class CollapseBound:
    """An upper bound `value` of r_c, in pixels; None if the losses are too small for a bound.  n: training images.  images: held-out images."""

    value: float | None
    n: int
    images: int


def bound_of_run(folder: RunFolder) -> CollapseBound:
    """Compute the bound from the held-out loss curve of a whole training run.

    If the network is worse than the mean image, as at levels without training, the mean image replaces the network: the
    bound holds for any denoiser.  Raises InputError for a run that trained nothing, or is not complete.
    """
    spec, model = parse_run(folder.header()["spec"]), load(folder)
    if not isinstance(spec, TrainingRun):
        raise InputError(got=f"a run of kind {spec.kind}", need="a training run", remedy="name another run")
    split = the_split(spec.data, spec.n, spec.seed)
    d = split.heldout[0].numel()
    total = float((split.heldout - split.train.mean(0)).square().mean())
    levels = LEVELS * total**0.5
    losses = [
        min(float(denoising_loss(model, split.heldout, float(r), seed=0).mean()), total) * d for r in levels
    ]
    bound = collapse_bound(levels.tolist(), losses, spec.n)
    return CollapseBound(None if bound is None else bound * model.scale, spec.n, len(split.heldout))
