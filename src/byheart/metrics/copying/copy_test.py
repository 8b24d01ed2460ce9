"""The copy test of one training set: the statistics on one scale, learned from training images left out.

    whole = max( map_o(orbit ratio), map_ν(noise ratio) ),     blend = pair fit,     local = window ratio

The maps (analysis.calibration.tails) convert each component to its rarity among training images that are compared with
all others.  Everything here is a fixed function of the training set, so held-out images and samples that are compared by
this test keep exact ranks.

A training image that occurs again would pass for its own copy.  So the leave-one-out pass is done in rounds: images whose
score is that of a copy are grouped with their match, and compared without the whole group, until no such image is left.
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
# In four populations, 0 to 1.3 % of the original images reach the first threshold and none the second; all near copies
# (shifted, dimmed, noisy) reach one of the two.  An image that is grouped wrongly is only compared once more, without its
# nearest image.
_ROUNDS = 4  # rounds of grouping, which separate clusters of up to five

F = TypeVar("F", OrbitFound, NoiseFound)

Tell = Callable[[int], None]
Scores = NDArray[np.float64]


def silent(done: int) -> None:
    """Ignore the progress: the default for `tell`."""


@dataclass(frozen=True, eq=False)
class Matches:
    """The result of the test for b samples.

    whole, blend, local: (b,) scores; blend and local are None if only `whole` was computed.  source: (b,) the training image
    that `whole` matches.  by_noise: (b,) whether the noise ratio decided.  found: the statistics behind the scores.
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
    """Training images as queries against all other training images.

    rows: (q,) the queries.  whole: (q,) scores of the first pass, in which only the image itself is left out.
    source: (q,) the match of each query in that pass.
    """

    rows: Tensor
    whole: Scores
    source: Tensor


@dataclass(frozen=True, eq=False)
class CopyTest:
    """The copy test of n training images.

    tables: of the training images.  orbit_map, noise_map: score -> rarity.  left_out: the comparisons that the two maps were
    learned from.
    """

    tables: CopyTables
    orbit_map: TailMap
    noise_map: TailMap
    left_out: LeaveOneOut

    def __call__(self, x: Tensor, *, whole_only: bool = False, tell: Tell = silent) -> Matches:
        """Test samples x (b, c, 32, 32) in [0, 1]; rows do not influence each other.

        whole_only: compute `whole` alone.  tell: is called with the number of samples done so far.
        """
        return self.matches(copy_scores(x, self.tables, whole_only=whole_only, tell=tell))

    def matches(self, found: CopyScores) -> Matches:
        """Convert statistics to matches on the common scale."""
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
    """Learn the test of training images (n, c, 32, 32) in [0, 1].

    seed: Random seed of the choice of images that are left out; the same seed gives the same result.
    queries: largest number of images left out.  tell: is called with the number of those images done so far.
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
    matches = test.matches(first)
    return replace(test, left_out=LeaveOneOut(rows, matches.whole, matches.source))


def leave_one_out(tables: CopyTables, rows: Tensor, groups: Tensor, tell: Tell = silent) -> CopyScores:
    """Compute the statistics of training images against all training images outside their group.

    rows: (q,) the images that are compared.  groups: (n,) labels.
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
    """Compute statistics with duplicates left out as well; also return which rows still seem to have duplicates, (q,)."""
    groups, scores, doubtful = torch.arange(len(tables)), first, is_copy(first)
    for _ in range(_ROUNDS):
        if not bool(doubtful.any()):
            break
        for is_match, source in _copies_by_ratio(scores):
            groups = merged(groups, rows[doubtful & is_match], source[doubtful & is_match])
        if int(groups.bincount().max()) > len(tables) - LEAST:
            break
        again = leave_one_out(tables, rows[doubtful], groups)
        scores = replaced(scores, doubtful, again)
        doubtful = doubtful.masked_scatter(doubtful, is_copy(again))
    return scores, doubtful


def is_copy(scores: CopyScores) -> Tensor:
    """Say whether one of the two ratios of a training image exceeds all training images that occur once: (b,) bool."""
    return torch.stack([is_match for is_match, _ in _copies_by_ratio(scores)]).any(0)


def _copies_by_ratio(scores: CopyScores) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Return, for each of the two ratios, whether it says that a training image is a copy, (b,), and of which image, (b,)."""
    return (
        (scores.orbit.score >= _ORBIT_OF_A_COPY, scores.orbit.source),
        (scores.noise.score >= _NOISE_OF_A_COPY, scores.noise.source),
    )


def replaced(scores: CopyScores, where: Tensor, by: CopyScores) -> CopyScores:
    """Return scores in which some rows are replaced by those of `by`, in order.  where: a mask (q,), or indices."""
    return replace(
        scores, orbit=_put(scores.orbit, where, by.orbit), noise=_put(scores.noise, where, by.noise)
    )


def _put(scores: F, where: Tensor, by: F) -> F:
    rows = {
        field.name: getattr(scores, field.name).index_put((where,), getattr(by, field.name))
        for field in fields(scores)
    }
    return replace(scores, **rows)
