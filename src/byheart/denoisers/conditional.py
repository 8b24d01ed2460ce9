"""Conditional denoisers in general; `by_condition` holds the empirical ones.

A conditional denoiser with its labels bound is a plain denoiser:

model(x, σ, label) = E[x₀ | x₀ + σε = x, label],      given(model, labels)(x, σ) = model(x, σ, labels)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from byheart._checks import InputError
from byheart.denoisers.base import Denoiser

__all__ = ["ConditionalDenoiser", "given"]


class ConditionalDenoiser(Protocol):
    """A conditional denoiser D(x, σ, label).  x: (b, *shape).  sigma: () or (b,).  label: (b, …).  Returns (b, *shape)."""

    def __call__(self, x: Tensor, sigma: Tensor, label: Tensor, /) -> Tensor:
        """Return D(x, σ, label)."""


@dataclass(frozen=True, eq=False)
class _Given:
    model: ConditionalDenoiser
    labels: Tensor

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        if x.shape[:1] != self.labels.shape[:1]:
            raise InputError(
                got=f"x of shape {tuple(x.shape)} for {len(self.labels)} labels",
                need="one row for each label, in their order",
                remedy="bind the labels of these rows: given(model, labels[rows])",
            )
        return self.model(x, sigma, self.labels)


def given(model: ConditionalDenoiser, labels: Tensor) -> Denoiser:
    """Return the denoiser that gives row i the label labels[i].

    labels: (b, …).  A call of that denoiser with another number of rows raises InputError.
    """
    return _Given(model, labels)
