"""The k best rows of parts, merged into the k best rows of the whole: how tables of shards become one table.

A table holds, for each query, the k best of some set of rows: of distances the smallest, of correlations the
largest, in the total order

    row a before row b   if a's value is better, or equal and a's index smaller.

If a row occurs more than once (in two shards, or under several poses), its best value counts.  Then

    merge(A, B) = the k best of A and B together

is associative, commutative and idempotent, with `empty` as its unit: the rows of A among the k best of the union lie
among the k best of A, since every row that A left out has k better rows in A alone.  Shards may therefore be searched in any
order, in any grouping, by any worker, and a shard that was searched twice counts once: the table is the same, bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor

from byheart._checks import InputError

__all__ = ["MISSING", "Rows", "TopK", "best", "empty", "merge", "merged", "without"]

Rows = tuple[Tensor, Tensor]
"""Some rows of a set that comes in parts: the rows' indices in the whole (b,) int64, and the rows (b, *shape)."""

MISSING = -1  # the index where there is no row
_LAST = torch.iinfo(torch.int64).max  # stands for MISSING in the order of indices


@dataclass(frozen=True)
class TopK:
    """The k best rows of q queries, best first; ties in order of the index.

    value: (q, k), floating point.  index: (q, k) int64, rows of the whole set.  largest: whether large values are good.
    If fewer than k rows were searched, the last entries hold index −1 and the worst value, ∞ (−∞ if largest).
    Raises InputError for other shapes or types, and for a NaN or an infinity where there is a row.
    """

    value: Tensor
    index: Tensor
    largest: bool = False

    def __post_init__(self) -> None:
        _check(self.value, self.index)
        _check_finite(self.value, self.index, self.worst)

    @property
    def k(self) -> int:
        """Return the number of entries per query."""
        return self.value.shape[1]

    @property
    def worst(self) -> float:
        """Return the value of an entry without a row."""
        return _worst(self.largest)

    @property
    def full(self) -> bool:
        """Say whether every entry has a row."""
        return bool((self.index != MISSING).all())


def empty(queries: int, k: int, *, largest: bool = False, dtype: torch.dtype = torch.float64) -> TopK:
    """Return the table over no rows, the unit of `merge`: (queries, k) entries without a row."""
    index = torch.full((queries, k), MISSING, dtype=torch.int64)
    return TopK(torch.full((queries, k), _worst(largest), dtype=dtype), index, largest)


def best(value: Tensor, index: Tensor, k: int, *, largest: bool = False) -> TopK:
    """Return the k best of m candidates per query.

    value: (q, m), floating point.  index: (q, m) int64, the candidates' rows; −1 where there is no candidate, with the value ±∞.
    Raises InputError for k < 1, other shapes or types, and for a NaN or an infinity where there is a row.
    """
    _check(value, index)
    _check_finite(
        value, index, _worst(largest)
    )  # checked first, since sorting puts NaN last and would leave it out
    if k < 1:
        raise InputError(got=f"k = {k}", need="k >= 1", remedy="keep at least one row for each query")
    toward = -value if largest else value  # small is good
    toward, order = toward.sort(dim=1, stable=True)
    rows = index.gather(1, order)
    rows, order = rows.where(rows != MISSING, _LAST).sort(dim=1, stable=True)
    toward = toward.gather(1, order)  # by row, the best value of each row first
    again = torch.zeros_like(rows, dtype=torch.bool)
    again[:, 1:] = (rows[:, 1:] == rows[:, :-1]) & (rows[:, 1:] != _LAST)
    toward, rows = toward.masked_fill(again, torch.inf), rows.masked_fill(again, _LAST)
    toward, order = toward.sort(dim=1, stable=True)
    toward, rows = _wide(toward[:, :k], k, torch.inf), _wide(rows.gather(1, order)[:, :k], k, _LAST)
    return TopK(-toward if largest else toward, rows.where(rows != _LAST, MISSING), largest)


def merge(a: TopK, b: TopK) -> TopK:
    """Return the table over the rows of a and b.  Raises InputError for tables of different queries, k, type or direction."""
    if _kind(a) != _kind(b):
        raise InputError(
            got=f"tables of (queries, k, type, largest) {_kind(a)} and {_kind(b)}",
            need="tables of the same search: same queries, k, type and direction",
            remedy="search every part with the same queries and the same settings",
        )
    value, index = torch.cat([a.value, b.value], 1), torch.cat([a.index, b.index], 1)
    return best(value, index, a.k, largest=a.largest)


def merged(tables: Iterable[TopK]) -> TopK:
    """Return the table over the rows of all tables, read one at a time.

    Raises InputError if there is no table, or as `merge` does.
    """
    stream = iter(tables)
    first = next(stream, None)
    if first is None:
        raise InputError(got="no tables", need="at least one", remedy="start from `empty(queries, k)`")
    return reduce(merge, stream, first)


def without(table: TopK, own: Tensor) -> TopK:
    """Return the table with row own[i] left out for query i (leave-one-out): (q, k − 1), exact.

    own: (q,) int64, the queries' own rows.  Raises InputError for another shape, or k < 2.
    """
    if own.shape != table.index.shape[:1] or own.dtype != torch.int64 or table.k < 2:
        raise InputError(
            got=f"own rows {tuple(own.shape)} {own.dtype} for a table of shape {tuple(table.index.shape)}",
            need="one int64 row for each query, and k >= 2",
            remedy="search with one more neighbor, and name every query's own row",
        )
    # A stable sort moves the own row, or else the last one, past the end.
    kept = (table.index == own[:, None]).to(torch.uint8).argsort(dim=1, stable=True)[:, :-1]
    return TopK(table.value.gather(1, kept), table.index.gather(1, kept), table.largest)


def _worst(largest: bool) -> float:
    return -torch.inf if largest else torch.inf


def _check_finite(value: Tensor, index: Tensor, worst: float) -> None:
    """Raise InputError unless values are finite where there is a row, and the worst one where there is none."""
    present = index != MISSING
    if not torch.equal(present, value.isfinite()) or bool((value[~present] != worst).any()):
        raise InputError(
            got="values that are NaN or infinite where there is a row, or finite where there is none",
            need=f"finite values, and {worst} exactly where the index is {MISSING}",
            remedy="look for NaN and overflow in what the values were computed from",
        )


def _kind(table: TopK) -> tuple[int, int, str, bool]:
    return len(table.value), table.k, str(table.value.dtype).removeprefix("torch."), table.largest


def _wide(x: Tensor, k: int, fill: float) -> Tensor:
    if x.shape[1] == k:
        return x
    return torch.cat([x, x.new_full((len(x), k - x.shape[1]), fill)], 1)


def _check(value: Tensor, index: Tensor) -> None:
    fits = value.ndim == 2 and value.shape == index.shape
    if not fits or not value.is_floating_point() or index.dtype != torch.int64:
        raise InputError(
            got=f"values {tuple(value.shape)} {value.dtype}, indices {tuple(index.shape)} {index.dtype}",
            need="floating-point values and int64 indices of one shape (q, k)",
            remedy="give every value the index of its row",
        )
