"""What a trained run's held-out losses say about collapse: an upper bound of r_c by I-MMSE, whatever the network."""

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
"""In units of the data's RMS: from where nothing is lost to where the data drown."""


@dataclass(frozen=True)
class CollapseBound:
    """r_c is at most `value`, in pixels; None where the losses stay too small to say.  n: training images.  images: held out."""

    value: float | None
    n: int
    images: int


def bound_of_run(folder: RunFolder) -> CollapseBound:
    """Compute the bound from the held-out loss curve of a whole training run.

    Where the network does worse than the mean image, as at levels that the network never trained on, the mean image stands
    in: the bound holds for any denoiser.  Raises InputError for a run that trained nothing, or is not whole.
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
    found = collapse_bound(levels.tolist(), losses, spec.n)
    return CollapseBound(None if found is None else found * model.scale, spec.n, len(split.heldout))
