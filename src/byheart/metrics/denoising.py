"""How well does a denoiser denoise images it was trained on, and others?

    loss(x₀, σ) = mean over pixels of (D(x₀ + σε, σ) − x₀)²          ε ~ N(0, I), the same for the same seed
    gap(σ)      = mean over held-out images − mean over training images

The gap opens as soon as a model learns its training points rather than their distribution.  The gap needs no samples, and
moves before copies appear.  Training and held-out images get the same noise, index by index, at equal sizes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.linalg import vector_norm

from byheart._checks import InputError, check_finite
from byheart.denoisers.base import Denoiser, denoise
from byheart.numerics.intervals import mean_interval
from byheart.random import derive, generator

__all__ = ["LossGap", "denoising_loss", "distance", "loss_gap"]

BATCH = 512


@torch.no_grad()
def denoising_loss(denoiser: Denoiser, x0: Tensor, sigma: float, seed: int) -> Tensor:
    """Compute the squared error of each denoised image, as a mean over pixels: (n,), on x0's device.

    x0: (n, *shape) clean images.  sigma: > 0, one noise level.
    seed: Random seed of the noise; the same seed and shape give the same noise at every call.
    Raises InputError for no images, sigma ≤ 0, or NaN in the images or from the denoiser.
    """
    _check(x0, sigma)
    # The noise is drawn on the CPU and for all images at once, so that no device or batch size changes the noise.  The
    # stream has a name of its own: images drawn from the same seed would otherwise equal the noise.
    draws = generator(derive(seed, "denoising loss"))
    noise = torch.randn(x0.shape, generator=draws, dtype=x0.dtype).to(x0.device)
    level = torch.tensor(sigma, dtype=x0.dtype, device=x0.device)
    parts = []
    for x, eps in zip(torch.split(x0, BATCH), torch.split(noise, BATCH), strict=True):
        parts.append((denoise(denoiser, x + level * eps, level) - x).square().flatten(1).mean(1))
    losses = torch.cat(parts)
    check_finite(f"losses of the denoiser at sigma {sigma:g}", losses)
    return losses


@dataclass(frozen=True)
class LossGap:
    """Held-out minus training loss at one noise level.

    value: the gap.  low, high: 95 % interval, Student's t.  stderr: standard error of the gap over images.
    count: number of independent images behind the gap.  train_losses, heldout_losses: (pairs,); the two losses of pair i are
    measured under the same noise.
    """

    value: float
    low: float
    high: float
    stderr: float
    count: int
    train_losses: Tensor
    heldout_losses: Tensor

    @property
    def train(self) -> float:
        """Return the mean loss on training images."""
        return float(self.train_losses.double().mean())

    @property
    def heldout(self) -> float:
        """Return the mean loss on held-out images."""
        return float(self.heldout_losses.double().mean())


def loss_gap(denoiser: Denoiser, train: Tensor, heldout: Tensor, sigma: float, seed: int) -> LossGap:
    """Measure the gap at one noise level, from equally many pairs with the same noise on both sides.

    train: (n, *shape).  heldout: (m, *shape).  sigma: > 0.
    seed: Random seed of the noise; the same seed gives the same result.
    If one set is smaller, its images are used again with new noise, as many whole times as they fit into the larger set.
    The standard error is taken over the images of the smaller set (each with the mean of its pairs), so that repeated images
    do not count as independent images.
    Raises InputError for fewer than two images in a set, or different shapes.
    """
    if min(len(train), len(heldout)) < 2 or train.shape[1:] != heldout.shape[1:]:
        raise InputError(
            got=f"training images {tuple(train.shape)} and held-out images {tuple(heldout.shape)}",
            need="at least two training and two held-out images, all of one shape",
            remedy="hold out more images, prepared like the training images",
        )
    short, long = sorted((len(train), len(heldout)))
    rows = torch.arange(long // short * short, device=train.device)
    losses = [
        denoising_loss(denoiser, x[rows % len(x)], sigma, seed).double().cpu() for x in (train, heldout)
    ]
    per_image = (losses[1] - losses[0]).reshape(-1, short).mean(0)
    interval = mean_interval(per_image.tolist(), 0.95)
    stderr = float(per_image.std()) / short**0.5
    return LossGap(interval.value, interval.low, interval.high, stderr, short, losses[0], losses[1])


@torch.no_grad()
def distance(denoiser: Denoiser, reference: Denoiser, x: Tensor, sigma: Tensor) -> Tensor:
    """Compute how far two denoisers are apart at the same noisy points: ‖D − R‖ / ‖R‖ for each row, (b,) float64.

    x: (b, *shape).  sigma: () or (b,).  A row is 0 where both denoisers agree, and infinite where only the reference gives
    exactly 0.
    """
    target = denoise(reference, x, sigma).flatten(1).double()
    apart = vector_norm(denoise(denoiser, x, sigma).flatten(1).double() - target, dim=1)
    return torch.where(apart == 0, 0.0, apart / vector_norm(target, dim=1))


def _check(x0: Tensor, sigma: float) -> None:
    if x0.ndim < 2 or not x0.numel() or not 0 < sigma < float("inf"):
        raise InputError(
            got=f"images of shape {tuple(x0.shape)} at sigma {sigma}",
            need="images (n, *shape), n ≥ 1, and a finite sigma > 0",
            remedy="pass clean images and one positive noise level",
        )
    check_finite("images", x0)
