"""The softmax over points that the closed forms share: logits −‖x − μₖ‖²/2v, summed over chunks of points.

Points are read as they are stored (float64, float32, bytes; in memory or mapped from a file) and converted a chunk at
a time.  ‖x − μ‖² is expanded, so that two matrix products do the work; where the expansion has lost digits that matter,
the leading points of a row are taken again by subtraction, in float64.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from byheart.numerics.softmax import LOG_TINY, Leading, product, start_leading, start_running

__all__ = ["Points"]

CANDIDATES = 16
"""Points of a row that are taken again by subtraction."""

COARSE = 1e-3
"""Error of a logit from which on they are: eps · ‖x‖² / v."""

ROWS = 32  # taken again at a time: their candidates are ROWS · CANDIDATES · d float64


@dataclass(frozen=True, eq=False)
class Points:
    """Points μₖ, as stored.

    stored: (k, *shape), floating point or uint8; it must not change in place afterwards.  chunk: points at a time.
    log_weights below: (k,), or (b, k) for weights of each row; None is equal weights of 1.
    """

    stored: Tensor
    chunk: int

    @cached_property
    def half_squares(self) -> Tensor:
        """‖μₖ‖² / 2: (k,) float64."""
        chunks = torch.split(self.stored.detach(), self.chunk)
        return torch.cat([chunk.flatten(1).double().square().sum(1) / 2 for chunk in chunks])

    def logits(
        self, rows: Tensor, variance: Tensor, log_weights: Tensor | None
    ) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Where a chunk starts, its points (c, d), and their log wₖ − ‖x − μₖ‖²/2v + ‖x‖²/2v (b, c), chunk by chunk.

        rows: (b, d).  variance: v, () or (b, 1).
        """
        for start in range(0, len(self.stored), self.chunk):
            part = slice(start, start + self.chunk)
            means = self.stored[part].flatten(1).to(rows)
            logits = product(rows, means, -self._half_squares(part, means)) / variance
            yield start, means, logits if log_weights is None else logits + log_weights[..., part].to(rows)

    def sums(self, rows: Tensor, variance: Tensor, log_weights: Tensor | None) -> tuple[Tensor, Tensor]:
        """Σ rₖ μₖ as (b, d), and log Σ wₖ exp(−‖x − μₖ‖²/2v) as (b, 1) float64.  Shapes as in `logits`."""
        running, leading = start_running(rows), start_leading(rows)
        error = self._error(rows, variance)
        for start, means, logits in self.logits(rows, variance, log_weights):
            if error is not None:
                leading = leading.add(logits, start, CANDIDATES)
            running = running.add(logits, means)
        mean = running.mean
        log_sum = running.log_sum.double() - rows.double().square().sum(1, keepdim=True) / (
            2 * variance.double()
        )
        if error is not None:
            for again in self._taken_again(leading, error):
                centers, exact = self._differences(rows, variance, log_weights, *again)
                mean[again.rows] = (exact.softmax(1)[:, None] @ centers).squeeze(1).to(mean)
                log_sum[again.rows] = exact.logsumexp(1, keepdim=True)
        return mean, log_sum

    def weights(self, rows: Tensor, variance: Tensor, log_weights: Tensor | None) -> Tensor:
        """rₖ, the softmax of the logits: (b, k).  Shapes as in `logits`."""
        found = torch.cat([logits for _, _, logits in self.logits(rows, variance, log_weights)], 1)
        weights, error = found.softmax(1), self._error(rows, variance)
        if error is not None:
            for again in self._taken_again(start_leading(rows).add(found, 0, CANDIDATES), error):
                _, exact = self._differences(rows, variance, log_weights, *again)
                none = torch.zeros_like(weights[again.rows])
                weights[again.rows] = none.scatter_(1, again.columns, exact.softmax(1).to(weights))
        return weights

    def squared_distances(self, rows: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
        """Points (b, m, d) of the columns (b, m), and ‖x − μ‖² (b, m) by subtraction, in float64."""
        centers = self.stored[columns.to(self.stored.device)].flatten(2).double()
        return centers, (centers - rows.double()[:, None]).square().sum(2)

    def _half_squares(self, part: slice, means: Tensor) -> Tensor:
        # Learned points move, and their squares are differentiated.
        return means.square().sum(1) / 2 if self.stored.requires_grad else self.half_squares[part].to(means)

    def _error(self, rows: Tensor, variance: Tensor) -> Tensor | None:
        """The error of every row's logits (b, 1), if any is above COARSE; None where somebody may differentiate."""
        if torch.is_grad_enabled():
            return None
        error = torch.finfo(rows.dtype).eps * rows.square().sum(1, keepdim=True) / variance
        return error if bool((error > COARSE).any()) else None

    def _taken_again(self, leading: Leading, error: Tensor) -> Iterator[_Again]:
        """The coarse rows whose whole weight lies on their candidates, with those that may carry it."""
        gap = leading.logits[:, :1] - leading.logits
        near = gap <= 4 * error - LOG_TINY  # two logits, and the rounding of a long sum
        whole = ~near[:, -1] if leading.logits.shape[1] < len(self.stored) else torch.ones_like(near[:, -1])
        coarse = ((error > COARSE).squeeze(1) & whole).nonzero()[:, 0]
        for start in range(0, len(coarse), ROWS):
            chosen = coarse[start : start + ROWS]
            width = int(near[chosen].sum(1).max())
            yield _Again(chosen, leading.columns[chosen, :width])

    def _differences(
        self, rows: Tensor, variance: Tensor, log_weights: Tensor | None, chosen: Tensor, columns: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Candidates (m, c, d) of the chosen rows and their log wₖ − ‖x − μₖ‖²/2v (m, c), in float64."""
        level = (variance if variance.ndim == 0 else variance[chosen]).double()
        centers, apart = self.squared_distances(rows[chosen], columns)
        logits = -apart / (2 * level)
        if log_weights is None:
            return centers, logits
        own = log_weights[columns] if log_weights.ndim == 1 else log_weights[chosen].gather(1, columns)
        return centers, logits + own.double()


class _Again(NamedTuple):
    """Rows (m,) and their candidates' columns (m, c)."""

    rows: Tensor
    columns: Tensor
