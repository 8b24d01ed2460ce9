"""The copy test of three sets of images: everything that an audit measures before the result is put into words.

train ─ each image once ─ copy test ─┬─ test copies ─ level of a copy ─ duplicates of train
                                           ├─ held-out images, plain and blurred: the null
                                           └─ samples ─ ranks in the null
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from byheart.auditing.sets import Tell
from byheart.metrics.copying.card import CardRow, copy_level, sensitivity_card
from byheart.metrics.copying.clusters import clusters, equal_groups, same_groups
from byheart.metrics.copying.copy_test import CopyTest, Matches, copy_test
from byheart.metrics.copying.crowds import CROWDED, crowds
from byheart.metrics.copying.null import Null, heldout_null
from byheart.metrics.copying.planted import PLANTED
from byheart.random import derive

__all__ = ["Copies", "Reference", "compared", "reference"]

_SUSPECT = 0.01  # share of duplicates among the images left out, above which all images are compared


@dataclass(frozen=True, eq=False)
class Reference:
    """What the audit learns before it looks at the samples.

    kept: (k,) rows of the training set that the test holds.  groups: (n,) cluster of every training image.
    duplicated: share of training images that have an equal or nearly equal duplicate; exhaustive: whether all training images
    were compared, or, except for equal images and crowds, only those left out.  card: the detection table.
    level: `whole` score of a close copy.  null: of the held-out images, None without held-out images.
    """

    test: CopyTest
    kept: Tensor
    groups: Tensor
    duplicated: float
    exhaustive: bool
    card: tuple[CardRow, ...]
    level: float
    null: Null | None


@dataclass(frozen=True, eq=False)
class Copies:
    """Samples compared with a reference.  seen: scores and matches; source: (b,) rows of the whole training set.

    whole, blend, local: p-values, None without held-out images.
    """

    reference: Reference
    seen: Matches
    source: Tensor
    whole: NDArray[np.float64] | None
    blend: NDArray[np.float64] | None
    local: NDArray[np.float64] | None


def reference(
    train: Tensor, heldout: Tensor | None, *, seed: int, planted: int, queries: int, tell: Tell
) -> Reference:
    """Learn from training images (n, c, 32, 32) and held-out images (m, c, 32, 32), all in [0, 1].

    planted: number of test copies of each kind.  queries: number of training images that are compared with the others.
    Raises InputError for fewer than 34 different training images.
    """
    same = same_groups(train, equal_groups(train))
    test, kept, card, level = _learned(train, same, seed, planted, queries, tell)
    found, exhaustive = _clusters(test, level, tell)
    groups = kept[found][torch.searchsorted(kept, same)]
    if int(found.bincount().max()) >= CROWDED:
        crowded = groups.bincount(minlength=len(train))[groups] >= CROWDED
        single = torch.where(crowded, groups, same)
        test, kept, card, level = _learned(train, single, seed, planted, queries, tell)
    share = float((groups.bincount(minlength=len(train))[groups] > 1).float().mean())
    if not exhaustive:
        share += (1 - share) * float((test.left_out.whole >= level).mean())
    null = None
    if heldout is not None:
        total = 4 * len(heldout)
        null = heldout_null(test, heldout, lambda done: tell("comparing held-out images", done, total))
    card = tuple(row.by_cluster(groups[kept]) for row in card)
    return Reference(test, kept, groups, share, exhaustive, card, level, null)


def compared(samples: Tensor, known: Reference, tell: Tell) -> Copies:
    """Compare samples (b, c, 32, 32) in [0, 1] with the reference."""
    seen, null = (
        known.test(samples, tell=lambda done: tell("comparing samples", done, len(samples))),
        known.null,
    )
    assert seen.blend is not None and seen.local is not None
    return Copies(
        reference=known,
        seen=seen,
        source=known.kept[seen.source],
        whole=None if null is None else null.whole(seen.whole),
        blend=None if null is None else null.blend(seen.blend),
        local=None if null is None else null.local(seen.local),
    )


def _clusters(test: CopyTest, level: float, tell: Tell) -> tuple[Tensor, bool]:
    """Find (k,) the first image of the cluster of each image that a test holds, and say whether all images were compared.

    All images are compared if duplicates are frequent among the images left out.  Otherwise only crowds are searched for: crowds
    may be rare, the images left out do not show them, and a model copies an image that occurs often first.
    """
    stage, count = "searching for duplicates in the training set", len(test.tables)
    if float((test.left_out.whole >= level).mean()) > _SUSPECT:
        return clusters(test, level, lambda done: tell(stage, done, count)).groups, True
    return crowds(test, level, partial(tell, stage)), False


def _learned(
    train: Tensor, groups: Tensor, seed: int, planted: int, queries: int, tell: Tell
) -> tuple[CopyTest, Tensor, tuple[CardRow, ...], float]:
    """Learn the test of one image for each group, its rows, its detection table, and the level of a close copy."""
    kept = (groups == torch.arange(len(train))).nonzero()[:, 0]
    count = min(queries, len(kept))
    test = copy_test(
        train[kept],
        seed=derive(seed, "copy test"),
        queries=queries,
        tell=lambda done: tell("comparing training images with each other", min(done, count), count),
    )
    card = sensitivity_card(
        test,
        seed=derive(seed, "card"),
        count=planted,
        tell=lambda done: tell("scoring test copies", done, len(PLANTED)),
    )
    return test, kept, card, copy_level(card)
