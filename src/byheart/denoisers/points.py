"""The softmax over points that the closed forms share: logits −‖x − μₖ‖²/2v, summed over chunks of points.

Points are read as they are stored (float64, float32, bytes; in memory or mapped from a file) and converted a chunk at
a time.  ‖x − μ‖² is expanded, so that two matrix products do the work.  Where the expansion has lost digits that matter,
the leading points of a row are computed again by subtraction, in float64; if more points share the row's weight, the whole
row is computed again.

The expansion errs by eps · ‖x‖²/v, which grows with the distance of the data from 0 and not with their spread.  Points whose
mean is OFF_CENTER times as far from 0 as they spread are therefore shifted by their mean, and x with them: ‖x − μ‖ is the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from byheart.numerics.softmax import LOG_TINY, Leading, differentiated, product, start_leading, start_running

__all__ = ["Points"]

CANDIDATES = 16
"""Leading points of a row that may be computed again by subtraction."""

COARSE = 1e-3
"""Smallest error of a logit, eps · ‖x‖² / v, at which a row is computed again."""

FAR = 1e8
"""Length of x over that of the longest point, beyond which ‖x − μₖ‖² in float64 is one number for all points."""

OFF_CENTER = 10.0
"""‖mean‖ over the root of the mean of ‖μₖ − mean‖², beyond which the squares have two digits more than their differences."""

ROWS = 32  # rows computed again at a time: their candidates are ROWS · CANDIDATES · d float64


@dataclass(frozen=True, eq=False)
class Points:
    """Points μₖ, as stored.

    stored: (k, *shape), floating point or uint8; the points must not change in place afterwards.  chunk: points at a time.
    In the methods, log_weights are (k,), or (b, k) for weights of each row; None takes equal weights of 1.
    """

    stored: Tensor
    chunk: int

    @property
    def half_squares(self) -> Tensor:
        """Return ‖μₖ‖² / 2: (k,) float64."""
        return self._half_squares_and_sum[0]

    @cached_property
    def center(self) -> Tensor | None:
        """Return what is subtracted from the points: their mean, (d,) float64, if the mean is far from 0, else None."""
        halves, total = self._half_squares_and_sum
        mean = (total / len(halves)).float().double()  # float32: the same number in either precision
        far = float(mean.square().sum())
        spread = float(2 * halves.mean()) - far  # mean of ‖μ‖² less ‖mean‖²
        return mean if math.isfinite(far) and far > OFF_CENTER**2 * spread else None

    @cached_property
    def _half_squares_and_sum(self) -> tuple[Tensor, Tensor]:
        """Compute ‖μₖ‖² / 2 (k,) and Σ μₖ (d,), both float64, in one pass, because the points may lie in a file."""
        halves, sums = zip(
            *((chunk.square().sum(1) / 2, chunk.sum(0)) for chunk in self._chunks()), strict=True
        )
        return torch.cat(halves), torch.stack(sums).sum(0)

    @cached_property
    def _own_half_squares(self) -> Tensor:
        """Compute ‖μₖ − center‖² / 2: (k,) float64."""
        if self.center is None:
            return self.half_squares
        return torch.cat([(chunk - self.center).square().sum(1) / 2 for chunk in self._chunks()])

    def _chunks(self) -> Iterator[Tensor]:
        """Yield the points as they are stored, a chunk at a time: (c, d) float64."""
        for chunk in torch.split(self.stored.detach(), self.chunk):
            yield chunk.flatten(1).double()

    def logits(
        self, rows: Tensor, variance: Tensor, log_weights: Tensor | None
    ) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Yield the start of each chunk, its points (c, d), and their log wₖ − ‖x − μₖ‖²/2v + ‖x‖²/2v (b, c).

        rows: x, (b, d), with the center subtracted, like the points.  variance: v, () or (b, 1).
        """
        for start in range(0, len(self.stored), self.chunk):
            part = slice(start, start + self.chunk)
            means = self._means(self.stored[part], rows)
            logits = product(rows, means, -self._half_squares(part, means)) / variance
            yield start, means, logits if log_weights is None else logits + log_weights[..., part].to(rows)

    def sums(self, rows: Tensor, variance: Tensor, log_weights: Tensor | None) -> tuple[Tensor, Tensor]:
        """Compute Σ rₖ μₖ as (b, d), and log Σ wₖ exp(−‖x − μₖ‖²/2v) as (b, 1) float64.

        rows: x, (b, d).  variance: v, () or (b, 1).
        """
        if self.center is None:
            return self._sums(rows, variance, log_weights)
        mean, log_sum = self._sums(rows - self.center.to(rows), variance, log_weights)
        return (mean.double() + self.center.to(mean.device)).to(mean), log_sum

    def weights(self, rows: Tensor, variance: Tensor, log_weights: Tensor | None) -> tuple[Tensor, Tensor]:
        """Compute rₖ, all at once, as (b, k), and the log sum of `sums`, as (b, 1) float64.  Shapes as in `sums`."""
        if self.center is None:
            return self._weights(rows, variance, log_weights)
        return self._weights(rows - self.center.to(rows), variance, log_weights)

    def _sums(self, rows: Tensor, variance: Tensor, log_weights: Tensor | None) -> tuple[Tensor, Tensor]:
        """Compute `sums` for rows with the center subtracted; the mean has the center subtracted, too."""
        running, leading = start_running(rows), start_leading(rows)
        error = self._error(rows, variance, log_weights)
        for start, means, logits in self.logits(rows, variance, log_weights):
            if error is not None:
                leading = leading.add(logits, start, CANDIDATES)
            running = running.add(logits, means)
        mean, log_sum = running.mean, running.log_sum.double() - _length(rows, variance)
        if error is not None:
            whole, rest = self._coarse(rows, leading, error)
            for again in self._again(rows, variance, log_weights, leading, _near(leading, error), whole):
                mean[again.rows] = (again.logits.softmax(1)[:, None] @ again.centers).squeeze(1).to(mean)
                log_sum[again.rows] = again.logits.logsumexp(1, keepdim=True)
            if len(rest):
                wide = self._sums(*_in_float64(rest, rows, variance, log_weights))
                mean[rest], log_sum[rest] = wide[0].to(mean), wide[1]
        return mean, log_sum

    def _weights(self, rows: Tensor, variance: Tensor, log_weights: Tensor | None) -> tuple[Tensor, Tensor]:
        """Compute `weights` for rows with the center subtracted."""
        logits = torch.cat([part for _, _, part in self.logits(rows, variance, log_weights)], 1)
        weights, error = logits.softmax(1), self._error(rows, variance, log_weights)
        log_sum = logits.logsumexp(1, keepdim=True).double() - _length(rows, variance)
        if error is not None:
            leading = start_leading(rows).add(logits, 0, CANDIDATES)
            whole, rest = self._coarse(rows, leading, error)
            for again in self._again(rows, variance, log_weights, leading, _near(leading, error), whole):
                none = torch.zeros_like(weights[again.rows])
                weights[again.rows] = none.scatter_(1, again.columns, again.logits.softmax(1).to(weights))
                log_sum[again.rows] = again.logits.logsumexp(1, keepdim=True)
            if len(rest):
                wide = self._weights(*_in_float64(rest, rows, variance, log_weights))
                weights[rest], log_sum[rest] = wide[0].to(weights), wide[1]
        return weights, log_sum

    def _means(self, stored: Tensor, rows: Tensor) -> Tensor:
        """Return stored points (c, *shape) with the center subtracted, in the type of rows: (c, d)."""
        flat = stored.flatten(1)
        if self.center is None:
            return flat.to(rows)
        wide = torch.promote_types(
            flat.dtype, rows.dtype
        )  # the center is subtracted before digits are dropped
        return (flat.to(rows.device, wide) - self.center.to(rows.device, wide)).to(rows)

    def _half_squares(self, part: slice, means: Tensor) -> Tensor:
        # Learned points move, and their squares are differentiated.
        return (
            means.square().sum(1) / 2 if self.stored.requires_grad else self._own_half_squares[part].to(means)
        )

    def _error(self, rows: Tensor, variance: Tensor, log_weights: Tensor | None) -> Tensor | None:
        """Compute the error of every row's logits (b, 1), if any is above COARSE; None under differentiation."""
        if differentiated(rows, variance, self.stored, log_weights):
            return None
        error = torch.finfo(rows.dtype).eps * rows.square().sum(1, keepdim=True) / variance
        return error if bool((error > COARSE).any()) else None

    def _coarse(self, rows: Tensor, leading: Leading, error: Tensor) -> tuple[Tensor, Tensor]:
        """Return the coarse rows whose whole weight lies on their candidates, and, in float32 only, all other coarse rows.

        The other rows are those whose weight more points share, and those for which subtraction is no better, or whose leading logit
        is not finite.
        """
        coarse = (error > COARSE).squeeze(1)
        whole = ~_near(leading, error)[:, -1]
        if leading.logits.shape[1] == len(self.stored):
            whole = torch.ones_like(whole)
        longest = (2 * self._own_half_squares.max()).sqrt().to(rows.device)
        whole &= (rows.double().square().sum(1).sqrt() <= FAR * longest) & leading.logits[:, 0].isfinite()
        rest = coarse & ~whole
        if leading.logits.dtype == torch.float64:
            rest = torch.zeros_like(rest)
        return (coarse & whole).nonzero()[:, 0], rest.nonzero()[:, 0]

    def _again(
        self,
        rows: Tensor,
        variance: Tensor,
        log_weights: Tensor | None,
        leading: Leading,
        near: Tensor,
        whole: Tensor,
    ) -> Iterator[_Again]:
        """Compute again, in float64 by subtraction, the points that may carry the weight of the rows in `whole`, a few rows at a time."""
        for start in range(0, len(whole), ROWS):
            chosen = whole[start : start + ROWS]
            columns = leading.columns[chosen, : int(near[chosen].sum(1).max())]
            centers = self.stored[columns.to(self.stored.device)].flatten(2).double()
            centers = centers if self.center is None else centers - self.center
            level = (variance if variance.ndim == 0 else variance[chosen]).double()
            logits = (centers - rows[chosen].double()[:, None]).square().sum(2) / (-2 * level)
            if log_weights is not None:
                own = (
                    log_weights[columns] if log_weights.ndim == 1 else log_weights[chosen].gather(1, columns)
                )
                logits = logits + own.double()
            yield _Again(chosen, columns, centers, logits)


class _Again(NamedTuple):
    """Some rows computed again.

    rows: (m,).  columns: (m, c) of the candidates.  centers: (m, c, d).  logits: log wₖ − ‖x − μₖ‖²/2v (m, c).
    """

    rows: Tensor
    columns: Tensor
    centers: Tensor
    logits: Tensor


def _length(rows: Tensor, variance: Tensor) -> Tensor:
    """Compute ‖x‖²/2v, which the logits leave out: (b, 1) float64."""
    return rows.double().square().sum(1, keepdim=True) / (2 * variance.double())


def _near(leading: Leading, error: Tensor) -> Tensor:
    """Mark the leading points that may have weight, (b, m), given the error of two logits and the rounding of a long sum."""
    return leading.logits[:, :1] - leading.logits <= 4 * error - LOG_TINY


def _in_float64(
    chosen: Tensor, rows: Tensor, variance: Tensor, log_weights: Tensor | None
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Return the chosen rows of all three arguments, in float64."""
    level = variance if variance.ndim == 0 else variance[chosen]
    own = log_weights if log_weights is None or log_weights.ndim == 1 else log_weights[chosen]
    return rows[chosen].double(), level.double(), None if own is None else own.double()
