"""Measure a denoiser: draw samples, search their neighbors, and note all numbers in one flat record.

The vocabulary of records is documented in docs/reference/records.md.  Every value is finite, or None.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from byheart._checks import InputError, check_finite
from byheart._records import Scalar
from byheart.data.dataset import Split
from byheart.denoisers.base import Denoiser
from byheart.denoisers.mixture import empirical
from byheart.evaluation.plan import Plan
from byheart.features.pixels import pixel_features, pixel_name
from byheart.metrics.denoising import loss_gap
from byheart.metrics.fidelity import frechet, frechet_floor, kid, sliced_wasserstein
from byheart.metrics.memorization import count_duplicates, memorized_fraction, share_within
from byheart.numerics.moments import moments
from byheart.numerics.neighbors import Neighbors, nearest
from byheart.random import derive, generator
from byheart.sampling.draw import evaluating, sample

__all__ = ["Measured", "measure", "references"]

Record = dict[str, Scalar]


@dataclass(frozen=True)
class Measured:
    """One evaluation.  record: flat, by the vocabulary.  samples: (b, *shape).  neighbors: of the samples, in train."""

    record: Record
    samples: Tensor
    neighbors: Neighbors


def measure(denoiser: Denoiser, split: Split, plan: Plan) -> Measured:
    """Memorization, loss gap and fidelity of a denoiser, as the plan says.

    The same seeds at every call, so that curves over training are smooth.  Nothing of it remains: modules keep their
    mode, and the global random state is put back.
    Raises InputError for fewer than two training or three held-out images, or samples that are not finite.
    Warns (DuplicatesWarning) if a training image occurs twice.
    """
    _check(split)
    with leaving_no_trace(denoiser, split.train.device):
        samples = _draw(denoiser, split, plan)
        check_finite("samples", samples)
        gaps = _gaps(denoiser, split, plan)
    to_train = nearest(samples, split.train)
    record: Record = {
        **_shares(to_train, plan),
        "ratio/median": float(to_train.ratio.quantile(0.5)),
        "ratio/q10": float(to_train.ratio.quantile(0.1)),
        **gaps,
        **_fidelity(samples, split.heldout, plan),
    }
    return Measured(_finite(record), samples, to_train)


def references(split: Split, plan: Plan) -> Record:
    """What to read a record against: other things in place of the samples.

    `…/heldout` and `…/train`: the held-out images, the training set itself.  `…/empirical`: samples of the empirical
    denoiser.  `…/fresh`: real images that are neither trained on nor held out, as many as samples if there are: the
    null.  Raises and warns like `measure`.
    """
    repeated = _check(split)
    fresh = _fresh(split, plan.samples)
    to_train = nearest(split.heldout, split.train)
    copies = nearest(_draw(empirical(split.train), split, plan), split.train)
    record: Record = {
        "train/count": len(split.train),
        "train/duplicates": repeated,
        "heldout/count": len(split.heldout),
        "fresh/count": len(fresh),
        "features": pixel_name(split.train.shape[1:]),
        **_shares(to_train, plan, "/heldout"),
        "ratio/heldout_median": float(to_train.ratio.quantile(0.5)),
        **_shares(copies, plan, "/empirical"),
        **_fidelity(split.train, split.heldout, plan, "/train"),
        **_fidelity(fresh, split.heldout, plan, "/fresh"),
    }
    if "fd" in plan.fidelity:
        covariance = moments(pixel_features(split.heldout)).covariance
        record["fd/floor"] = frechet_floor(covariance, plan.samples, len(split.heldout))
    return _finite(record)


@contextmanager
def leaving_no_trace(denoiser: Denoiser, device: torch.device) -> Iterator[None]:
    """Modules in evaluation mode and a borrowed random state; both are as before afterwards, whatever happens."""
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


def _shares(to_train: Neighbors, plan: Plan, where: str = "") -> Record:
    record: Record = {f"f_mem{where}_count": len(to_train.ratio)}
    for position, threshold in enumerate(plan.thresholds):
        name = f"f_mem{f'@{threshold:g}' if position else ''}{where}"
        record |= memorized_fraction(to_train, threshold).entries(name)
    for tolerance in plan.tolerances:
        record |= share_within(to_train.distance[:, 0], tolerance).entries(f"within@{tolerance:g}{where}")
    return record


def _gaps(denoiser: Denoiser, split: Split, plan: Plan) -> Record:
    """Losses and gaps at the plan's sigmas, in units where the data have RMS 1, whatever units they are trained in."""
    train, heldout = split.train[: plan.loss_images], split.heldout[: plan.loss_images]
    rms = 1.0 if split.dataset.standardized else float(split.train.square().mean().sqrt())
    record: Record = {}
    for sigma in plan.sigmas:
        gap = loss_gap(denoiser, train, heldout, sigma * rms, plan.loss_seed)
        numbers = {
            f"loss/train@{sigma:g}": gap.train,
            f"loss/heldout@{sigma:g}": gap.heldout,
            f"gap@{sigma:g}": gap.value,
            f"gap_low@{sigma:g}": gap.low,
            f"gap_high@{sigma:g}": gap.high,
        }
        record |= {name: value / rms**2 for name, value in numbers.items()}
    return record


def _fidelity(samples: Tensor, heldout: Tensor, plan: Plan, where: str = "") -> Record:
    """The plan's distances of samples (b, *shape) from held-out images; none of fewer than three samples."""
    record: Record = {}
    if len(samples) < 3:
        return record
    x, y = pixel_features(samples), pixel_features(heldout)
    if "fd" in plan.fidelity:
        found = frechet(x, y)
        record |= {f"fd{where}": found.value, f"fd{where}_floor" if where else "fd/floor": found.floor}
    if "kid" in plan.fidelity:
        record |= kid(x, y).entries(f"kid{where}")
    if "sw" in plan.fidelity:
        record[f"sw{where}"] = sliced_wasserstein(x, y)
    return record


def _fresh(split: Split, count: int) -> Tensor:
    """Up to `count` images (c, *shape) of the data set in neither part of the split."""
    unused = torch.ones(len(split.dataset.images), dtype=torch.bool)
    unused[split.train_rows.cpu()] = unused[split.heldout_rows.cpu()] = False
    rows = unused.nonzero()[:, 0]
    # Shuffled: files often come class by class, and the first of them are no fair draw.
    chosen = rows[torch.randperm(len(rows), generator=generator(derive(0, "fresh")))[:count]]
    return split.dataset.images[chosen].to(split.train.device)


def _check(split: Split) -> int:
    """How many training images repeat an earlier one."""
    if not isinstance(split, Split):
        raise InputError(
            got=f"{type(split).__name__} in the place of a split",
            need="training and held-out images, and the data set they come from",
            remedy="write byheart.split(dataset, n, seed=0)",
        )
    if len(split.train) < 2 or len(split.heldout) < 3:
        raise InputError(
            got=f"{len(split.train)} training and {len(split.heldout)} held-out images",
            need="at least 2 and 3: a ratio takes two neighbors, an interval three images",
            remedy="train on more images, or hold out more",
        )
    return count_duplicates(split.train)


def _finite(record: Record) -> Record:
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in record.items()
    }
