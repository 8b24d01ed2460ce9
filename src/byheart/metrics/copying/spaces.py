"""The spaces in which images are compared: radial filters learned from the training images, and unit windows.

    P(f) = mean power of the training images over rings of equal frequency f (cycles per pixel)
    h(f) = (P / max P + 0.003)^(−γ/2) · exp(−f² / 2 f₀²),    h(0) = 0

Whitening (γ) removes what all images share; the band limit (f₀) removes what noise and resampling change.

    space     γ      f₀      for
    -----------------------------------------------------------
    soft     0.8    0.17     poses: survives resampling by a fraction of a pixel
    half     0.5    0.25     windows
    white    1.0    0.5      blends: unrelated images are nearly orthogonal

Images are (n, c, 32, 32) in [0, 1], the only size at which the constants of this folder were measured.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from byheart._checks import InputError

__all__ = [
    "SIDE",
    "Spaces",
    "check_images",
    "exact_rows",
    "filtered",
    "ring_power",
    "softened",
    "spaces",
    "unit",
]

SIDE = 32
_RINGS = 25  # ring = round(32 f), up to 24
_IMAGES = 2000  # training images that are enough for the spectrum of the training set
_FLOOR = 1e-3  # root mean square below which a window counts as blank
_BLANK = 1e-5  # root mean square below which float rounding is all that is left of an image


@dataclass(frozen=True, eq=False)
class Spaces:
    """Frequency responses of the three spaces, (32, 17) each, for `torch.fft.rfft2` of 32×32 images."""

    soft: Tensor
    half: Tensor
    white: Tensor


def spaces(train: Tensor) -> Spaces:
    """Learn the spaces of a training set from its first 2,000 images.

    train: (n, c, 32, 32) in [0, 1].
    """
    check_images("train", train)
    power = ring_power(train[:_IMAGES].float())[_ring()]
    level = power / power.max().clamp_min(torch.finfo(power.dtype).tiny) + 0.003
    return Spaces(
        *(
            _without_mean(level ** (-whitening / 2) * torch.exp(-(_frequency() ** 2) / (2 * band**2)))
            for whitening, band in ((0.8, 0.17), (0.5, 0.25), (1.0, 0.5))
        )
    )


def softened(response: Tensor, width: float) -> Tensor:
    """Return a response (32, 17) followed by a Gaussian blur of `width` pixels."""
    return response * torch.exp(-2 * math.pi**2 * width**2 * _frequency().to(response) ** 2)


def filtered(x: Tensor, response: Tensor) -> Tensor:
    """Filter images x (…, 32, 32) with the given response (32, 17), periodic at the border."""
    passed: Tensor = torch.fft.irfft2(torch.fft.rfft2(x) * response, s=(SIDE, SIDE))
    return passed


def unit(x: Tensor, floor: float = _FLOOR) -> Tensor:
    """Return windows x (…, c, h, w) as rows (…, c·h·w) without mean and of norm 1, over all channels jointly.

    floor: added to the root mean square, so that a blank window stays near 0 and is not scaled up to noise.
    """
    rows = x.flatten(-3)
    rows = rows - rows.mean(-1, keepdim=True)
    norm = torch.linalg.vector_norm(rows, dim=-1, keepdim=True)
    ready: Tensor = rows / (norm + floor * math.sqrt(rows.shape[-1]))
    return ready


def exact_rows(x: Tensor, response: Tensor) -> Tensor:
    """Filter images x (b, c, 32, 32) and return rows without mean, of norm exactly 1.

    Blank images give rows of 0, which correlate with no image.
    """
    rows = filtered(x, response).flatten(1)
    rows = rows - rows.mean(1, keepdim=True)
    norm = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    unit: Tensor = rows / norm.masked_fill(norm < _BLANK * rows.shape[1] ** 0.5, torch.inf)
    return unit


def check_images(name: str, x: Tensor) -> None:
    """Raise InputError unless x is (n, c, 32, 32) with n ≥ 1 and c from 1 to 4."""
    if x.ndim != 4 or x.shape[2:] != (SIDE, SIDE) or not len(x) or not 1 <= x.shape[1] <= 4:
        raise InputError(
            got=f"{name} of shape {tuple(x.shape)}",
            need=f"(n, c, {SIDE}, {SIDE}) with 1 to 4 channels: the size at which the copy test was measured",
            remedy="resize the images with byheart.auditing.inputs.working_size",
        )


def _frequency() -> Tensor:
    """Return the frequency of every coefficient of `rfft2`, (32, 17), in cycles per pixel."""
    return torch.hypot(
        torch.fft.fftfreq(SIDE, dtype=torch.float32)[:, None],
        torch.fft.rfftfreq(SIDE, dtype=torch.float32)[None, :],
    )


def _ring() -> Tensor:
    """Return the ring of every coefficient, (32, 17); the coefficient of the mean takes its value from the first ring."""
    return (SIDE * _frequency()).round().long().clamp(1, _RINGS - 1)


def ring_power(x: Tensor) -> Tensor:
    """Average the power of images x (n, c, 32, 32) over images, channels and the coefficients of a ring: (25,); ring 0 is 0."""
    centered = x - x.mean((2, 3), keepdim=True)
    power = torch.fft.fft2(centered).abs().square().mean((0, 1)).flatten()
    frequency = torch.fft.fftfreq(SIDE, dtype=torch.float32)
    ring = (SIDE * torch.hypot(frequency[:, None], frequency)).round().long().clamp(1, _RINGS - 1).flatten()
    # The coefficient of the mean is 0 after centering, and belongs to no ring.
    total = torch.zeros(_RINGS, dtype=power.dtype).index_add_(0, ring[1:], power[1:])
    return total / torch.bincount(ring[1:], minlength=_RINGS).clamp_min(1)


def _without_mean(response: Tensor) -> Tensor:
    response[0, 0] = 0
    return response
