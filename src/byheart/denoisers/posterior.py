"""Statistics of the posterior over training points: does one point hold all the weight, or do many share it?

    own       rᵢ            the weight on the point that the row was made from
    n_eff     1 / Σ rₖ²     the number of points that share the weight, 1 under collapse
    entropy   −Σ rₖ log rₖ  in nats; log n − entropy is the information that x holds about which point it came from
    tail      1 − Σ_top rₖ  the weight outside the leading points

A mean over the leading points alone errs by at most tail · diameter of the data: see `truncated`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import Tensor

from byheart._checks import InputError

__all__ = ["TOP", "Posterior", "check_question", "joined", "posterior_of"]

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

P = TypeVar("P", bound="DataclassInstance")

TOP = 5


@dataclass(frozen=True)
class Posterior:
    """The posterior of b rows over k points.

    n_eff, entropy, log_density, tail: (b,).  log_density: log p_σ(x).  top, top_weights: (b, m), the leading points and their
    weights, decreasing.  own: (b,), or None if no sources were given.
    """

    n_eff: Tensor
    entropy: Tensor
    log_density: Tensor
    top: Tensor
    top_weights: Tensor
    tail: Tensor
    own: Tensor | None = None


def posterior_of(
    weights: Tensor, log_density: Tensor, count: int = TOP, source: Tensor | None = None
) -> Posterior:
    """Compute the statistics of posterior weights.

    weights: (b, k), rows of sum 1.  log_density: (b,).  count: number of leading points kept.
    source: (b,) integers, the point that each row was made from.
    """
    top = weights.topk(min(count, weights.shape[1]), 1)
    # 1 − Σ would be rounding where the tail is small.  The added product keeps the tail of a NaN row NaN.
    left_out = weights.scatter(1, top.indices, 0.0).sum(1) + 0.0 * top.values[:, 0]
    return Posterior(
        n_eff=1 / weights.square().sum(1),
        entropy=torch.special.entr(weights).sum(1),
        log_density=log_density,
        top=top.indices,
        top_weights=top.values,
        tail=left_out,
        own=None if source is None else weights.gather(1, source[:, None].to(weights.device)).squeeze(1),
    )


def joined(parts: Sequence[P]) -> P:
    """Join the statistics of consecutive rows.  parts: at least one, each a dataclass of tensors by row, or of None."""
    columns = {field.name: [getattr(part, field.name) for part in parts] for field in fields(parts[0])}
    together = {name: None if values[0] is None else torch.cat(values) for name, values in columns.items()}
    return type(parts[0])(**together)


def check_question(rows: int, points: int, count: int, source: Tensor | None) -> None:
    """Raise InputError for a count below 1, or sources that are not one point for each row."""
    if count < 1:
        raise InputError(
            got=f"{count} leading points",
            need="at least 1",
            remedy=f"leave `count` out; the default is {TOP}",
        )
    if source is None:
        return
    fits = source.shape == (rows,) and not source.is_floating_point()
    if not fits or bool(((source < 0) | (source >= points)).any()):
        low, high = (source.min().item(), source.max().item()) if source.numel() else (math.nan, math.nan)
        raise InputError(
            got=f"source of shape {tuple(source.shape)} in {source.dtype}, from {low} to {high}",
            need=f"integers of shape ({rows},) from 0 to {points - 1}",
            remedy="name the training point that each row was made from",
        )
