"""A softmax over training images at every pixel, from logits in chunks.

The largest logit so far is carried along, as in `numerics.softmax`, so that the result is that of all images at once.  (A mean
of the softmaxes of batches is another function, which copies less.)
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from byheart.numerics.softmax import exponentials

__all__ = ["Masses", "pixel_mean", "total"]


@dataclass(frozen=True)
class Masses:
    """The sums over the images so far, (b, …) each.

    peak: the largest logit l.  mass: Σ exp(l − peak).  squares: Σ exp(2l − 2 peak).
    """

    peak: Tensor
    mass: Tensor
    squares: Tensor

    @classmethod
    def start(cls, logits: Tensor) -> Masses:
        """Start with no image.  logits: (b, m, …), a tensor of the shape, precision and device to use."""
        none = torch.zeros_like(logits[:, 0])
        return cls(none - math.inf, none, none)

    def add(self, logits: Tensor) -> tuple[Masses, Tensor, Tensor]:
        """Add images; also return their exp(l − peak) (b, m, …), and the factor for sums about the old peak (b, …).

        logits: (b, m, …), overwritten unless they are differentiated.
        """
        peak = torch.maximum(self.peak, logits.detach().amax(1))
        weights = exponentials(logits, peak[:, None])
        shrink = (self.peak - peak).exp()
        squares = self.squares * shrink.square() + weights.square().sum(1)
        return Masses(peak, self.mass * shrink + weights.sum(1), squares), weights, shrink

    def weights(self, logits: Tensor) -> Tensor:
        """Compute the softmax weights of images that were added before: (b, m, …).  logits: overwritten as in `add`."""
        return exponentials(logits, self.peak[:, None]) / self.mass[:, None]

    @property
    def n_eff(self) -> Tensor:
        """Compute 1 / Σ w², the number of images that share: (b, …)."""
        return self.mass.square() / self.squares


def total(chunks: Iterable[tuple[Tensor, Tensor]]) -> Masses:
    """Sum over all images.  chunks: as in `pixel_mean`."""
    masses = None
    for logits, _ in chunks:
        masses, _, _ = (masses or Masses.start(logits)).add(logits)
    assert masses is not None
    return masses


def pixel_mean(chunks: Iterable[tuple[Tensor, Tensor]]) -> Tensor:
    """Compute Σ wₙ xⁿ, with the weights of every pixel: (b, c, h, w).

    chunks: logits (b, m, g, h, w), with g = 1 for all channels or g = c for each, and their images (m, c, h, w).
    """
    masses, moment = None, torch.zeros((), dtype=torch.float32)
    for logits, images in chunks:
        masses, weights, shrink = (masses or Masses.start(logits)).add(logits)
        moment = moment.to(shrink) * shrink + (weights * images).sum(1)
    assert masses is not None
    return moment / masses.mass
