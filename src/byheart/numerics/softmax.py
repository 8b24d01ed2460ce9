"""A softmax over columns in chunks, and the mean that it weighs: Σ exp(l) v / Σ exp(l), in the memory of one chunk.

The largest logit so far is carried along (as in flash attention), so that nothing overflows.  Two rules save work without
changing a float32 digit:

    TINY_WEIGHT      relative weights below e⁻⁸⁰ are set to 0: denormal numbers slow products down twentyfold on some processors
    SPARSE_WEIGHT    if fewer than half of a chunk's columns weigh more than SPARSE_WEIGHT in any row, only those columns are
                     multiplied.  The others hold at most columns · SPARSE_WEIGHT of the mass, less than the rounding error.
                     This rule depends on the values, so it does not apply under differentiation.

A row with a NaN, with a logit of +∞, or with −∞ in all columns of its first chunk, has the mass NaN, hence the mean NaN.  Such a
row has no part in the choice of columns, so that the other rows are what they would be without it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import threshold

from byheart.numerics.products import matmul_t

__all__ = [
    "LOG_TINY",
    "SPARSE_WEIGHT",
    "TINY_WEIGHT",
    "Leading",
    "Running",
    "differentiated",
    "exponentials",
    "product",
    "start_leading",
    "start_running",
]

LOG_TINY = -80.0
TINY_WEIGHT = math.exp(LOG_TINY)

SPARSE_WEIGHT = {torch.float32: math.exp(-30), torch.float64: math.exp(-50)}
"""Precision -> weight, so small that a million columns together weigh less than 1e-7 or 2e-16."""

_WORTH_GATHERING = 0.5  # share of the columns; copying a column costs a third of multiplying it for 64 rows


@dataclass(frozen=True)
class Running:
    """The sums over the columns so far, relative to exp(peak).

    peak: (b, 1), the largest logit.  mass: (b, 1), Σ exp(l − peak).  moment: (b, d), Σ exp(l − peak) v.
    """

    peak: Tensor
    mass: Tensor
    moment: Tensor

    def add(self, logits: Tensor, values: Tensor) -> Running:
        """Return the sums with more columns.  logits: (b, c), overwritten unless they are differentiated.  values: (c, d)."""
        peak = torch.maximum(self.peak, logits.detach().amax(1, keepdim=True))
        weights = exponentials(logits, peak)
        shrink, mass = (self.peak - peak).exp(), weights.sum(1, keepdim=True)
        return Running(
            peak,
            self.mass * shrink + mass,
            self.moment * shrink + _weighted(weights, mass, values),
        )

    @property
    def mean(self) -> Tensor:
        """Return Σ exp(l) v / Σ exp(l): (b, d)."""
        return self.moment / self.mass

    @property
    def log_sum(self) -> Tensor:
        """Return log Σ exp(l): (b, 1)."""
        return self.peak + self.mass.log()


@dataclass(frozen=True)
class Leading:
    """The largest logits so far, in decreasing order, and their columns.  logits, columns: (b, m)."""

    logits: Tensor
    columns: Tensor

    def add(self, logits: Tensor, start: int, count: int) -> Leading:
        """Return the `count` largest logits with more columns, the first of which has the number `start`.  logits: (b, c)."""
        best = logits.topk(min(count, logits.shape[1]), 1)
        values = torch.cat([self.logits, best.values], 1)
        columns = torch.cat([self.columns, best.indices + start], 1)
        kept = values.topk(min(count, values.shape[1]), 1)
        return Leading(kept.values, columns.gather(1, kept.indices))


def exponentials(logits: Tensor, peak: Tensor) -> Tensor:
    """Compute exp(l − peak), 0 below e⁻⁸⁰.  peak: broadcasts.  logits: overwritten unless they are differentiated."""
    plain = not differentiated(logits)
    # Clamped, because exponentials that underflow take ten times as long.
    weights = logits.sub_(peak).clamp_(min=LOG_TINY - 1).exp_() if plain else (logits - peak).exp()
    return threshold(weights, TINY_WEIGHT, 0.0, inplace=plain)


def start_leading(rows: Tensor) -> Leading:
    """Start with no column.  rows: (b, d), a tensor of the precision and device to use."""
    logits = rows.new_empty((len(rows), 0))
    return Leading(logits, logits.long())


def start_running(rows: Tensor) -> Running:
    """Start with no column.  rows: (b, d), a tensor of the shape, precision and device of the moment."""
    peak = rows.new_full((len(rows), 1), -math.inf)
    return Running(peak, torch.zeros_like(peak), torch.zeros_like(rows))


def product(x: Tensor, w: Tensor, bias: Tensor | None = None) -> Tensor:
    """Compute x · wᵀ + bias, by the fast product unless it is differentiated.  x: (m, d).  w: (n, d).  bias: (n,)."""
    if differentiated(x, w, bias) or x.dtype == torch.float64:
        return x @ w.T if bias is None else torch.addmm(bias, x, w.T)
    return matmul_t(x, w, bias)


def differentiated(*parts: Tensor | float | None) -> bool:
    """Say whether a gradient or a transformation of torch.func is taken through these, so that nothing may depend on values."""
    tensors = [part for part in parts if isinstance(part, Tensor)]
    if torch.is_grad_enabled() and any(part.requires_grad for part in tensors):
        return True
    return any(torch._C._functorch.is_functorch_wrapped_tensor(part) for part in tensors)


def _weighted(weights: Tensor, mass: Tensor, values: Tensor) -> Tensor | float:
    """Compute weights (b, c) · values (c, d) over the columns that have weight.  mass: (b, 1), the sum of each row's weights."""
    if differentiated(weights, values):
        return product(weights, values.T)
    counted = mass.isfinite().squeeze(1)
    # A NaN is not larger than any number: in the maximum of a column a NaN would hide the weights of all other rows.
    sound = weights if bool(counted.all()) else weights[counted]
    if not len(sound):
        return product(weights, values.T)
    alive = sound.amax(0) > SPARSE_WEIGHT.get(weights.dtype, 0.0)
    count = int(alive.sum())
    if not count:
        return 0.0
    if count > _WORTH_GATHERING * len(values):
        return product(weights, values.T)
    return product(weights[:, alive], values[alive].T)
