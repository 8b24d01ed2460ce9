"""Crowds: near copies of one training image that hide each other, and every copy of that image, from the copy test.

The orbit ratio compares the nearest training image with the next ones.  Up to three copies of an image are passed over
there; of four or more the others stand where strangers should, and nothing looks near beside them.  The noise ratio fails
with them: neighbors that are copies themselves correlate as the nearest does.  Leaving an image out does not help, for the
rest of its crowd stays.  So crowds are looked for by what they are, an empty ring around many images:

    near a = the images that correlate with a above 0.9 (space `soft`, as they lie)
    asked  = whoever has at least 3 near it and  log( e beyond / e₁ ) ≥ 1.5,
             e = 1 − correlation, e₁ of the nearest image, e beyond: mean of the 3rd … 9th smallest of those not near
    same   = asked, and a copy where of those near only the nearest may be matched: `whole` at the level of a close copy, and
             one of its ratios such as no training image has that occurs once

The first two take one product of all with all.  Those asked are compared in full a hundredth of all at a time, the largest
contrast first, for as long as a tenth of them are the same.  Whoever is, is grouped with what it matches; the first of
each group is compared without it, and so on until nothing is joined.  Groups of fewer than four hide
nothing, and are given up.

A crowd whose members lie apart by a pixel or more, are flipped, or carry noise of a tenth of the range has no such ring in
one pose, and stays unseen.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from byheart.metrics.copying.copy_test import CopyTest, is_copy
from byheart.metrics.copying.groups import merged
from byheart.metrics.copying.scores import LEAST, CopyScores, copy_scores
from byheart.metrics.copying.spaces import exact_rows
from byheart.numerics.products import matmul_t

__all__ = ["CROWDED", "crowds", "uncrowded"]

CROWDED = 4
"""Members from which on a group hides itself: the orbit ratio skips two others."""

_NEAR = 0.9
_CONTRAST = 1.5
# Asked in four populations of 1,000 to 10,000: 0 to 5 %.  Of near copies under noise of .05 all but a few faint ones.
_BESIDE = slice(2, 9)  # the 3rd to 9th, as in the orbit ratio
_NEAREST = 1e-6
_FEWEST, _PAYS = (
    32,
    0.1,
)  # least part that is compared at a time, and what share of it must be the same to go on
_ROUNDS = 16  # of joining: each at least halves the parts of a crowd
_TILE = 2**24  # correlations at a time, 64 MB


@torch.no_grad()
def crowds(
    test: CopyTest, level: float, tell: Callable[[int, int], None] = lambda done, total: None
) -> Tensor:
    """(n,) the first image of the crowd of each training image of a test, itself where it is in none.

    level: of `whole`, from which on two images are the same.  tell: hears how many are compared in full, of how many at most.
    """
    rows = exact_rows(test.tables.orbit.train, test.tables.spaces.soft)
    own = torch.arange(len(rows))
    groups, chosen = _first_round(test, level, rows, tell)
    for _ in range(_ROUNDS):
        if not len(chosen) or int(groups.bincount().max()) > len(own) - LEAST:
            break
        same, source = _same(test, level, _compared(test, rows, groups, chosen))
        groups, chosen = _grouped(groups, chosen[same], source[same])
    few = groups.bincount(minlength=len(own))[groups] < CROWDED
    return torch.where(few, own, groups)


@torch.no_grad()
def uncrowded(test: CopyTest, chosen: Tensor) -> CopyScores:
    """The statistics of training images, where of those near only the nearest may be matched.  chosen: (q,) which."""
    rows = exact_rows(test.tables.orbit.train, test.tables.spaces.soft)
    return _compared(test, rows, torch.arange(len(rows)), chosen)


def _first_round(
    test: CopyTest, level: float, rows: Tensor, tell: Callable[[int, int], None]
) -> tuple[Tensor, Tensor]:
    """Groups (n,) once those asked are joined with what they match, and the first images of the groups.

    They are compared a part at a time, until fewer than a tenth of a part are the same as another.
    """
    own, asked = torch.arange(len(rows)), _asked(rows)
    step = max(_FEWEST, len(rows) // 100)
    images, sources = [own[:0]], [own[:0]]
    for start in range(0, len(asked), step):
        part = asked[start : start + step]
        same, source = _same(test, level, _compared(test, rows, own, part))
        images.append(part[same])
        sources.append(source[same])
        tell(start + len(part), len(asked))
        if float(same.float().mean()) < _PAYS:
            break
    return _grouped(own, torch.cat(images), torch.cat(sources))


def _grouped(groups: Tensor, images: Tensor, sources: Tensor) -> tuple[Tensor, Tensor]:
    """Groups (n,) with images (q,) and what they match (q,) joined, and the first images of those that have grown."""
    groups = merged(groups, images, sources)
    return groups, torch.unique(groups[images])


def _same(test: CopyTest, level: float, found: CopyScores) -> tuple[Tensor, Tensor]:
    """(q,) whether images are the same as what they match, and (q,) what they match."""
    seen = test.matches(found)
    return torch.from_numpy(seen.whole >= level) & is_copy(found), seen.source


def _compared(test: CopyTest, rows: Tensor, groups: Tensor, chosen: Tensor) -> CopyScores:
    """The statistics of the chosen images, each against its nearest outside its group and those that are not near it."""
    return copy_scores(
        test.tables.orbit.train[chosen],
        test.tables,
        lambda start, stop: _hidden(rows, groups, chosen[start:stop]),
        whole_only=True,
    )


def _asked(rows: Tensor) -> Tensor:
    """Who may be in a crowd, the largest contrast first.  rows: (n, d) of norm 1."""
    found, step = [], max(1, min(1024, _TILE // len(rows)))
    for start in range(0, len(rows), step):
        alike = matmul_t(rows[start : start + step], rows)
        alike.diagonal(start).fill_(-1)
        near = alike > _NEAR
        count = near.sum(1)
        many = ((count >= CROWDED - 1) & (count <= len(rows) - LEAST)).nonzero()[:, 0]
        error = (1 - alike[many]).clamp_min(_NEAREST)
        beyond = error.masked_fill(near[many], 2).topk(_BESIDE.stop, largest=False).values[:, _BESIDE].mean(1)
        found.append(torch.stack([(many + start).double(), (beyond / error.amin(1)).log().double()]))
    row, contrast = torch.cat(found, 1).unbind()
    order = contrast.argsort(descending=True, stable=True)
    asked: Tensor = row[order[: int((contrast >= _CONTRAST).sum())]].long()
    return asked


def _hidden(rows: Tensor, groups: Tensor, chosen: Tensor) -> Tensor:
    """(q, n) what the chosen images must not match: their own groups, and of those near all but the nearest.

    Where that leaves too few, only their own groups.
    """
    own = groups[chosen, None] == groups
    alike = matmul_t(rows[chosen], rows).masked_fill_(own, -1)
    near = (alike > _NEAR).scatter_(1, alike.argmax(1, keepdim=True), False)
    few = (own | near).sum(1, keepdim=True) > len(rows) - LEAST
    hidden: Tensor = torch.where(few, own, own | near)
    return hidden
