"""Searches of one part of a reference that comes in parts; the tables of all parts merge into that of the whole.

Nearest neighbors.  The distances of `numerics.neighbors` are recomputed in float64 by direct subtraction, so that the
distance of a query and a row does not depend on what else is searched; and the k nearest of the whole lie among the k
nearest of the parts.  The merged table therefore equals the one of a single search over all rows bit for bit; of rows at exactly one distance
those of smallest index are kept.  (A single search of more than k + 2 rows in exact ties may name others of them.)

Shortlists of the copy test.  The candidates of a part are those of `copying.shortlist`.  Their correlations are float32
products: the same for every order of the parts and every worker, and equal to those of one table to rounding (1e-6).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from byheart._checks import InputError
from byheart.metrics.copying.shortlist import CANDIDATES, shortlist_table
from byheart.metrics.copying.spaces import Spaces
from byheart.numerics.neighbors import Neighbors, nearest
from byheart.numerics.topk import Rows, TopK, best, empty, merge

__all__ = ["neighbors_of", "shard_shortlist", "shard_table"]

_PIECE = 8192  # images made ready at a time: bytes become four times as many as floats


def shard_table(queries: Tensor, batches: Iterable[Rows], *, k: int = 2) -> TopK:
    """The k nearest of the rows that stream by, one batch in memory at a time: distances float64, indices the rows' ids.

    queries: (q, *shape).  batches: ids (b,) and rows (b, *shape), as stored: bring queries to the same units.
    Raises InputError as `nearest` does, and for bytes on one side and floats on the other.
    """
    table = empty(len(queries), k)
    for ids, rows in batches:
        _check_units(queries, rows)
        found = nearest(queries, rows, min(k, len(rows)))
        table = merge(table, best(found.distance.cpu(), ids[found.index.cpu()], k))
    return table


@torch.no_grad()
def shard_shortlist(
    queries: Tensor, batches: Iterable[Rows], *, found: Spaces, k: int = CANDIDATES, at_once: int = 16
) -> TopK:
    """The k images of largest correlation over all poses, of the images that stream by.

    queries: (q, c, 32, 32) float32 in [0, 1].  batches: ids (b,) and images (b, c, 32, 32), the same or uint8.
    found: the spaces of the whole set.  at_once: queries whose correlations with a batch are held at a time.
    """
    table = empty(len(queries), k, largest=True, dtype=torch.float32)
    for ids, images in _pieces(batches):
        # Bytes become the floats that the readers of images make of them.
        against = shortlist_table(images.float() / 255 if images.dtype == torch.uint8 else images, found)
        parts = [against(some, k=k) for some in torch.split(queries, at_once)]
        value, index = (torch.cat(part) for part in zip(*parts, strict=True))
        table = merge(table, best(value, ids[index], k, largest=True))
    return table


def _pieces(batches: Iterable[Rows]) -> Iterator[Rows]:
    for ids, rows in batches:
        yield from zip(torch.split(ids, _PIECE), torch.split(rows, _PIECE), strict=True)


def neighbors_of(table: TopK) -> Neighbors:
    """A table of smallest distances as the neighbor table that metrics take.

    Raises InputError for a table of largest values, or where fewer than k rows were searched.
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
            remedy="give the queries as the shards were written: bytes 0 … 255, or floats in the same range",
        )
