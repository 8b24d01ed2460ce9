"""The classical measures of copying, fidelity and novelty, each beside a reference value of held-out images."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import torch
from torch import Tensor

from byheart.auditing.inputs import Images, Rows
from byheart.auditing.record import Measure
from byheart.auditing.sets import Sets, Tell
from byheart.auditing.stored.train import Stored, Table
from byheart.features.encoders import Encoder, Formula
from byheart.features.encoding import encode
from byheart.metrics.copying.classical.table import classical_table, duplicate_shares, duplicate_table
from byheart.metrics.fidelity.table import fidelity_table
from byheart.metrics.memorization import DuplicatesWarning
from byheart.metrics.score import Score
from byheart.numerics.indexed import Indexed
from byheart.numerics.neighbors import Neighbors, nearest
from byheart.random import derive

__all__ = ["Measures", "measures"]

NEIGHBORS = 50
_FLOOR = 1.1  # times the floor: heavy tails raise it by 5 to 8 %
_LEAST = 10  # rows of each set below which a distribution is not described
_VALUES = 2**28  # of images at their own size: more is read at the working size


@dataclass(frozen=True)
class Measures:
    """The measures that could be computed.  warnings: why others could not."""

    measures: tuple[Measure, ...]
    warnings: tuple[str, ...]


def measures(
    sets: Sets, told: Sets, *, features: Encoder | None, cache: Path | None, seed: int, tell: Tell
) -> Measures:
    """Compute the measures of three sets; none without at least 10 rows in each set.

    told: the sets without their blank images, which match each other; for the measures of copying.
    features: encoder of fidelity and novelty, None if features were passed; the classical measures compare pixels, or the
    features that were passed.
    """
    if told.heldout is None or min(len(told.samples), len(told.train), len(told.heldout)) < _LEAST:
        return Measures(
            (),
            (
                f"The other measures (quality, diversity, measures of the literature) need {_LEAST} images in each of the three sets.",
            ),
        )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = _copying(told, seed, tell) + _fidelity(sets, features, cache, seed, tell)
    said = dict.fromkeys(
        f"f_mem: {one.message}." if issubclass(one.category, DuplicatesWarning) else f"{one.message}"
        for one in caught
    )
    return Measures(found, (*said, *_at_floor(found)))


def _at_floor(found: tuple[Measure, ...]) -> list[str]:
    """Warn of a Fréchet distance that is no larger than two samples of the same distribution would give."""
    distance = next((one for one in found if one.name == "FD"), None)
    if distance is None or distance.reference is None or distance.value > _FLOOR * distance.reference:
        return []
    return [
        f"The Fréchet distance ({distance.value:.3g}) is no larger than two sets of real images of these sizes would give"
        f" ({distance.reference:.3g}): it cannot tell the samples from real images, nor one good model from a better one."
    ]


def _copying(sets: Sets, seed: int, tell: Tell) -> tuple[Measure, ...]:
    tell("computing copy measures of the literature", 0, 1)
    assert sets.heldout is not None
    samples, heldout = _values(sets.samples), _values(sets.heldout)
    train, search = _reference(sets.train)
    k = min(NEIGHBORS, len(train))
    tables = search(samples, k), search(heldout, k)
    chosen = derive(seed, "classical")
    scores = classical_table(*tables, samples, train, heldout, search=search, seed=chosen)
    if isinstance(sets.train, Images):
        scores += duplicate_table(samples, sets.train.small, heldout)
    elif isinstance(sets.train, Stored) and sets.train.are_images:
        scores += duplicate_shares(samples, heldout, sets.train.equal, sets.train.bits)
    return tuple(map(_measure, scores))


def _reference(train: Images | Rows | Stored) -> tuple[Indexed, Callable[[Tensor, int], Neighbors]]:
    """Return the training rows, and a function that finds the nearest of them."""
    if isinstance(train, Stored):
        return train.table, train.nearest
    values = _values(train)
    return values, lambda queries, k: nearest(queries, values, k=k)


def _fidelity(
    sets: Sets, features: Encoder | None, cache: Path | None, seed: int, tell: Tell
) -> tuple[Measure, ...]:
    tell("computing measures of quality and diversity", 0, 1)
    assert sets.heldout is not None
    rows = _encoded(sets.samples, sets.heldout, sets.train, features, cache)
    return tuple(map(_measure, fidelity_table(*rows, seed=derive(seed, "fidelity"))))


def _encoded(
    samples: Images | Rows,
    heldout: Images | Rows,
    train: Images | Rows | Stored,
    features: Encoder | None,
    cache: Path | None,
) -> tuple[Tensor, Tensor, Indexed]:
    """Encode the three sets; of a stored training set only the rows that are read, without a cache."""
    if features is None:
        return _values(samples), _values(heldout), _reference(train)[0]
    if not isinstance(train, Stored):
        three = _at_one_size((samples, heldout, train), isinstance(features, Formula))
        x, unseen, points = (encode(one, features, cache=cache) for one in three)
        return x, unseen, points
    x, unseen = (encode(_values(one), features, cache=cache) for one in (samples, heldout))
    table = Table((len(train), x.shape[1]), lambda rows: encode(train.chosen(rows), features))
    return x, unseen, table


def _measure(score: Score) -> Measure:
    return Measure(
        name=score.name,
        family=score.family,
        value=score.value,
        low=score.low,
        high=score.high,
        reference=score.reference,
        against=score.against,
        count=score.count,
        definition=score.definition,
    )


def _values(one: Images | Rows) -> Tensor:
    return one.small if isinstance(one, Images) else one.values


def _at_one_size(sets: Sequence[Images | Rows], formula: bool) -> list[Tensor]:
    """Choose the images for an encoder: a network gets all three sets at their own size, if the size is the same and memory suffices."""
    images = [one for one in sets if isinstance(one, Images)]
    large = sum(len(one) * prod(one.shape) for one in images) > _VALUES
    if formula or large or len({one.shape for one in images}) > 1:
        return [one.small for one in images]
    whole = [[torch.from_numpy(one.full(row)) for row in range(len(one))] for one in images]
    alike = len({image.shape for one in whole for image in one}) == 1
    return [torch.stack(one) for one in whole] if alike else [one.small for one in images]
