"""Exact nearest neighbors in two stages: float32 products find candidates, float64 differences measure them.

For query x and reference row r, both centered by any common c,

    ‖x − r‖² = ‖x − c‖² − 2 t(x, r),    t(x, r) = (x − c)·(r − c) − ‖r − c‖² / 2,

so the nearest rows have the largest t.  Stage one computes s ≈ t as one product, with the norms as one more
column, and keeps the rows of the k + 8 largest s.  Stage two recomputes their distances in float64 by direct subtraction:
exact copies get exactly 0, where the expanded square leaves up to 0.02 between identical images.

Why the result is exact.  A product of length d in arithmetic of unit roundoff u errs by at most

    |s − t| ≤ slack = (d + 16) u R (‖x − c‖ + R),    R = max ‖r − c‖,

in whatever order the product is summed (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1).
A row that is no candidate has s ≤ the last candidate's, hence ‖x − r‖² ≥ ‖x − c‖² − 2 (last s + slack).
If the k-th measured distance is below that bound, no nearer row was missed.  A few queries fail this test (near ties), and so
do queries whose candidates show a larger error than the slack (arithmetic coarser than float32).  They are searched again
with k + 32 candidates, and those that still fail with float64 products, which order all but ties at rounding level.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from byheart._checks import InputError, check_finite
from byheart.numerics.products import matmul_t

__all__ = ["Neighbors", "nearest"]

_RUNGS = ((torch.float32, 8), (torch.float32, 32), (torch.float64, 2))  # precision, candidates beyond k
_QUERIES = 16384  # queries converted at a time
_MEASURED = 128  # queries measured in float64 at a time
_TILE = 1024  # queries per product; with 4,096 references 16 MB of scores, searched while still in the cache
_BLOCK = 64  # scores whose maximum is taken together


@dataclass(frozen=True)
class Neighbors:
    """The k nearest reference rows of q queries, nearest first; ties in order of the index.

    distance: (q, k) float64, Euclidean.  index: (q, k) int64, rows of the reference.
    """

    distance: Tensor
    index: Tensor

    @property
    def ratio(self) -> Tensor:
        """Return d₁/d₂ of every query, (q,), in [0, 1]: small where one reference row is copied.

        0/0 gives 1: two identical copies in the reference make the ratio blind.  Raises InputError if k < 2.
        """
        if self.distance.shape[1] < 2:
            raise InputError(got="neighbors with k = 1", need="k >= 2", remedy="search with nearest(…, k=2)")
        first, second = self.distance[:, 0], self.distance[:, 1]
        return torch.where(second == 0, 1.0, first / second)  # NaN distances give NaN


@torch.no_grad()
def nearest(
    queries: Tensor, reference: Tensor, k: int = 2, *, exclude_self: bool = False, chunk: int = 4096
) -> Neighbors:
    """Find the k nearest reference rows of every query, exactly.

    queries: (q, *shape).  reference: (n, *shape).  Both may be of any real type (uint8, float32, float64, …), because rows are
    converted a chunk at a time.  exclude_self: queries are rows 0 … q − 1 of the reference, and no row is its own neighbor
    (leave-one-out).  chunk: reference rows per product; the result does not depend on it.
    The search runs on the reference's device, or on the CPU if that device has no float64; the result is on the queries' device.

    Raises InputError for shapes that differ, fewer than k reference rows to choose from, NaN or infinity.
    """
    _check(queries, reference, k, exclude_self)
    device = "cpu" if reference.device.type == "mps" else reference.device
    x, points = queries.flatten(1).to(device), reference.flatten(1).to(device)
    own = (
        torch.arange(len(x), device=device)
        if exclude_self
        else torch.full((len(x),), -1, dtype=torch.int64, device=device)
    )
    sample = points[:: max(1, len(points) // 4096)].double().mean(0)
    # Any center is correct, and a center near the mean is best.  In float32 the center is exact in both precisions.
    against = _Reference(points, sample.float().nan_to_num(0.0, 0.0, 0.0), max(chunk, 1))
    blocks = [_search(x[rows], own[rows], against, k) for rows in _slices(len(x), _QUERIES)]
    distance, index = (torch.cat(part).to(queries.device) for part in zip(*blocks, strict=True))
    return Neighbors(distance, index)


def _check(queries: Tensor, reference: Tensor, k: int, exclude_self: bool) -> None:
    if queries.ndim < 2 or queries.shape[1:] != reference.shape[1:]:
        raise InputError(
            got=f"queries {tuple(queries.shape)} and reference {tuple(reference.shape)}",
            need="rows of one and the same shape, (q, *shape) and (n, *shape)",
            remedy="convert both to the same size and number of channels",
        )
    if exclude_self and len(queries) > len(reference):
        raise InputError(
            got=f"{len(queries)} queries and {len(reference)} reference rows with exclude_self",
            need="queries that are the first rows of the reference",
            remedy="pass the reference, or its first rows, as queries",
        )
    if not 1 <= k <= len(reference) - exclude_self:
        raise InputError(
            got=f"k = {k} with {len(reference) - exclude_self} reference rows to choose from",
            need="1 <= k <= number of reference rows",
            remedy="choose a smaller k or give more reference rows",
        )
    if queries.is_floating_point():
        # The reference is checked only where a norm is not finite, because checking every value takes long.
        check_finite("queries", queries)


@dataclass(frozen=True)
class _Reference:
    """The reference rows of a search.

    points: (n, d), unchanged.  center: (d,) float32.  chunk: rows converted at a time.
    """

    points: Tensor
    center: Tensor
    chunk: int

    def centered(self, rows: Tensor, precision: torch.dtype, room: int = 0) -> Tensor:
        """Return rows − center in `precision`, (b, d + room), with `room` empty columns at the end."""
        wide = torch.promote_types(rows.dtype, precision)
        result = rows.new_empty(len(rows), rows.shape[1] + room, dtype=precision)
        torch.sub(rows.to(wide), self.center.to(wide), out=result[:, : rows.shape[1]])
        return result

    def chunks(self, precision: torch.dtype) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Yield (first index, rows (c, d + 1) ready to be scored, their norms (c,)) for all rows in order."""
        for part in _slices(len(self.points), self.chunk):
            rows = self.centered(self.points[part], precision, room=1)
            norms = torch.linalg.vector_norm(rows[:, :-1], dim=1)
            # As one more column the norms cost nothing; as the bias of `addmm` the norms would be copied to every row.
            rows[:, -1] = norms.square() / -2
            yield part.start, rows, norms


def _search(x: Tensor, own: Tensor, reference: _Reference, k: int) -> tuple[Tensor, Tensor]:
    """Return distances and indices, (b, k) each, for queries x (b, d).  own: (b,) the row to leave out, or −1."""
    distance = torch.empty(len(x), k, dtype=torch.float64, device=x.device)
    index = torch.empty_like(distance, dtype=torch.int64)
    unsure = torch.arange(len(x), device=x.device)
    for precision, spare in _RUNGS:
        rows, width = x[unsure], min(k + spare, len(reference.points))
        scores, candidates, slack = _candidates(rows, own[unsure], reference, width, precision)
        exact = _distances(rows, reference.points, candidates).masked_fill(scores == -torch.inf, torch.inf)
        best, order = exact.sort(dim=1, stable=True)
        distance[unsure], index[unsure] = best[:, :k], candidates.gather(1, order[:, :k])
        norm = torch.cat(
            [
                reference.centered(rows[part], torch.float64).square().sum(1)
                for part in _slices(len(rows), _MEASURED)
            ]
        )
        unsure = unsure[~_certain(norm, exact, best[:, k - 1], scores, slack)]
        if not len(unsure) or width == len(reference.points):
            break
    return distance, index


def _certain(norm: Tensor, exact: Tensor, kth: Tensor, scores: Tensor, slack: Tensor) -> Tensor:
    """Say whether, by the bound above, no row outside the candidates can be nearer than the k-th measured one: (b,) bool.

    norm: (b,) ‖x − c‖².  exact: (b, c) distances.  kth: (b,).  scores: (b, c).  slack: (b,).
    """
    error = (
        (scores - (norm[:, None] - exact.square()) / 2).abs().nan_to_num(0.0)
    )  # NaN for a row that is left out
    honest = slack.isfinite() & (error.amax(1) <= slack)
    floor = norm - 2 * (scores.amin(1) + slack)
    return honest & ((kth.square() <= floor) | (kth == 0))


def _candidates(
    x: Tensor, own: Tensor, reference: _Reference, width: int, precision: torch.dtype
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the best scores (b, width) in float64, their rows (b, width) in order of the index, and the slack (b,)."""
    x = reference.centered(x, precision, room=1)
    x[:, -1] = 1
    scores = x.new_full((len(x), width), -torch.inf)
    index = torch.zeros_like(scores, dtype=torch.int64)
    radius = x.new_zeros(())
    for start, chunk, norms in reference.chunks(precision):
        radius = torch.maximum(radius, norms.amax())
        for tile in _slices(len(x), _TILE):
            product = matmul_t(x[tile], chunk)
            _leave_out(own[tile] - start, product)
            rows, best, where = _top(product, width, above=scores[tile, -1])
            rows = rows + tile.start
            indices = torch.cat([index[rows], where + start], 1)
            scores[rows], kept = torch.cat([scores[rows], best], 1).topk(width)
            index[rows] = indices.gather(1, kept)
    if not radius.isfinite() and reference.points.is_floating_point():
        check_finite(
            "reference", reference.points
        )  # if finite, the squares overflowed, and float64 searches again
    norm = torch.linalg.vector_norm(x[:, :-1], dim=1).double()
    return *_in_order(scores.double(), index, len(reference.points)), _slack(norm, radius.double(), x)


def _slack(norm: Tensor, radius: Tensor, x: Tensor) -> Tensor:
    """Bound the error of a score, (b,).  norm: (b,) of the queries.  radius: () of the reference."""
    bits = torch.finfo(x.dtype)  # tiny allows for products of small numbers that underflow
    return (x.shape[1] + 16) * (bits.eps / 2 * radius * (norm + radius) + bits.tiny)


def _leave_out(column: Tensor, scores: Tensor) -> None:
    """Exclude column[i] from row i of the scores, if the scores have such a column."""
    row = ((column >= 0) & (column < scores.shape[1])).nonzero()[:, 0]
    scores[row, column[row]] = -torch.inf


def _in_order(scores: Tensor, index: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Sort scores and indices of each row by the index, so that ties of the distance keep the order of the index."""
    # Indices past the end are padding, chosen only if all scores overflowed; float64 then searches again.
    index, order = index.clamp(max=count - 1).sort(dim=1)
    return scores.gather(1, order), index


def _top(scores: Tensor, width: int, above: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the rows (r,) with a score over above (b,), the `width` largest scores (r, width) of each, and their columns.

    Where block maxima are cheaper, they are taken first.  The result is exact: the largest `width` scores of a row lie in the
    `width` blocks of largest maxima.  Most rows of a later chunk have no better score and cost only their maxima.
    """
    count = scores.shape[1]
    if 4 * width * _BLOCK > count:
        return torch.arange(len(scores), device=scores.device), *scores.topk(min(width, count))
    if count % _BLOCK:
        scores = functional.pad(scores, (0, -count % _BLOCK), value=-torch.inf)
    blocks = scores.view(-1, _BLOCK)
    maxima = blocks.amax(1).view(len(scores), -1)
    rows = (maxima.amax(1) > above).nonzero()[:, 0]
    chosen = maxima[rows].topk(width).indices
    inside = blocks.index_select(0, (chosen + rows[:, None] * maxima.shape[1]).flatten())
    best, where = inside.view(len(rows), width * _BLOCK).topk(width)
    return rows, best, chosen.gather(1, where // _BLOCK) * _BLOCK + where % _BLOCK


def _distances(x: Tensor, points: Tensor, index: Tensor) -> Tensor:
    """Measure ‖x − points[index]‖ by direct subtraction in float64.  x: (b, d).  index: (b, c).  Returns (b, c)."""
    result = torch.empty(index.shape, dtype=torch.float64, device=x.device)
    for part in _slices(len(x), _MEASURED):
        rows = x[part].double()
        for column, chosen in enumerate(index[part].T):
            gap = points[chosen].double().sub_(rows)
            result[part, column] = torch.linalg.vector_norm(gap, dim=1)
    return result


def _slices(count: int, size: int) -> list[slice]:
    return [slice(start, min(start + size, count)) for start in range(0, max(count, 1), size)]
