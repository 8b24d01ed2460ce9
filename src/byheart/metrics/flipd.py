"""Local intrinsic dimension as the model has learned it (FLIPD), in the frame (x, σ).

    LID(x) = d + σ² ( tr ∇s(x, σ) + ‖s(x, σ)‖² ),    s = ∇ log p_σ = (D − x)/σ²
           = tr ∂D/∂x + ‖D(x, σ) − x‖² / σ²

LID is the slope of log p_σ(x) in log σ, plus d.  For a Gaussian of unit variance on a k-plane, LID is k/(1 + σ²) at the
mean, and tends to k on the whole plane as σ → 0.  At a point that the model knows by heart, with no other point near,
LID is 0.  Read LID at a σ between the noise of the data and the collapse level: LID is 0 for every empirical denoiser as
σ → 0, and for every denoiser as σ → ∞.

A low dimension by itself is no sign of memorization, because a plain image has a low dimension in truth.  So training
images are compared with as many held-out images, with the same random probes.

References: Kamkari et al. 2024 (2406.03537, FLIPD); Ross et al. 2025 (2411.00113, memorization as a lack of dimension).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from byheart._checks import InputError
from byheart.denoisers.base import Denoiser, denoise
from byheart.denoisers.mixture import MixtureDenoiser
from byheart.metrics.collapse import jacobian_trace
from byheart.numerics.intervals import Interval, mean_interval
from byheart.random import derive

__all__ = ["DimensionGap", "dimension_gap", "local_intrinsic_dimension"]

BATCH = 256
PROBES = 8


@dataclass(frozen=True)
class DimensionGap:
    """Mean local dimension of training and of held-out images, and held-out minus training.

    A gap above 0 says that the model has fewer directions around its training images than around held-out images.
    """

    train: Interval
    heldout: Interval
    gap: Interval


def local_intrinsic_dimension(
    denoiser: Denoiser, x: Tensor, sigma: float, *, probes: int = PROBES, seed: int = 0
) -> Tensor:
    """Compute LID at the clean images themselves: (b,) float64.

    x: (b, *shape) floating point.  sigma: > 0, one noise level.
    probes: number of random sign vectors for Hutchinson's estimate of the trace, which is unbiased.  The trace is exact for
    a mixture of points, and where d ≤ probes.
    seed: Random seed of the probes; the same seed gives the same result.
    Raises InputError for no images, sigma ≤ 0, or fewer than one probe.
    """
    if x.ndim < 2 or not x.numel() or not 0 < sigma < float("inf") or probes < 1:
        raise InputError(
            got=f"images of shape {tuple(x.shape)} at sigma {sigma} with {probes} probes",
            need="images (b, *shape), b ≥ 1, a finite sigma > 0 and at least one probe",
            remedy="pass clean images and one positive noise level",
        )
    parts = [
        _of_batch(denoiser, rows, sigma, probes, derive(seed, "dimension", batch))
        for batch, rows in enumerate(torch.split(x, BATCH))
    ]
    return torch.cat(parts)


def dimension_gap(
    denoiser: Denoiser,
    train: Tensor,
    heldout: Tensor,
    sigma: float,
    *,
    probes: int = PROBES,
    seed: int = 0,
) -> DimensionGap:
    """Measure LID of equally many training and held-out images, with the same probes row by row.

    train: (n, *shape), heldout: (m, *shape), each in random order, because the first min(n, m) of both are used.
    The intervals are Student's t over images, and over pairs for the gap.
    Raises InputError for fewer than two images in a set, or different shapes.
    """
    size = min(len(train), len(heldout))
    if size < 2 or train.shape[1:] != heldout.shape[1:]:
        raise InputError(
            got=f"training images {tuple(train.shape)} and held-out images {tuple(heldout.shape)}",
            need="at least two training and two held-out images, all of one shape",
            remedy="hold out more images, prepared like the training images",
        )
    of_train, of_heldout = (
        local_intrinsic_dimension(denoiser, x[:size], sigma, probes=probes, seed=seed).cpu()
        for x in (train, heldout)
    )
    groups = (of_train, of_heldout, of_heldout - of_train)
    return DimensionGap(*(mean_interval(dimensions.tolist()) for dimensions in groups))


def _of_batch(denoiser: Denoiser, x: Tensor, sigma: float, probes: int, seed: int) -> Tensor:
    """Compute LID of the rows of one batch, (b,) float64."""
    level = torch.tensor(sigma, dtype=x.dtype, device=x.device)
    with torch.no_grad():
        moved = (denoise(denoiser, x, level) - x).flatten(1).double().square().sum(1) / sigma**2
    few = x[0].numel() <= probes and not isinstance(denoiser, MixtureDenoiser)
    trace = (
        _by_columns(denoiser, x, level)
        if few
        else jacobian_trace(denoiser, x, level, probes=probes, seed=seed)
    )
    return trace.double() + moved


def _by_columns(denoiser: Denoiser, x: Tensor, level: Tensor) -> Tensor:
    """Compute tr ∂D/∂x at every row, (b,), exactly: one pass backward for each of the d values."""
    with torch.enable_grad():
        point = x.detach().requires_grad_()
        outputs = denoise(denoiser, point, level).flatten(1)
        trace = torch.zeros(len(x), dtype=x.dtype, device=x.device)
        for column in range(outputs.shape[1]):
            (gradient,) = torch.autograd.grad(outputs[:, column].sum(), point, retain_graph=True)
            trace = trace + gradient.flatten(1)[:, column]
    return trace
