"""Measure a denoiser: draw samples if a measure needs them, and write the numbers of all measures into one flat record.

The vocabulary of records is documented in docs/reference/records.md.  Every value is finite, or None.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from byheart._checks import InputError, check_default_device, check_finite
from byheart.data.dataset import Split
from byheart.denoisers.base import Denoiser
from byheart.denoisers.mixture import empirical
from byheart.evaluation.measures.copies import Copies, copies_record
from byheart.evaluation.measures.frechet import FrechetDistance, frechet_record, perfect_frechet_record
from byheart.evaluation.measures.kernel import KernelDistance, kernel_record
from byheart.evaluation.measures.loss_gap import LossGap, loss_gap_record
from byheart.evaluation.measures.sliced import SlicedWasserstein, sliced_record
from byheart.evaluation.names import Record, Where
from byheart.evaluation.plan import AnyMeasure, Plan
from byheart.features.pixels import pixel_name
from byheart.metrics.memorization import count_duplicates
from byheart.numerics.neighbors import Neighbors, nearest
from byheart.random import derive, generator
from byheart.sampling.draw import evaluating, sample

__all__ = ["Measured", "measure", "references"]


@dataclass(frozen=True)
class Measured:
    """The result of one evaluation.

    record: flat, in the vocabulary of records.  samples: (b, *shape).  neighbors: of the samples, in train.  Samples and neighbors
    are None if no measure of the plan needs samples.
    """

    record: Record
    samples: Tensor | None = None
    neighbors: Neighbors | None = None


def measure(denoiser: Denoiser, split: Split, plan: Plan) -> Measured:
    """Measure a denoiser by a plan: draw samples if a measure needs them, and let every measure make its part of the record.

    Every call takes the same seeds, so that curves over training are smooth.  The call has no side effects: modules keep their
    mode, and the global random state is restored.
    Raises InputError for fewer than two training or three held-out images, or samples that are not finite.
    Warns (DuplicatesWarning) if a training image occurs twice.
    """
    check_default_device()
    _check(split)
    with leaving_no_trace(denoiser, split.train.device):
        images = _draw(denoiser, split, plan) if plan.draws else split.train[:0]
        check_finite("samples", images)
        subject = _Subject(denoiser, split, images)
        record = _parts(plan.measures, subject)
    return Measured(_finite(record), images, subject.to_train) if plan.draws else Measured(_finite(record))


def references(split: Split, plan: Plan) -> Record:
    """Make the reference numbers for a record: the measures of other images in place of the samples.

    `…/heldout` and `…/train`: the held-out images, the training set itself.  `…/empirical`: samples of the empirical
    denoiser.  `…/fresh`: real images that are neither trained on nor held out, as many as samples if there are: the
    null.  Fewer than three images give no numbers.  Raises and warns like `measure`.
    """
    repeated = _check(split)
    memorizer, fresh = empirical(split.train), _fresh(split, plan.samples)
    record: Record = {
        "train/count": len(split.train),
        "train/duplicates": repeated,
        "heldout/count": len(split.heldout),
        "fresh/count": len(fresh),
        "features": pixel_name(split.train.shape[1:]),
    }
    places: dict[Where, Callable[[], Tensor]] = {
        "/heldout": lambda: split.heldout,
        "/empirical": lambda: _draw(memorizer, split, plan),
        "/train": lambda: split.train,
        "/fresh": lambda: fresh,
    }
    for where, images in places.items():
        measures = [spec for spec in plan.measures if where in spec.references]
        if measures and len(shown := images()) >= 3:
            record |= _parts(measures, _Subject(memorizer, split, shown, where))
    if any(isinstance(spec, FrechetDistance) for spec in plan.measures):
        record |= perfect_frechet_record(plan.samples, split.heldout)
    return _finite(record)


@dataclass(frozen=True)
class _Subject:
    """The denoiser and the images that the measures look at.

    images: (b, *shape), samples of the denoiser (none if no measure needs samples), or the images in their place, which `where`
    names.
    """

    denoiser: Denoiser
    split: Split
    images: Tensor
    where: Where = ""

    @cached_property
    def to_train(self) -> Neighbors:
        """Return the neighbors of the images in the training set."""
        return nearest(self.images, self.split.train)


def _parts(measures: Iterable[AnyMeasure], subject: _Subject) -> Record:
    record: Record = {}
    for spec in measures:
        record |= _part(spec, subject)
    return record


def _part(spec: AnyMeasure, subject: _Subject) -> Record:
    """Make the part of the record that belongs to one measure."""
    images, heldout, where = subject.images, subject.split.heldout, subject.where
    match spec:
        case Copies():
            return copies_record(spec, subject.to_train, where)
        case LossGap():
            return loss_gap_record(spec, subject.denoiser, subject.split)
        case FrechetDistance():
            return frechet_record(images, heldout, where)
        case KernelDistance():
            return kernel_record(images, heldout, where)
        case SlicedWasserstein():
            return sliced_record(images, heldout, where)


@contextmanager
def leaving_no_trace(denoiser: Denoiser, device: torch.device) -> Iterator[None]:
    """Hold modules in evaluation mode and lend the random state; both are restored afterwards, even after an error."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []), evaluating(denoiser):
        yield


def _draw(denoiser: Denoiser, split: Split, plan: Plan) -> Tensor:
    return sample(
        denoiser,
        seeds=range(plan.first_seed, plan.first_seed + plan.samples),
        shape=tuple(split.train.shape[1:]),
        levels=plan.grid.levels(),
        solver=plan.solver,
        device=split.train.device,
    )


def _fresh(split: Split, count: int) -> Tensor:
    """Return up to `count` images (c, *shape) of the data set that are in neither part of the split."""
    unused = torch.ones(len(split.dataset.images), dtype=torch.bool)
    unused[split.train_rows.cpu()] = unused[split.heldout_rows.cpu()] = False
    rows = unused.nonzero()[:, 0]
    # Shuffled, because files often come class by class, and the first files are no fair draw.
    chosen = rows[torch.randperm(len(rows), generator=generator(derive(0, "fresh")))[:count]]
    return split.dataset.images[chosen].to(split.train.device)


def _check(split: Split) -> int:
    """Check the split, and count the training images that repeat an earlier one."""
    if not isinstance(split, Split):
        raise InputError(
            got=f"{type(split).__name__} in place of a split",
            need="training and held-out images, and the data set they come from",
            remedy="write byheart.split(dataset, n, seed=0)",
        )
    if len(split.train) < 2 or len(split.heldout) < 3:
        raise InputError(
            got=f"{len(split.train)} training and {len(split.heldout)} held-out images",
            need="at least 2 training and 3 held-out images: a ratio takes two neighbors, an interval three images",
            remedy="train on more images, or hold out more",
        )
    return count_duplicates(split.train)


def _finite(record: Record) -> Record:
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in record.items()
    }
