"""The copy test of one training set: the statistics on one scale, learned from training images left out.

    whole = max( map_o(orbit ratio), map_ν(noise ratio) ),     blend = pair fit,     local = window ratio

The maps (analysis.calibration.tails) turn each component into how rare it is among training images that are compared with
all others.  Everything here is a fixed function of the training set: whoever compares held-out images and samples by it
keeps exact ranks.

A training image that occurs again would pass for its own copy.  So the leave-one-out pass is done in rounds: images whose
score is that of a copy are grouped with what they match, and compared without the whole group, until none is left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from byheart.analysis.calibration.tails import TailMap, tail_map
from byheart.metrics.copying.groups import merged
from byheart.metrics.copying.noise_ratio import NoiseFound
from byheart.metrics.copying.orbit import OrbitFound
from byheart.metrics.copying.scores import LEAST, CopyScores, CopyTables, copy_scores, copy_tables
from byheart.random import derive, generator

__all__ = [
    "QUERIES",
    "CopyTest",
    "LeaveOneOut",
    "Matches",
    "copy_test",
    "is_copy",
    "leave_one_out",
    "replaced",
]

QUERIES = 600
"""Training images left out, at most."""

_ORBIT_OF_A_COPY, _NOISE_OF_A_COPY = 1.5, 3.0
# Of four populations 0 to 1.3 % of the innocent reach the first and none the second; of near copies (shifted, dimmed, noisy)
# all reach one of them.  Whoever is grouped wrongly is only compared once more, without its nearest image.
_ROUNDS = 4  # of grouping: clusters of up to five are taken apart

F = TypeVar("F", OrbitFound, NoiseFound)

Tell = Callable[[int], None]
Scores = NDArray[np.float64]


def silent(done: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, eq=False)
class Matches:
    """What the test says of b samples.

    whole, blend, local: (b,) scores; blend and local are None where only `whole` was asked for.  source: (b,) the
    training image that `whole` matches.  by_noise: (b,) whether the noise ratio decided.  found: all there is.
    """

    whole: Scores
    blend: Scores | None
    local: Scores | None
    source: Tensor
    by_noise: Tensor
    found: CopyScores

    def __len__(self) -> int:
        return len(self.whole)


@dataclass(frozen=True, eq=False)
class LeaveOneOut:
    """Training images as queries against all others.

    rows: (q,) which.  whole: (q,) of the first pass, in which only the image itself is left out.  source: (q,) what it
    matched there.
    """

    rows: Tensor
    whole: Scores
    source: Tensor


@dataclass(frozen=True, eq=False)
class CopyTest:
    """tables: of the n training images.  orbit_map, noise_map: score -> rarity.  left_out: what they were learned from."""

    tables: CopyTables
    orbit_map: TailMap
    noise_map: TailMap
    left_out: LeaveOneOut

    def __call__(self, x: Tensor, *, whole_only: bool = False, tell: Tell = silent) -> Matches:
        """The test of samples x (b, c, 32, 32) in [0, 1]; rows do not influence each other."""
        return self.matches(copy_scores(x, self.tables, whole_only=whole_only, tell=tell))

    def matches(self, found: CopyScores) -> Matches:
        """Statistics on the common scale."""
        orbit, noise = (
            torch.from_numpy(self.orbit_map(found.orbit.score.numpy())),
            torch.from_numpy(self.noise_map(found.noise.score.numpy())),
        )
        by_noise = noise > orbit
        return Matches(
            whole=torch.maximum(orbit, noise).numpy(),
            blend=None if found.blend is None else found.blend.score.double().numpy(),
            local=None if found.local is None else found.local.score.double().numpy(),
            source=torch.where(by_noise, found.noise.source, found.orbit.source),
            by_noise=by_noise,
            found=found,
        )


@torch.no_grad()
def copy_test(train: Tensor, *, seed: int = 0, queries: int = QUERIES, tell: Tell = silent) -> CopyTest:
    """The test of training images (n, c, 32, 32) in [0, 1].

    seed: which images are left out.  queries: how many, at most.  tell: hears how many of them are done.
    Raises InputError for fewer than 34 images, other shapes, values outside [0, 1], or NaN.
    """
    tables = copy_tables(train)
    rows = torch.randperm(len(train), generator=generator(derive(seed, "left out")))[:queries].sort().values
    first = leave_one_out(tables, rows, torch.arange(len(train)), tell)
    scores, doubtful = _without_duplicates(tables, rows, first)
    orbit_map, noise_map = (
        tail_map(values[~doubtful].double().numpy()) for values in (scores.orbit.score, scores.noise.score)
    )
    test = CopyTest(tables, orbit_map, noise_map, LeaveOneOut(rows, np.zeros(0), rows))
    seen = test.matches(first)
    return replace(test, left_out=LeaveOneOut(rows, seen.whole, seen.source))


def leave_one_out(tables: CopyTables, rows: Tensor, groups: Tensor, tell: Tell = silent) -> CopyScores:
    """The statistics of training images against all that are not of their group.

    rows: (q,) which.  groups: (n,) labels.
    """
    own = groups[rows]
    return copy_scores(
        tables.orbit.train[rows],
        tables,
        lambda start, stop: own[start:stop, None] == groups,
        whole_only=True,
        tell=tell,
    )


def _without_duplicates(tables: CopyTables, rows: Tensor, first: CopyScores) -> tuple[CopyScores, Tensor]:
    """Statistics with duplicates left out as well, and (q,) of whom there seem to be more duplicates still."""
    groups, scores, doubtful = torch.arange(len(tables)), first, is_copy(first)
    for _ in range(_ROUNDS):
        if not bool(doubtful.any()):
            break
        for says, source in _named(scores):
            groups = merged(groups, rows[doubtful & says], source[doubtful & says])
        if int(groups.bincount().max()) > len(tables) - LEAST:
            break
        again = leave_one_out(tables, rows[doubtful], groups)
        scores = replaced(scores, doubtful, again)
        doubtful = doubtful.masked_scatter(doubtful, is_copy(again))
    return scores, doubtful


def is_copy(scores: CopyScores) -> Tensor:
    """(b,) whether either ratio of a training image is beyond what training images that occur once have."""
    return torch.stack([says for says, _ in _named(scores)]).any(0)


def _named(scores: CopyScores) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """For either ratio: (b,) whether it says that a training image is a copy, and (b,) of which other one."""
    return (
        (scores.orbit.score >= _ORBIT_OF_A_COPY, scores.orbit.source),
        (scores.noise.score >= _NOISE_OF_A_COPY, scores.noise.source),
    )


def replaced(scores: CopyScores, where: Tensor, by: CopyScores) -> CopyScores:
    """Scores in which some rows are those of `by`, in order.  where: a mask (q,), or indices."""
    return replace(
        scores, orbit=_put(scores.orbit, where, by.orbit), noise=_put(scores.noise, where, by.noise)
    )


def _put(found: F, where: Tensor, by: F) -> F:
    rows = {
        field.name: getattr(found, field.name).index_put((where,), getattr(by, field.name))
        for field in fields(found)
    }
    return replace(found, **rows)
