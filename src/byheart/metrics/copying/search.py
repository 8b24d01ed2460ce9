"""The k training images of highest correlation with each query, exactly, streamed over the training set.

Correlations are computed for a chunk of training images at a time, (chunk, q): it is faster with the large matrix in front
and the few queries behind, and the reduction below then reads whole cache lines.  The k largest values of a column lie in
the k blocks of largest maxima, however the blocks are chosen.  Block i of m holds the images i, i + m, i + 2m, …, so that
the maxima are taken over whole rows.  With blocks of √(chunk/k) both selections are from about √(k·chunk) values.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor

from byheart._checks import InputError, check_finite
from byheart.metrics.copying.spaces import check_images
from byheart.numerics.products import matmul_t

__all__ = ["check_queries", "chunked", "compared", "correlations", "largest", "prepared"]

# Correlations at a time: 8 MB.  Selecting from many small parts takes longer than leaving the cache.
_TILE = 2**21
_CHUNK = 4096  # training images prepared at a time, and fewest correlated at a time


def chunked(rows: Tensor, size: int = _CHUNK) -> Iterator[Tensor]:
    """Split rows (n, …) into equal parts of at most `size`."""
    parts = -(-len(rows) // size)
    step = -(-len(rows) // parts)
    return (rows[start : start + step] for start in range(0, len(rows), step))


def prepared(train: Tensor, rows: Callable[[Tensor], tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Return both tables that `rows` makes of training images (n, c, 32, 32), computed from a part of the images at a time.

    Raises InputError for another shape, NaN or infinity.
    """
    check_images("train", train)
    check_finite("train", train)
    first, second = zip(*(rows(part.float()) for part in chunked(train)), strict=True)
    return torch.cat(first), torch.cat(second)


def correlations(rows: Tensor, queries: Tensor) -> Iterator[Tensor]:
    """Yield rows · queriesᵀ, a part (·, q) of the rows at a time.  rows: (n, d).  queries: (q, d)."""
    return (matmul_t(part, queries) for part in chunked(rows, max(_CHUNK, _TILE // len(queries))))


def largest(chunks: Iterable[Tensor], k: int, without: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Find the k largest values of every column and their rows, best first: (q, k) each, k at most the number of rows.

    chunks: (·, q), together (n, q).  without: (q, n) True where a row must not be chosen.
    If fewer than k rows may be chosen, the values end in −inf, with meaningless rows.
    """
    best: list[tuple[Tensor, Tensor]] = []
    start = 0
    for chunk in chunks:
        if without is not None:
            chunk = chunk.masked_fill(without[:, start : start + len(chunk)].T, -torch.inf)
        value, place = _largest(chunk, min(k, len(chunk)))
        best.append((value, place + start))
        if len(best) > 1:  # merged at once, so that memory does not grow with n
            best = [_merged(best, k)]
        start += len(chunk)
    return best[0]


def compared(rows: Tensor, index: Tensor, queries: Tensor) -> Tensor:
    """Correlate every query's chosen rows with the query and with the first chosen row: (q, 2, k).

    rows: (n, d).  index: (q, k).  queries: (q, d).  Every query has a product of its own, whose shape does not depend on the
    number of queries: the statistics are sensitive to the last digits, and must not depend on the batch.
    """
    chosen = rows.index_select(0, index.flatten()).view(*index.shape, -1)
    return torch.bmm(torch.stack([queries, chosen[:, 0]], 1), chosen.transpose(1, 2))


def check_queries(x: Tensor, channels: int, without: Tensor | None, n: int) -> None:
    """Raise InputError unless x is (b, channels, 32, 32) of finite numbers and `without` None or (b, n) of bool."""
    check_images("samples", x)
    if x.shape[1] != channels:
        raise InputError(
            got=f"samples of {x.shape[1]} channels",
            need=f"{channels} channels, like the training images",
            remedy="convert both to the same number of channels",
        )
    check_finite("samples", x)
    if without is not None and (without.shape != (len(x), n) or without.dtype != torch.bool):
        raise InputError(
            got=f"without of shape {tuple(without.shape)} and type {without.dtype}",
            need=f"({len(x)}, {n}) of torch.bool: True where a training image must not be matched with a sample",
            remedy="give one row for each sample and one column for each training image",
        )


def _merged(parts: list[tuple[Tensor, Tensor]], k: int) -> tuple[Tensor, Tensor]:
    values, places = (torch.cat(part, 1) for part in zip(*parts, strict=True))
    value, order = values.topk(min(k, values.shape[1]), dim=1)
    return value, places.gather(1, order)


def _largest(scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Find the k largest values of every column of scores (c, q) and their rows, best first: (q, k) each."""
    depth = math.isqrt(len(scores) // k)
    if depth < 2:
        return scores.T.topk(k, dim=1)
    blocks = len(scores) // depth
    whole = blocks * depth
    maxima = scores[:whole].view(depth, blocks, -1).amax(0)
    chosen = maxima.T.topk(k, dim=1, sorted=False).indices
    members = torch.arange(0, whole, blocks, device=scores.device)
    rest = torch.arange(whole, len(scores), device=scores.device).expand(len(chosen), -1)
    rows = torch.cat([(chosen[:, :, None] + members).flatten(1), rest], 1)
    value, order = scores.T.gather(1, rows).topk(k, dim=1)
    return value, rows.gather(1, order)
