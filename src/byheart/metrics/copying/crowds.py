"""Crowds: near copies of one training image that hide each other, and every copy of that image, from the copy test.

The orbit ratio compares the nearest training image with the next ones.  It skips up to three copies of an image.  With four
or more copies the others take the ranks of unrelated images, and no image looks near beside them.  The noise ratio fails,
too: neighbors that are copies themselves correlate as the nearest does.  Leaving an image out does not help, because the
rest of its crowd stays.  So crowds are recognized by their shape, an empty ring around many images:

    near a    = the images that correlate with a above 0.9 (space `soft`, in one pose)
    candidate = an image with at least 3 images near it and  log( e beyond / e₁ ) ≥ 1.5,
                e = 1 − correlation, e₁ of the nearest image, e beyond: mean of the 3rd … 9th smallest of those not near
    same      = a candidate that is a copy if only the nearest of the images near it may be matched: `whole` at the level of a
                close copy, and one of its ratios larger than for any training image that occurs once

The first two steps take one product of all images with all.  Candidates are compared in full a hundredth of all images at a
time, the largest contrast first, for as long as a tenth of them are the same as their match.  Such images are grouped with
their match; the first image of each group is compared without the group, and so on until no group grows.  Groups of fewer
than four hide nothing, and are dissolved.

A crowd whose members differ by a pixel or more, are flipped, or have noise of a tenth of the range has no such ring in
one pose, and is not detected.
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
"""Smallest number of members with which a group hides itself; the orbit ratio skips two others."""

_NEAR = 0.9
_CONTRAST = 1.5
# In four populations of 1,000 to 10,000, 0 to 5 % are candidates; of near copies under noise of .05, all but a few faint ones.
_BESIDE = slice(2, 9)  # the 3rd to 9th, as in the orbit ratio
_NEAREST = 1e-6
_FEWEST = 32  # smallest number of candidates compared at a time
_PAYS = (
    0.1  # smallest share of those candidates that must be the same as their match for the search to continue
)
_ROUNDS = 16  # rounds of joining, each of which at least halves the number of parts of a crowd
_TILE = 2**24  # correlations at a time, 64 MB


@torch.no_grad()
def crowds(
    test: CopyTest, level: float, tell: Callable[[int, int], None] = lambda done, total: None
) -> Tensor:
    """Return the first image of the crowd of each training image of a test, and the image itself if it is in none: (n,).

    level: of `whole`; two images are the same from this level on.  tell: is called with the number of images compared in full
    so far, and with the largest possible number.
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
    """Compute the statistics of training images, where only the nearest of the images near them may be matched.

    chosen: (q,) the training images.
    """
    rows = exact_rows(test.tables.orbit.train, test.tables.spaces.soft)
    return _compared(test, rows, torch.arange(len(rows)), chosen)


def _first_round(
    test: CopyTest, level: float, rows: Tensor, tell: Callable[[int, int], None]
) -> tuple[Tensor, Tensor]:
    """Return groups (n,) in which candidates are joined with their match, and the first images of the groups.

    Candidates are compared a part at a time, until fewer than a tenth of a part are the same as their match.
    """
    own, candidates = torch.arange(len(rows)), _candidates(rows)
    step = max(_FEWEST, len(rows) // 100)
    images, sources = [own[:0]], [own[:0]]
    for start in range(0, len(candidates), step):
        part = candidates[start : start + step]
        same, source = _same(test, level, _compared(test, rows, own, part))
        images.append(part[same])
        sources.append(source[same])
        tell(start + len(part), len(candidates))
        if float(same.float().mean()) < _PAYS:
            break
    return _grouped(own, torch.cat(images), torch.cat(sources))


def _grouped(groups: Tensor, images: Tensor, sources: Tensor) -> tuple[Tensor, Tensor]:
    """Join images (q,) with their matches (q,) in groups (n,); also return the first images of the groups that have grown."""
    groups = merged(groups, images, sources)
    return groups, torch.unique(groups[images])


def _same(test: CopyTest, level: float, scores: CopyScores) -> tuple[Tensor, Tensor]:
    """Say whether images are the same as their match, (q,) bool, and return the matches, (q,)."""
    matches = test.matches(scores)
    return torch.from_numpy(matches.whole >= level) & is_copy(scores), matches.source


def _compared(test: CopyTest, rows: Tensor, groups: Tensor, chosen: Tensor) -> CopyScores:
    """Compute the statistics of each chosen image against the nearest image outside its group and the images not near it."""
    return copy_scores(
        test.tables.orbit.train[chosen],
        test.tables,
        lambda start, stop: _hidden(rows, groups, chosen[start:stop]),
        whole_only=True,
    )


def _candidates(rows: Tensor) -> Tensor:
    """Return the images that may be in a crowd, the largest contrast first.  rows: (n, d) of norm 1."""
    parts, step = [], max(1, min(1024, _TILE // len(rows)))
    for start in range(0, len(rows), step):
        alike = matmul_t(rows[start : start + step], rows)
        alike.diagonal(start).fill_(-1)
        near = alike > _NEAR
        count = near.sum(1)
        many = ((count >= CROWDED - 1) & (count <= len(rows) - LEAST)).nonzero()[:, 0]
        error = (1 - alike[many]).clamp_min(_NEAREST)
        beyond = error.masked_fill(near[many], 2).topk(_BESIDE.stop, largest=False).values[:, _BESIDE].mean(1)
        parts.append(torch.stack([(many + start).double(), (beyond / error.amin(1)).log().double()]))
    row, contrast = torch.cat(parts, 1).unbind()
    order = contrast.argsort(descending=True, stable=True)
    candidates: Tensor = row[order[: int((contrast >= _CONTRAST).sum())]].long()
    return candidates


def _hidden(rows: Tensor, groups: Tensor, chosen: Tensor) -> Tensor:
    """Mark what the chosen images must not be matched with, (q, n): their own groups, and all but the nearest image near them.

    If that leaves too few images, only the chosen images' own groups are marked.
    """
    own = groups[chosen, None] == groups
    alike = matmul_t(rows[chosen], rows).masked_fill_(own, -1)
    near = (alike > _NEAR).scatter_(1, alike.argmax(1, keepdim=True), False)
    few = (own | near).sum(1, keepdim=True) > len(rows) - LEAST
    hidden: Tensor = torch.where(few, own, own | near)
    return hidden
