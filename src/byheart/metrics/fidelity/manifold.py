"""Precision, recall, density and coverage: balls around every point represent the manifold.

With rₖ(x) the distance from x to its k-th nearest neighbor among the other points of its own set, real points
xᵢ (n) and samples gⱼ (m), and all comparisons strict:

    precision  share of samples in the ball r₃ of some real point        Kynkäänniemi et al. 2019, 1904.06991
    recall     share of real points in the ball r₃ of some sample
    density    mean over samples of (number of balls r₅ of real points around the sample) / 5   Naeem et al. 2020, 2002.09797
    coverage   share of real points with a sample in their ball r₅

If samples and real points are exchangeable (and no distances tie), the null is exact for any distribution:

    E[density] = 1,    E[coverage] = 1 − Πᵢ₌₁ᵏ (n − i)/(n + m − i)    →  1 − 2⁻ᵏ at n = m.

Precision and recall have no such null: compare them with the precision and recall of real images in place of the samples.

Every comparison is decided exactly.  The float32 product of [x, 1, −‖x‖²/2] and [y, −‖y‖²/2, 1] is −‖x − y‖²/2 up to the
error bound of numerics/neighbors.  Distances within that bound of a radius are measured again in float64 by subtraction.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor
from torch.nn import functional

from byheart._checks import InputError, check_alike, check_finite
from byheart.numerics.intervals import Interval, Proportion, mean_interval, proportion
from byheart.numerics.neighbors import nearest
from byheart.numerics.products import matmul_t

__all__ = ["Manifold", "coverage_null", "prdc"]

_TILE = 1024  # rows on each side of a product: 4 MB of squared distances
_LARGEST = 1e18
_PAIRS = 512  # pairs measured in float64 at a time, few enough to stay in the cache


@dataclass(frozen=True)
class Manifold:
    """The four measures.  An interval is over the samples (precision, density) or the real points (recall), the other set fixed.

    coverage: has no interval, because its balls depend on each other.
    coverage_null: the expected coverage if the samples were real images.
    """

    precision: Proportion
    recall: Proportion
    density: Interval
    coverage: float
    coverage_null: float


@torch.no_grad()
def prdc(samples: Tensor, real: Tensor, *, k: int = 3, k_density: int = 5) -> Manifold:
    """Compute the four measures of samples (m, *shape) against real points (n, *shape).

    k: neighbor that sets the radius for precision and recall.  k_density: the same for density and coverage.
    Apart from one float32 copy of each set, memory does not grow with n·m.
    Raises InputError unless both sets have one shape, finite values, and more rows than k and k_density.
    """
    _check(samples, real, k, k_density)
    device = "cpu" if real.device.type == "mps" else real.device
    x, y = real.flatten(1).to(device), samples.flatten(1).to(device)
    center = x[:: max(1, len(x) // 4096)].double().mean(0)
    of_real, of_samples = _points("the real points", x, center), _points("samples", y, center)
    inner, outer = _radii(of_real, (k, k_density))
    (own,) = _radii(of_samples, (k,))
    hit, counts = torch.zeros_like(own, dtype=torch.bool), torch.zeros_like(own, dtype=torch.int64)
    recalled, covered = torch.zeros_like(inner, dtype=torch.bool), torch.zeros_like(inner, dtype=torch.bool)
    for i, j, distance in _near(of_real, of_samples, inner, outer, own):
        hit[j[distance < inner[i]]] = True
        recalled[i[distance < own[j]]] = True
        around = distance < outer[i]
        covered[i[around]] = True
        counts += j[around].bincount(minlength=len(y))
    return Manifold(
        precision=proportion(int(hit.sum()), len(y)),
        recall=proportion(int(recalled.sum()), len(x)),
        density=mean_interval((counts.double() / k_density).tolist()),
        coverage=float(covered.double().mean()),
        coverage_null=coverage_null(len(x), len(y), k_density),
    )


def coverage_null(n: int, m: int, k: int = 5) -> float:
    """Compute the expected coverage of n real points by m points of the same distribution: 1 − Πᵢ₌₁ᵏ (n − i)/(n + m − i).

    The product is the probability that the k nearest of the n + m − 1 other points are all real, so that the point is not
    covered.  Raises InputError unless 1 ≤ k < n and m ≥ 1.
    """
    if not (1 <= k < n and m >= 1):
        raise InputError(
            got=f"{n} real points, {m} samples and k = {k}",
            need="1 <= k < number of real points, and at least one sample",
            remedy="choose a smaller k or give more points",
        )
    return 1 - prod((n - i) / (n + m - i) for i in range(1, k + 1))


def _check(samples: Tensor, real: Tensor, k: int, k_density: int) -> None:
    check_alike({"samples": samples, "real points": real}, 0, remedy="bring both through the same features")
    if min(k, k_density) < 1 or min(len(samples), len(real)) <= max(k, k_density):
        raise InputError(
            got=f"{len(samples)} samples and {len(real)} real points with k = {k} and {k_density}",
            need="k >= 1, and more rows than k in both sets",
            remedy="draw more samples, hold out more images, or choose a smaller k",
        )


_Pairs = tuple[Tensor, Tensor, Tensor]


@dataclass(frozen=True)
class _Points:
    """A set ready for products.

    rows: (n, d), unchanged.  wide: (n, d + 2) float32, [x − c, 1, −‖x − c‖²/2].  norm: (n,) ‖x − c‖, float64.
    """

    rows: Tensor
    wide: Tensor
    norm: Tensor

    def left(self, part: slice) -> Tensor:
        return self.wide[part]

    def right(self, part: slice) -> Tensor:
        return torch.cat([self.wide[part, :-2], self.wide[part, -1:], self.wide[part, -2:-1]], 1)

    def tiles(self, first: int = 0) -> Iterator[slice]:
        return _slices(len(self.rows), _TILE, first)


def _points(name: str, rows: Tensor, center: Tensor) -> _Points:
    wide = torch.ones(len(rows), rows.shape[1] + 2, dtype=torch.float32, device=rows.device)
    norm = torch.empty(len(rows), dtype=torch.float64, device=rows.device)
    for part in _slices(len(rows), _TILE):
        centered = rows[part].double() - center
        norm[part] = torch.linalg.vector_norm(centered, dim=1)
        wide[part, :-2] = centered
        wide[part, -1] = norm[part].square() / -2
    if not float(norm.max()) < _LARGEST:  # written so that NaN fails, too
        check_finite(name, rows)
        raise InputError(
            got=f"features as far as {float(norm.max()):.3g} from their mean",
            need=f"distances below {_LARGEST:.0e}, whose squares fit float32",
            remedy="divide all sets by one constant; these measures do not depend on it",
        )
    return _Points(rows, wide, norm)


def _slack(points: _Points, others: _Points, rows: slice, columns: slice) -> Tensor:
    """Bound the error of a float32 product −‖x − y‖²/2 of each of the rows, (b,), with any of the columns."""
    bits, width = torch.finfo(torch.float32), points.wide.shape[1]
    reach = points.norm[rows] + others.norm[columns].amax()
    return (width + 16) * (bits.eps / 4 * reach.square() + bits.tiny)


def _radii(points: _Points, ks: tuple[int, ...]) -> tuple[Tensor, ...]:
    """Compute the distance of every point to its k-th nearest other point, (n,) float64, for every k.

    Half of the products are enough: −‖x − y‖²/2 serves both its row and its column.  The k-th score belongs to the k-th
    neighbor if the scores before and after it differ from it by more than twice the slack; then only that distance is
    measured.  For other points all candidates are measured.  Where the candidates leave doubt (ties, inaccurate products),
    `nearest` searches again.
    """
    count, k = len(points.rows), max(ks)
    score = points.wide.new_full((count, min(k + 3, count)), -torch.inf)
    best = _Best(score, torch.zeros_like(score, dtype=torch.int64))
    for rows in points.tiles():
        best.add(rows, matmul_t(points.left(rows), points.right(rows)).fill_diagonal_(-torch.inf), rows.start)
    for rows in points.tiles():
        for columns in points.tiles(rows.stop):
            best.add_both(rows, columns, matmul_t(points.left(rows), points.right(columns)))
    slack, radii = _slack(points, points, slice(None), slice(None)), points.norm.new_empty(len(ks), count)
    sure = _lone(points, best, ks, slack, radii)
    sure[~sure] = _measured(points, best, ks, slack, radii, (~sure).nonzero()[:, 0])
    if len(unsure := (~sure).nonzero()[:, 0]):
        # Every point is its own nearest neighbor, at 0.
        distances = nearest(points.rows[unsure], points.rows, k + 1).distance
        radii[:, unsure] = distances[:, list(ks)].T
    return tuple(radii)


def _lone(points: _Points, best: _Best, ks: tuple[int, ...], slack: Tensor, radii: Tensor) -> Tensor:
    """Write the radii (k, n) of points whose k-th score stands apart from its neighbors; return where that holds, (n,)."""
    apart = best.score.double().diff(dim=1).neg() > 2 * slack[:, None]
    sure, own = slack.isfinite(), torch.arange(len(slack), device=slack.device)
    for row, k in enumerate(ks):
        radii[row] = _distances(points.rows, points.rows, own, best.index[:, k - 1])
        honest = (best.score[:, k - 1] + radii[row].square() / 2).abs() <= slack
        sure &= honest & apart[:, max(0, k - 2) : k].all(1)
    return sure


def _measured(
    points: _Points, best: _Best, ks: tuple[int, ...], slack: Tensor, radii: Tensor, where: Tensor
) -> Tensor:
    """Write the radii of the points `where` (b,), from all their candidates; return where no other point can be nearer, (b,)."""
    score, index, slack = best.score[where], best.index[where], slack[where]
    own = where.repeat_interleave(index.shape[1])
    exact = _distances(points.rows, points.rows, own, index.flatten()).view_as(index)
    honest = (score + exact.square() / 2).abs().amax(1) <= slack
    nearest_first = exact.sort(1).values
    for row, k in enumerate(ks):
        radii[row, where] = nearest_first[:, k - 1]
    reach = nearest_first[:, max(ks) - 1].square()
    return honest & ((reach <= -2 * (score[:, -1] + slack)) | (reach == 0))


@dataclass(frozen=True)
class _Best:
    """The largest scores so far of every point, (n, width) in falling order, and the index behind each; updated in place."""

    score: Tensor
    index: Tensor

    def add(self, rows: slice, score: Tensor, index: int | Tensor) -> None:
        """Add candidates to the rows (b,).  score: (b, c).  index: (b, c), or the index of the first column."""
        best, where = score.topk(min(self.score.shape[1], score.shape[1]))
        indices = where + index if isinstance(index, int) else index.gather(1, where)
        self.score[rows], kept = torch.cat([self.score[rows], best], 1).topk(self.score.shape[1])
        self.index[rows] = torch.cat([self.index[rows], indices], 1).gather(1, kept)

    def add_both(self, rows: slice, columns: slice, product: Tensor) -> None:
        """Add a product off the diagonal to its rows and to its columns; few values exceed the scores that are kept."""
        least, least_j = self.score[rows, -1], self.score[columns, -1]
        i, j = _true(product > least[:, None], product > least_j)
        score = product[i, j]
        self.add(rows, *_gathered(i, j + columns.start, score, least))
        order = j.argsort(stable=True)
        self.add(columns, *_gathered(j[order], i[order] + rows.start, score[order], least_j))


def _gathered(row: Tensor, index: Tensor, score: Tensor, above: Tensor) -> tuple[Tensor, Tensor]:
    """Arrange pairs sorted by row as tables (b, most pairs of any row) of score and index, leaving out scores ≤ above (b,)."""
    kept = score > above[row]
    row, index, score = row[kept], index[kept], score[kept]
    counts = row.bincount(minlength=len(above))
    column = torch.arange(len(row), device=row.device) - (counts.cumsum(0) - counts)[row]
    scores = score.new_full((len(above), max(1, int(counts.max()))), -torch.inf)
    indices = torch.zeros_like(scores, dtype=torch.int64)
    scores[row, column], indices[row, column] = score, index
    return scores, indices


def _true(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Return row and column of every true value of the union of two masks (b, c), row by row.

    True values are few, so whole words of eight values are skipped at once.
    """
    union = functional.pad(first.logical_or_(second), (0, -first.shape[1] % 8))
    row, word = union.view(torch.int64).nonzero(as_tuple=True)
    where, byte = union.view(len(union), -1, 8)[row, word].nonzero(as_tuple=True)
    return row[where], word[where] * 8 + byte


def _near(real: _Points, samples: _Points, radius: Tensor, outer: Tensor, own: Tensor) -> Iterator[_Pairs]:
    """Yield all pairs nearer than radius[i], outer[i] or own[j], and some other pairs; the distance settles every comparison.

    The distance is exact where the float32 value could not decide one of the three comparisons.
    """
    for columns in samples.tiles():
        for rows in real.tiles():
            slack, slack_j = _slack(real, samples, rows, columns), _slack(samples, real, columns, rows)
            product = matmul_t(real.left(rows), samples.right(columns))
            floor = _floor(torch.maximum(radius, outer)[rows], slack)
            i, j = _true(product > floor[:, None], product > _floor(own[columns], slack_j))
            score, reach, reach_j = product[i, j].double(), slack[i], slack_j[j]
            i, j = i + rows.start, j + columns.start
            distance = (-2 * score).clamp_min(0).sqrt()
            close = [(score + r.square() / 2).abs() <= reach for r in (radius[i], outer[i])]
            unsure = torch.stack([*close, (score + own[j].square() / 2).abs() <= reach_j]).any(0)
            distance[unsure] = _distances(real.rows, samples.rows, i[unsure], j[unsure])
            yield i, j, distance


def _floor(radius: Tensor, slack: Tensor) -> Tensor:
    """Return the float32 score above which a distance may be below the radius; a ball of radius 0 holds nothing."""
    return torch.where(radius > 0, radius.square() / -2 - slack, torch.inf).float()


def _distances(x: Tensor, y: Tensor, i: Tensor, j: Tensor) -> Tensor:
    """Measure ‖xᵢ − yⱼ‖ by direct subtraction in float64, for pairs i, j (p,)."""
    result = torch.empty(len(i), dtype=torch.float64, device=x.device)
    for part in _slices(len(i), _PAIRS):
        gap = x[i[part]].double().sub_(y[j[part]])
        torch.linalg.vector_norm(gap, dim=1, out=result[part])
    return result


def _slices(count: int, size: int, first: int = 0) -> Iterator[slice]:
    for start in range(first, count, size):
        yield slice(start, min(start + size, count))
