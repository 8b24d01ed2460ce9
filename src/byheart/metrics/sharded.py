"""Searches in one part of a reference that is stored in parts; the tables of all parts merge into the table of the whole.

Nearest neighbors.  The distances of `numerics.neighbors` are recomputed in float64 by direct subtraction, so that the
distance of a query and a row does not depend on what else is searched.  The k nearest rows of the whole lie among the k
nearest rows of the parts.  The merged table therefore equals the table of a single search over all rows bit for bit; of
rows at exactly one distance those of smallest index are kept.  (A single search of more than k + 2 rows in exact ties may
name other rows among the ties.)

Shortlists of the copy test.  The candidates of a part are those of `copying.shortlist`.  Their correlations are float32
products: the same for every order of the parts and every worker, and equal to those of one table up to rounding (1e-6).

Equal rows are found by digests.  Nearly equal images are found by their correlation in the space `soft`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from byheart._checks import InputError
from byheart.metrics.copying.classical.duplicates import Hash, digests, near_duplicates
from byheart.metrics.copying.shortlist import CANDIDATES, shortlist_table
from byheart.metrics.copying.spaces import Spaces, exact_rows
from byheart.numerics.neighbors import Neighbors, nearest
from byheart.numerics.products import matmul_t
from byheart.numerics.topk import MISSING, Rows, TopK, best, empty, merge

__all__ = [
    "as_floats",
    "float_table",
    "neighbors_of",
    "shard_alike",
    "shard_equal",
    "shard_hashed",
    "shard_shortlist",
    "shard_table",
]

_PIECE = 8192  # images prepared at a time: as floats, images take four times their bytes
_ALIKE = 2048  # images whose correlations with all queries are held at a time


def shard_table(queries: Tensor, batches: Iterable[Rows], *, k: int = 2) -> TopK:
    """Find the k nearest of the rows in a stream, one batch in memory at a time.

    queries: (q, *shape).  batches: ids (b,) and rows (b, *shape), as stored; the queries must have the same units.
    Returns distances in float64, and the rows' ids as indices.
    Raises InputError as `nearest` does, and for bytes on one side and floats on the other.
    """
    table = empty(len(queries), k)
    for ids, rows in batches:
        _check_units(queries, rows)
        neighbors = nearest(queries, rows, min(k, len(rows)))
        table = merge(table, best(neighbors.distance.cpu(), ids[neighbors.index.cpu()], k))
    return table


@torch.no_grad()
def shard_shortlist(
    queries: Tensor, batches: Iterable[Rows], *, found: Spaces, k: int = CANDIDATES, at_once: int = 16
) -> TopK:
    """Find the k images of largest correlation over all poses, among the images in a stream.

    queries: (q, c, 32, 32) float32 in [0, 1].  batches: ids (b,) and images (b, c, 32, 32), float32 in [0, 1] or uint8.
    found: the spaces of the whole set.  at_once: number of queries whose correlations with a batch are held at a time.
    """
    table = empty(len(queries), k, largest=True, dtype=torch.float32)
    for ids, images in _pieces(batches):
        against = shortlist_table(as_floats(images), found)
        parts = [against(group, k=k) for group in torch.split(queries, at_once)]
        value, index = (torch.cat(part) for part in zip(*parts, strict=True))
        table = merge(table, best(value, ids[index], k, largest=True))
    return table


def as_floats(rows: Tensor) -> Tensor:
    """Convert stored rows to the units in which sets are read: features (b, d) as float32, images (b, c, h, w) in [0, 1].

    Raises InputError for images of floats outside [0, 1].
    """
    if rows.ndim == 2:
        return rows.float()
    if rows.dtype == torch.uint8:
        return rows.float() / 255  # as the readers of images do
    if rows.numel() and not bool(((rows >= 0) & (rows <= 1)).all()):
        raise InputError(
            got=f"stored images with values from {float(rows.min()):g} to {float(rows.max()):g}",
            need="bytes from 0 to 255, or floats from 0 to 1",
            remedy="write the shards again, best as bytes",
        )
    return rows.float()


def float_table(queries: Tensor, batches: Iterable[Rows], *, k: int = 2) -> TopK:
    """Apply `shard_table` to rows converted by `as_floats`.  queries: (q, *shape) float32, in the same units."""
    return shard_table(queries, _floats(batches), k=k)


def shard_equal(queries: Tensor, batches: Iterable[Rows]) -> TopK:
    """Find the first row that equals each query in every value.

    queries: (q, *shape) float32.  batches: ids (b,), ascending, and rows (b, *shape), compared `as_floats`.
    Returns a table with one column: the value 0 and the row's id, or infinity and MISSING if no row equals the query.
    """
    wanted: dict[bytes, list[int]] = {}
    for query, digest in enumerate(digests(queries)):
        wanted.setdefault(digest, []).append(query)
    index = torch.full((len(queries), 1), MISSING, dtype=torch.int64)
    for ids, rows in _floats(batches):
        for row, digest in zip(ids.tolist(), digests(rows), strict=True):
            for query in wanted.pop(digest, ()):
                index[query] = row
    value = torch.zeros(index.shape, dtype=torch.float64).masked_fill(index == MISSING, torch.inf)
    return TopK(value, index)


def shard_hashed(queries: Tensor, batches: Iterable[Rows], *, kind: Hash) -> TopK:
    """Find the image whose hash differs in the fewest bits from the hash of each query or of the query's mirror image.

    queries: (q, c, 32, 32) in [0, 1].  batches: ids (b,) and images (b, c, 32, 32), compared `as_floats`.
    Returns a table with one column: the number of differing bits and the image's id.
    """
    table = empty(len(queries), 1)
    for ids, images in _floats(batches):
        matches = near_duplicates(queries, images, kind)
        table = merge(table, best(matches.distance.double()[:, None], ids[matches.index][:, None], 1))
    return table


@torch.no_grad()
def shard_alike(
    queries: Tensor,
    batches: Iterable[Rows],
    *,
    soft: Tensor,
    above: float,
    own: Tensor | None = None,
    k: int = 1,
) -> TopK:
    """Find the k images that correlate most with each query, among those above a correlation, best first.

    queries: (q, c, 32, 32) in [0, 1].  batches: ids (b,) and images (b, c, 32, 32), compared `as_floats` in the space
    whose response is `soft`, with exactly unit norms.  above: images must correlate more than this.
    own: (q,) ids of the queries themselves; only later ids count.
    """
    rows = exact_rows(queries, soft)
    table = empty(len(queries), k, largest=True, dtype=torch.float32)
    for ids, images in _floats(batches):
        for part, numbers in zip(torch.split(images, _ALIKE), torch.split(ids, _ALIKE), strict=True):
            alike = matmul_t(rows, exact_rows(part, soft))
            alike.masked_fill_(alike <= above, -torch.inf)
            if own is not None:
                alike.masked_fill_(numbers <= own[:, None], -torch.inf)
            value, column = alike.topk(min(k, len(part)), dim=1)
            index = numbers[column].masked_fill(value == -torch.inf, MISSING)
            table = merge(table, best(value, index, k, largest=True))
    return table


def _floats(batches: Iterable[Rows]) -> Iterator[Rows]:
    for ids, rows in batches:
        pieces = [(ids, rows)] if rows.ndim == 2 else _pieces([(ids, rows)])
        yield from ((numbers, as_floats(part)) for numbers, part in pieces)


def _pieces(batches: Iterable[Rows]) -> Iterator[Rows]:
    for ids, rows in batches:
        yield from zip(torch.split(ids, _PIECE), torch.split(rows, _PIECE), strict=True)


def neighbors_of(table: TopK) -> Neighbors:
    """Return a table of smallest distances as the neighbor table that metrics take.

    Raises InputError for a table of largest values, or if fewer than k rows were searched.
    """
    if table.largest or not table.full:
        raise InputError(
            got="a table of largest values" if table.largest else f"fewer than {table.k} rows in all parts",
            need="the k smallest distances of every query",
            remedy="search for distances" if table.largest else "choose a smaller k",
        )
    return Neighbors(table.value, table.index)


def _check_units(queries: Tensor, rows: Tensor) -> None:
    if queries.is_floating_point() != rows.is_floating_point():
        raise InputError(
            got=f"queries of {queries.dtype} and rows of {rows.dtype}",
            need="both bytes, or both floats, in the same units",
            remedy="give the queries in the units of the shards: bytes 0 … 255, or floats in the same range",
        )
