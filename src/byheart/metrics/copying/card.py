"""The detection table, in the code the card: copies of training images are made, and the test says how many of them it finds.

A row of the table is one kind of copy.  The table shows misses too: "no copies found" means none of a kind that is found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from byheart.metrics.copying.copy_test import CopyTest, Matches
from byheart.metrics.copying.planted import CLOSE, PLANTED, Planting, plant
from byheart.random import derive, generator

__all__ = ["CardRow", "background", "copy_level", "sensitivity_card"]


@dataclass(frozen=True, eq=False)
class CardRow:
    """Planted copies of one kind.

    scores: (b,) of the channel that is asked.  matched: (b,) whether the right training image was named (either of two).
    shortlisted: (b,) whether it was among the candidates; None for the channels that have no shortlist.
    named, planted: (b,) training images, of the channel `whole`; None for the others.
    """

    planting: Planting
    scores: NDArray[np.float64]
    matched: NDArray[np.bool_]
    shortlisted: NDArray[np.bool_] | None
    named: Tensor | None = None
    planted: Tensor | None = None

    def by_cluster(self, groups: Tensor) -> CardRow:
        """Count a duplicate of the right training image as the right image.  groups: (n,) labels."""
        if self.named is None or self.planted is None:
            return self
        found = self.named >= 0
        same = found & (groups[self.named.clamp(min=0)] == groups[self.planted])
        return replace(self, matched=same.numpy())


@torch.no_grad()
def sensitivity_card(
    test: CopyTest,
    *,
    seed: int,
    count: int,
    names: Sequence[str] = tuple(PLANTED),
    distinct: int | None = None,
    tell: Callable[[int], None] = lambda done: None,
) -> tuple[CardRow, ...]:
    """Score `count` test copies of each kind, at most one of each training image.

    distinct: number of distinct images, if the training set is these images and then their duplicates in the same order; a
    duplicate of the right image counts as the right image.  tell: is called with the number of kinds done so far.
    """
    train = test.tables.orbit.train[:distinct]
    fill, rows = background(train), []
    for done, name in enumerate(names, 1):
        chosen = torch.randperm(len(train), generator=generator(derive(seed, "card", name)))[:count]
        copies = plant(name, train, chosen, seed, fill)
        whole_only = PLANTED[name].channel == "whole"
        rows.append(
            _row(PLANTED[name], test(copies.images, whole_only=whole_only), copies.sources, len(train))
        )
        tell(done)
    return tuple(rows)


def background(train: Tensor) -> float:
    """Choose the value at the corners of a rotated image: 0 or 1, whichever is nearer to the borders of train (n, c, h, w)."""
    border = torch.cat([train[..., 0, :], train[..., -1, :], train[..., 0], train[..., -1]], -1)
    return float(border.mean() > 0.5)


def copy_level(card: Sequence[CardRow], quantile: float = 0.05) -> float:
    """Compute the `whole` score that all but 5 % of close copies (exact to JPEG) reach, each kind with the same weight.

    Raises ValueError if the card lacks one of these kinds.
    """
    found = {row.planting.name: row.scores for row in card}
    least = min(len(found[name]) for name in CLOSE)
    return float(np.quantile(np.concatenate([found[name][:least] for name in CLOSE]), quantile))


def _row(planting: Planting, seen: Matches, sources: Tensor, distinct: int) -> CardRow:
    match planting.channel:
        case "whole":
            shortlisted = (_first(seen.found.orbit.candidates, distinct) == sources[:, :1]).any(1)
            matched = _first(seen.source, distinct) == sources[:, 0]
            return CardRow(
                planting, seen.whole, matched.numpy(), shortlisted.numpy(), seen.source, sources[:, 0]
            )
        case "blend" if seen.blend is not None and seen.found.blend is not None:
            pair = _first(seen.found.blend.sources, distinct).sort(1).values == sources.sort(1).values
            return CardRow(planting, seen.blend, pair.all(1).numpy(), None)
    assert seen.local is not None and seen.found.local is not None
    either = (_first(seen.found.local.source[:, None], distinct) == sources).any(1)
    return CardRow(planting, seen.local, either.numpy(), None)


def _first(found: Tensor, distinct: int) -> Tensor:
    """Replace training images by the first of their duplicates; −1 (no match) stays."""
    return torch.where(found < 0, found, found % distinct)
