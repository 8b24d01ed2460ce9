"""The pair fit: is a sample a mixture of two training images?

Of the 128 training images nearest to the sample g, every pair (a, b) is fitted in closed form.  With c_j = NCC(g, x_j)
and g_ab = NCC(x_a, x_b), the least squares fit g ≈ α x_a + β x_b of unit images has

    α = (c_a − g_ab c_b)/(1 − g_ab²),    β = (c_b − g_ab c_a)/(1 − g_ab²),    R² = α c_a + β c_b.

A pair counts if α, β > 0, g_ab < 0.9 and the mixing weight (α/‖x_a‖)/(α/‖x_a‖ + β/‖x_b‖) lies in [0.3, 0.7].  The weight
takes the true norms, because a mixture of a bright and a faint image has unequal weights in unit images.  The pair of
largest R = √R² has the score

    −log( (1 − R²) / mean(1 − c_j², ranks 6–33) ) − log( Σ_j |c_j − α g_aj − β g_bj| / Σ_j |R − α g_aj − β g_bj| + 0.001 ),

which is large where the pair is much nearer than single images are, and where the other neighbors are as far away from the
sample as from the mixture (j skips a and b).
Images are compared in space `white`, where unrelated images are nearly orthogonal: the inner 30×30 pixels, unflipped.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from byheart.metrics.copying.search import check_queries, chunked, correlations, largest, prepared
from byheart.metrics.copying.spaces import Spaces, filtered, unit
from byheart.numerics.products import matmul_t

__all__ = ["NOTHING", "BlendFound", "BlendTable", "blend_table"]

CANDIDATES = 128
NOTHING = -9.0  # the score where no pair counts
_CROWD = slice(5, 33)  # ranks 6–33 of the single images
_GROUP = 16  # samples whose pairs are fitted together, with 1.6 MB of correlations
_LIGHTEST = 3 / 7  # least ratio of the two weights: from 30/70 to 70/30
_ALIKE = 0.9  # correlation from which two training images are one
_FREE = 0.05  # smallest 1 − g²
_NEAREST = 1e-6  # smallest residual, and smallest R²
_SPREAD = 1e-5  # smallest sum in a denominator
_FLOOR = 1e-3  # added to the ratio of the sums before the logarithm
_BLANK = 1e-3  # root mean square below which a window is blank, and its remaining values are rounding


@dataclass(frozen=True, eq=False)
class BlendFound:
    """The result of the pair fit for b samples.

    score: (b,), −9 where no pair counts.  sources: (b, 2) training images, the nearer first; −1 where no pair counts.
    weights: (b, 2) mixing weights of the sources in their own brightness, sum 1.  fit: (b,) R².  Weights and fit are 0 where
    no pair counts.
    """

    score: Tensor
    sources: Tensor
    weights: Tensor
    fit: Tensor


@dataclass(frozen=True, eq=False)
class BlendTable:
    """The training images, ready for the pair fit.

    rows: (n, c·900) unit windows of the filtered training images.  norms: (n,) of the windows before scaling.
    white: (32, 17), the filter.
    """

    rows: Tensor
    norms: Tensor
    white: Tensor

    def __len__(self) -> int:
        return len(self.rows)

    @torch.no_grad()
    def __call__(self, x: Tensor, without: Tensor | None = None) -> BlendFound:
        """Fit pairs to samples x (b, c, 32, 32) in [0, 1].

        without: (b, n) True where a training image must not be matched with a sample: itself and its duplicates.
        Raises InputError for samples unlike the training images, NaN, or a mask of another shape.
        """
        check_queries(x, self.rows.shape[1] // 900, without, len(self))
        queries, length = _prepared(x.float(), self.white)
        score, index = largest(correlations(self.rows, queries), CANDIDATES, without)
        visible = length >= _BLANK * math.sqrt(queries.shape[1])
        present = (score > -torch.inf) & visible[:, None]
        parts = zip(*(chunked(part, _GROUP) for part in (queries, index, present)), strict=True)
        fitted = [self._pairs(*part) for part in parts]
        pair, together = (torch.cat(part) for part in zip(*fitted, strict=True))
        return _judged(pair, together, self.norms[index], index, present)

    def _pairs(self, queries: Tensor, index: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """Find the best pair of every sample.

        Returns the positions (b, 2) of the pair among the candidates, −1 where no pair counts, and the correlations (b, 3, k) of
        all candidates with the sample and with the two images of the pair.
        """
        k = index.shape[1]
        wrapped = self._together(queries, index)
        norms = self.norms[index]
        inverse = torch.where(present & (norms > 0), 1 / norms, 0)
        pair = _best_pair(wrapped, torch.cat([inverse, inverse[:, : k // 2]], 1))
        rows = torch.cat([torch.full_like(pair[:, :1], k), pair.clamp_min(0)], 1)
        return pair, wrapped[:, :, :k].take_along_dim(rows[:, :, None], 1)

    def _together(self, queries: Tensor, index: Tensor) -> Tensor:
        """Correlate the candidates, and the sample as the last row, with the candidates: (b, k + 1, k + k // 2).

        The first k // 2 columns are repeated at the end.  Every sample has a product of its own, whose shape does not depend on
        the number of samples: the score is sensitive to the last digits, and must not depend on the batch.
        """
        k = index.shape[1]
        products = queries.new_empty(len(index), k + 1, k + k // 2)
        rows = queries.new_empty(k + 1, queries.shape[1])
        for query, chosen, result in zip(queries, index, products, strict=True):
            torch.index_select(self.rows, 0, chosen, out=rows[:k])
            rows[k] = query
            result[:, :k] = matmul_t(rows, rows[:k])
            result[:, k:] = result[:, : k // 2]
        return products


@torch.no_grad()
def blend_table(train: Tensor, spaces: Spaces) -> BlendTable:
    """Prepare the table of training images (n, c, 32, 32) in [0, 1].

    Raises InputError for another shape, NaN or infinity.
    """
    rows, norms = prepared(train, lambda part: _prepared(part, spaces.white))
    return BlendTable(rows, norms, spaces.white)


def _prepared(x: Tensor, white: Tensor) -> tuple[Tensor, Tensor]:
    """Return unit windows (b, c·900) of x (b, c, 32, 32) in space `white`, and the norms (b,) of the windows before scaling."""
    window = filtered(x, white)[:, :, 1:31, 1:31]
    norms = torch.linalg.vector_norm(window - window.mean((1, 2, 3), keepdim=True), dim=(1, 2, 3))
    return unit(window), norms


def _best_pair(wrapped: Tensor, inverse: Tensor) -> Tensor:
    """Find the pair of largest R² among the pairs of k candidates that count: positions (b, 2), −1 where no pair counts.

    wrapped: (b, k + 1, k + h) as `_together` makes it, h = k // 2.  inverse: (b, k + h) 1/‖x_j‖, or 0 for a candidate that
    does not exist.  In the tensors below, row i and column s are the pair (i, i + 1 + s) mod k.  So every pair occurs once
    (twice at the largest distance if k is even) in views of whole rows, without masks or indices, which would take most of the
    time.
    """
    k, h = wrapped.shape[1] - 1, wrapped.shape[2] - wrapped.shape[1] + 1
    if not h:
        return torch.full((len(wrapped), 2), -1, dtype=torch.int64, device=wrapped.device)
    g = wrapped[:, :k].unfold(2, h, 1).diagonal(1, 1, 2).mT
    (c_a, c_b), (norm_a, norm_b) = _partners(wrapped[:, k], h), _partners(inverse, h)
    own = torch.addcmul(c_a, g, c_b, value=-1)  # (1 − g²) α
    other = torch.addcmul(c_b, g, c_a, value=-1)  # (1 − g²) β
    fit = (own * c_a).addcmul_(other, c_b)
    fit /= torch.addcmul(g.new_ones(()), g, g, value=-1).clamp_min_(_FREE)
    own *= norm_a
    other *= norm_b
    # A positive margin says that the pair counts: both differences are positive for positive weights only.
    margin = torch.sub(own, other, alpha=_LIGHTEST).minimum(torch.sub(other, own, alpha=_LIGHTEST))
    fit = torch.minimum(fit, margin.minimum(_ALIKE - g).mul_(1e30))
    apart = fit.amax(1).argmax(1)
    best, first = fit.take_along_dim(apart[:, None, None], 2)[:, :, 0].max(1)
    pair = torch.stack([first, (first + 1 + apart) % k], 1).sort(1).values
    return torch.where(best[:, None] > 0, pair, -1)


def _partners(values: Tensor, h: int) -> tuple[Tensor, Tensor]:
    """Return the values (b, k + h) of the first (b, k, 1) and of the second (b, k, h) image of the pairs (i, i + 1 + s)."""
    return values[:, : values.shape[1] - h, None], values.unfold(1, h, 1)[:, 1:]


def _judged(pair: Tensor, together: Tensor, norms: Tensor, index: Tensor, present: Tensor) -> BlendFound:
    """Compute score, sources, weights and fit of the best pairs.

    pair: (b, 2) positions among the candidates, −1 where no pair counts.  together: (b, 3, k) correlations of all candidates
    with the sample and with the two images of the pair.  norms, index, present: (b, k) of the candidates, nearest first.
    """
    counts = pair[:, 0] >= 0
    pair = pair.clamp_min(0)
    c, rows = together[:, 0], together[:, 1:]
    between, of_pair = rows[:, 0].gather(1, pair[:, 1:]), c.gather(1, pair)
    share = (of_pair - between * of_pair.flip(1)) / (1 - between.square()).clamp_min(_FREE)  # α, β
    fit = (share * of_pair).sum(1)
    score, sure = _score(c, (share[:, :, None] * rows).sum(1), fit, present, pair)
    weight = share / norms.gather(1, pair)
    counts &= sure
    return BlendFound(
        torch.where(counts, score, NOTHING),
        torch.where(counts[:, None], index.gather(1, pair), -1),
        torch.where(counts[:, None], weight / weight.sum(1, keepdim=True), 0),
        torch.where(counts, fit.clamp_max(1), 0),
    )


def _score(c: Tensor, predicted: Tensor, fit: Tensor, present: Tensor, pair: Tensor) -> tuple[Tensor, Tensor]:
    """Compute the score (b,), and whether there were other images to compare the pair with, (b,).

    c: (b, k), nearest first.  predicted: (b, k) α g_aj + β g_bj.  fit: (b,) R².  pair: (b, 2) positions of a and b.
    """
    crowd, in_crowd = 1 - c[:, _CROWD].square(), present[:, _CROWD]
    far = (crowd * in_crowd).sum(1) / in_crowd.sum(1).clamp_min(1)
    others = present.scatter(1, pair, False)
    gap = ((c - predicted).abs() * others).sum(1)
    span = ((fit.clamp_min(_NEAREST).sqrt()[:, None] - predicted).abs() * others).sum(1)
    near = (1 - fit).clamp_min(_NEAREST) / far.clamp_min(_NEAREST)
    return -near.log() - (gap / span.clamp_min(_SPREAD) + _FLOOR).log(), in_crowd.any(1)
