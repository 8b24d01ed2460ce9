"""Statistics of the posterior over training images at every pixel: a map of `Posterior`.

own       wᵢ            the weight on the image that x was made from
n_eff     1 / Σ wₙ²     the number of images that share the pixel
entropy   −Σ wₙ log wₙ  in nats
log_mean  log (1/n) Σ exp(−‖x_Ω − xⁿ_Ω‖²/2σ²): the log density of the pixel's window, without (|Ω|/2) log 2πσ²
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["PixelPosterior", "pixel_posterior"]


@dataclass(frozen=True)
class PixelPosterior:
    """Maps of the posterior, all (b, g, h, w), with g = 1 if the channels share their weights.

    top, top_weight: the leading training image and its weight.  own: None if no source was given.
    """

    n_eff: Tensor
    entropy: Tensor
    log_mean: Tensor
    top: Tensor
    top_weight: Tensor
    own: Tensor | None = None


def pixel_posterior(chunks: Iterable[tuple[Tensor, Tensor]], source: int | None = None) -> PixelPosterior:
    """Compute the statistics of one x.

    chunks: logits (1, m, g, h, w) and their images (m, c, h, w).  source: the image that x was made from.
    """
    logits = torch.cat([part for part, _ in chunks], 1).detach()
    weights = logits.softmax(1)
    best = weights.max(1)
    return PixelPosterior(
        n_eff=1 / weights.square().sum(1),
        entropy=torch.special.entr(weights).sum(1),
        log_mean=logits.logsumexp(1) - math.log(logits.shape[1]),
        top=best.indices,
        top_weight=best.values,
        own=None if source is None else weights[:, source],
    )
