"""How well a denoiser denoises, on images it was trained on and on others.

    loss(x₀, σ) = mean over pixels of (D(x₀ + σε, σ) − x₀)²          ε ~ N(0, I), the same for the same seed
    gap(σ)      = mean over held-out images − mean over training images

The gap opens as soon as a model learns its training points rather than their distribution: no sampling is needed, and
it moves before copies appear.  Training and held-out images get the same noise, index by index, at equal sizes.
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
    """Squared error of each denoised image, mean over its pixels: (n,), on x0's device.

    x0: (n, *shape) clean images.  sigma: > 0, one noise level.
    seed: of the noise; the same seed and shape give the same noise at every call.
    Raises InputError for no images, sigma ≤ 0, or NaN in the images or from the denoiser.
    """
    _check(x0, sigma)
    # Drawn on the CPU and for all images at once: a device or a batch size must not change the noise.  A stream of its
    # own: images drawn from the same seed would otherwise be the noise.
    draws = generator(derive(seed, "denoising loss"))
    noise = torch.randn(x0.shape, generator=draws, dtype=x0.dtype).to(x0.device)
    level = torch.tensor(sigma, dtype=x0.dtype, device=x0.device)
    losses = []
    for x, eps in zip(torch.split(x0, BATCH), torch.split(noise, BATCH), strict=True):
        losses.append((denoise(denoiser, x + level * eps, level) - x).square().flatten(1).mean(1))
    found = torch.cat(losses)
    check_finite(f"losses of the denoiser at sigma {sigma:g}", found)
    return found


@dataclass(frozen=True)
class LossGap:
    """Held-out minus training loss at one noise level.

    value: the gap.  low, high: 95 % interval, Student's t.  stderr: its standard error over images.
    count: independent images behind it.  train_losses, heldout_losses: (pairs,), pair i shares its noise.
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
        """Mean loss on training images."""
        return float(self.train_losses.double().mean())

    @property
    def heldout(self) -> float:
        """Mean loss on held-out images."""
        return float(self.heldout_losses.double().mean())


def loss_gap(denoiser: Denoiser, train: Tensor, heldout: Tensor, sigma: float, seed: int) -> LossGap:
    """The gap at one noise level, from equally many pairs with the same noise on both sides.

    train: (n, *shape).  heldout: (m, *shape).  sigma: > 0.  seed: of the noise.
    Where one side is shorter its images are used again with new noise, as often as they go into the other side whole;
    the standard error is then taken over the images of the shorter side (each with the mean of its pairs), so that
    repeated images do not pass for independent ones.
    Raises InputError for fewer than two images on a side, or different shapes.
    """
    if min(len(train), len(heldout)) < 2 or train.shape[1:] != heldout.shape[1:]:
        raise InputError(
            got=f"training images {tuple(train.shape)} and held-out images {tuple(heldout.shape)}",
            need="at least two on each side, of one shape",
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
    """How far two denoisers are apart at the same noisy points: ‖D − R‖ / ‖R‖ for each row, (b,) float64.

    x: (b, *shape).  sigma: () or (b,).  0 where both agree; infinite where only the reference gives exactly 0.
    """
    theirs = denoise(reference, x, sigma).flatten(1).double()
    apart = vector_norm(denoise(denoiser, x, sigma).flatten(1).double() - theirs, dim=1)
    return torch.where(apart == 0, 0.0, apart / vector_norm(theirs, dim=1))


def _check(x0: Tensor, sigma: float) -> None:
    if x0.ndim < 2 or not x0.numel() or not 0 < sigma < float("inf"):
        raise InputError(
            got=f"images of shape {tuple(x0.shape)} at sigma {sigma}",
            need="images (n, *shape), n ≥ 1, and a finite sigma > 0",
            remedy="pass clean images and one positive noise level",
        )
    check_finite("images", x0)
