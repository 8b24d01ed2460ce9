"""The copy test of images whose training set lies in shards: images that could have been copied are taken out of the set.

    samples, held-out images, the same blurred ─ the 32 likest of all shards each ─┐
    the first 2,000, from which the filters are learned ──────────────────────────────┴─ the copy test, in memory

The 32 best of the whole are all there, so the shortlists, and with them the orbit ratios, are those of the whole set.  The
other statistics choose their candidates from what was taken.  Samples and held-out images take by one rule, so under the null
they stay exchangeable, and the p-values valid.  A set of which everything is taken is audited as it would be in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from byheart.auditing.findings import copies_of_images
from byheart.auditing.inputs import Images
from byheart.auditing.pairs import renumbered
from byheart.auditing.sets import Body, Request, Sets
from byheart.auditing.stored.train import Stored
from byheart.metrics.copying.blank import contrast
from byheart.metrics.copying.distortions import gaussian_blur
from byheart.metrics.copying.null import GUARD
from byheart.metrics.copying.shortlist import CANDIDATES
from byheart.metrics.copying.spaces import spaces
from byheart.metrics.sharded import shard_shortlist
from byheart.numerics.topk import MISSING

__all__ = ["copies_of_stored_images"]


def copies_of_stored_images(sets: Sets, train: Stored, request: Request) -> Body:
    """Make the copy test with those images of a stored set that samples and held-out images are most similar to."""
    taken = _taken(sets, train)
    found = train.some(taken)
    assert isinstance(found, Images) and isinstance(sets.samples, Images)
    seen = contrast(found.small) >= sets.least
    rows, some = (taken, found) if bool(seen.all()) else (taken[seen], found.some(seen.nonzero()[:, 0]))
    body = copies_of_images(replace(sets, train=some), request)
    return replace(
        body,
        warnings=(*body.warnings, *_warnings(len(rows), len(taken), len(train))),
        pairs=renumbered(body.pairs, train=rows),
        random_pairs=renumbered(body.random_pairs, train=rows),
        test=None,  # this test knows only a part of the training set, chosen by these samples: no use for other samples
    )


def _taken(sets: Sets, train: Stored) -> Tensor:
    """Choose training rows, ascending: the first rows, and the shortlist of every query."""
    beginning = train.beginning()
    assert isinstance(beginning, Images)
    first = torch.arange(len(beginning))
    if train.is_small:
        return first
    search = partial(shard_shortlist, found=spaces(beginning.small))
    index = train.searched(_queries(sets), search, "shortlist of training images").index
    return torch.from_numpy(np.union1d(first.numpy(), index[index != MISSING].numpy()))


def _queries(sets: Sets) -> Tensor:
    """Join all images that are compared with training images: (q, c, 32, 32)."""
    assert isinstance(sets.samples, Images)
    if sets.heldout is None:
        return sets.samples.small
    assert isinstance(sets.heldout, Images)
    heldout = sets.heldout.small
    return torch.cat([sets.samples.small, heldout, *(gaussian_blur(heldout, width) for width in GUARD)])


def _warnings(compared: int, taken: int, total: int) -> Iterator[str]:
    if compared < taken:
        yield (
            f"{taken - compared:,} of the {taken:,} training images that samples and held-out images are most like are blank or"
            f" nearly so. Copies of blank images cannot be recognized: the copy test compares samples with the other {compared:,}."
        )
    if taken < total:
        yield (
            f"The training set lies in shards: all {total:,} images were searched for the {CANDIDATES} most similar ones to each"
            f" sample and held-out image, and {compared:,} images were compared in full. Noise, mixtures, halves, the detection"
            " table and duplicates rest on these images only."
        )
