"""The window ratio: is one half of a sample half of a training image?

The left, right, upper and lower half (28×14 pixels of the inner 28×28, space `half`, unflipped) are each compared with
the same half of all training images.  With e₁ ≤ … ≤ e₃₂ the smallest 1 − NCC and ν the noise ratio of these correlations,

    score of a half = −log(e₁ / mean(e₆ … e₃₂)) − log(ν + 0.001),

and the score of the sample is the largest score of its halves.  A half of little contrast (below half the median of the
training images' same half) does not count, because one plain half looks like another: sky is like sky.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from byheart._checks import InputError, check_finite
from byheart.metrics.copying.noise_ratio import FLOOR, noise_ratio
from byheart.metrics.copying.search import check_queries, chunked, compared, correlations, largest
from byheart.metrics.copying.spaces import Spaces, check_images, filtered, unit

__all__ = ["HALVES", "NOTHING", "LocalFound", "LocalTable", "local_table"]

HALVES = {  # name -> rows, columns
    "left": (slice(2, 30), slice(2, 16)),
    "right": (slice(2, 30), slice(16, 30)),
    "upper": (slice(2, 16), slice(2, 30)),
    "lower": (slice(16, 30), slice(2, 30)),
}
CANDIDATES = 32
LEAST = 34  # training images: 32 candidates, and one to leave out besides the sample's own
NOTHING = -9.0  # the score where no half counts
_CROWD = slice(5, CANDIDATES)  # ranks 6–32
_NEAREST = 1e-6  # smallest 1 − NCC
_BLANK = 1e-3  # root mean square below which a half is blank, and its remaining values are rounding


@dataclass(frozen=True, eq=False)
class LocalFound:
    """The result of the window ratio for b samples.

    score: (b,), −9 where no half counts.  source: (b,) training image, −1 where no half counts.
    half: (b,) position in HALVES, 0 where no half counts.
    """

    score: Tensor
    source: Tensor
    half: Tensor


@dataclass(frozen=True, eq=False)
class LocalTable:
    """The training images, ready for the window ratio.

    rows: four (n, c·392), unit windows of the filtered training images.  contrast: (4,) the least contrast of each half.
    response: (32, 17), the filter.
    """

    rows: tuple[Tensor, ...]
    contrast: Tensor
    response: Tensor

    def __len__(self) -> int:
        return len(self.rows[0])

    @torch.no_grad()
    def __call__(self, x: Tensor, without: Tensor | None = None) -> LocalFound:
        """Compute the window ratio of samples x (b, c, 32, 32) in [0, 1].

        without: (b, n) True where a training image must not be matched with a sample: itself and its duplicates.
        Raises InputError for samples unlike the training images, NaN, or a mask of another shape.
        """
        check_queries(x, self.rows[0].shape[1] // 392, without, len(self))
        queries, contrasts = _prepared(x.float(), self.response)
        halves = [_half(rows, query, without) for rows, query in zip(self.rows, queries, strict=True)]
        scores, sources = (torch.stack(part, 1) for part in zip(*halves, strict=True))
        counts = torch.stack(contrasts, 1) >= self.contrast
        scores, sources = torch.where(counts, scores, NOTHING), torch.where(counts, sources, -1)
        score, half = scores.max(1)
        return LocalFound(score, sources.gather(1, half[:, None])[:, 0], half)


@torch.no_grad()
def local_table(train: Tensor, spaces: Spaces) -> LocalTable:
    """Prepare the table of training images (n, c, 32, 32) in [0, 1], n ≥ 34.

    Raises InputError for fewer, another shape, NaN or infinity.
    """
    check_images("train", train)
    check_finite("train", train)
    if len(train) < LEAST:
        raise InputError(
            got=f"{len(train)} training images",
            need=f"at least {LEAST}: a half is compared with the {CANDIDATES} nearest",
            remedy="leave the channel `local` out: with so few images it cannot be computed",
        )
    parts = [_prepared(part.float(), spaces.half) for part in chunked(train)]
    rows, contrasts = (
        tuple(torch.cat(half) for half in zip(*part, strict=True)) for part in zip(*parts, strict=True)
    )
    middle = torch.stack([contrast.median() for contrast in contrasts])
    return LocalTable(rows, (middle / 2).clamp_min(_BLANK), spaces.half)


def _prepared(x: Tensor, response: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """Return unit windows (b, c·392) of x (b, c, 32, 32), and the windows' standard deviations (b,), for every half."""
    images = filtered(x, response)
    windows = [images[:, :, rows, columns] for rows, columns in HALVES.values()]
    return [unit(window) for window in windows], [
        window.flatten(1).std(1, correction=0) for window in windows
    ]


def _half(rows: Tensor, queries: Tensor, without: Tensor | None) -> tuple[Tensor, Tensor]:
    """Compute score and source (b,) for one half of the samples; −9 and −1 where too few images may be matched.

    rows: (n, d).  queries: (b, d).
    """
    best, index = largest(correlations(rows, queries), CANDIDATES, without)
    present = best > -torch.inf
    products = compared(rows, index, queries)
    error = (1 - products[:, 0]).clamp_min(_NEAREST)
    crowd, in_crowd = error[:, _CROWD], present[:, _CROWD]
    far = (crowd * in_crowd).sum(1) / in_crowd.sum(1).clamp_min(1)
    ratio = noise_ratio(products[:, 0], products[:, 1], present)
    score = (far / error[:, 0]).log() - (ratio + FLOOR).log()
    enough = in_crowd.any(1)
    return torch.where(enough, score, NOTHING), torch.where(enough, index[:, 0], -1)
