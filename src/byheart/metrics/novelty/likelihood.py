"""Feature likelihood divergence (Jiralerspong et al. 2023, 2302.04440): do the samples explain images that nobody trained on?

All features are standardized by the held-out images' mean and standard deviation.  Around every sample gⱼ (m of them)
stands a Gaussian N(gⱼ, sⱼ²I); the widths are fitted to the training images xᵢ, and the held-out images are scored:

    log p(x) = logsumexpⱼ [ −‖x − gⱼ‖²/2sⱼ² − d log sⱼ − (d/2) log 2π − log m ],    NLL = −mean log p / d
    FLD      = 100 (NLL of held-out images − base)          0: as good as training images, larger: worse
    gap      = 100 (NLL of training images − NLL of held-out images)       far below 0: copies

base is the NLL of the held-out images under half of the training images (at most m), fitted to the other half.

The fit follows the authors' code: log sⱼ² starts from log((min over i of ‖xᵢ − gⱼ‖² + 10⁻³)/d); Adam at rate 0.5 minimizes
the NLL.  During the fit the mixture has one more component about the mean of the training images, at 0.81 of the squared
distance to that mean, so that no image has likelihood 0.  Batches have 10,000 rows; there are at most 50 epochs, and from the
seventh on the fit ends once the loss has stayed within 5·10⁻⁴ over five epochs; log sⱼ² is kept within ±40.  At most 10,000
samples enter.

Two things differ from the authors' code.  Everything is float64, and near pairs are measured by subtraction (fifty steps of
Adam carry the rounding of float32 distances into the third digit, and copies are not at distance 0 in float32).  Features
that never vary among the held-out images are left out (the authors' code divides by 0).

For speed, squared distances are computed once and the gradient is written down, with rᵢⱼ the share of component j in p(xᵢ):

    ∂NLL/∂ log sⱼ² = −(1/nd) Σᵢ rᵢⱼ (‖xᵢ − gⱼ‖²/2sⱼ² − d/2).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from byheart._checks import InputError, check_alike, check_finite
from byheart.numerics.products import matmul_t
from byheart.random import derive, generator

__all__ = ["FeatureLikelihood", "feature_likelihood"]

_SAMPLES = 10_000  # components at most
_BATCH = 10_000  # training images a step
_EPOCHS = 50
_RATE = 0.5
_ORIGIN = 0.9**2
_KEPT = 1 << 26  # most squared distances kept, 512 MB; a larger number is computed anew in every epoch
_BLOCK = 512  # rows per product
_TILE = 1 << 17  # squared distances worked on at a time, 1 MB, which stays in the cache
_NEAR = 1e-8  # below this share of ‖x‖² + ‖g‖² a squared distance is measured by subtraction
_SMALLEST = -600.0  # exp below it is 0 beside 1, and slow where it underflows


@dataclass(frozen=True)
class FeatureLikelihood:
    """FLD and its parts.

    fld, gap: as defined above, in hundredths of a nat per dimension.  train, heldout, base: NLL per dimension.
    base_gap: the gap of the base, in which training images stand in for the samples; the part of a gap that the fit itself
    brings about.
    count: number of samples used.  dimensions: number of features that vary among the held-out images.
    """

    fld: float
    gap: float
    base_gap: float
    train: float
    heldout: float
    base: float
    count: int
    dimensions: int


@torch.no_grad()
def feature_likelihood(samples: Tensor, train: Tensor, heldout: Tensor, *, seed: int) -> FeatureLikelihood:
    """Compute FLD of samples (m, *shape) with training images (n, *shape) and held-out images (h, *shape).

    seed: Random seed of the two halves of the training images behind the base, and of the choice among more than 10,000
    samples; the same seed gives the same result.
    Memory: a float64 copy of the features, and at most 512 MB of squared distances.
    Raises InputError for different shapes, no sample, fewer than two training or held-out images, NaN, or held-out
    images that are all the same.
    """
    x, points, unseen = _standardized(samples, train, heldout)
    if len(x) > _SAMPLES:
        x = x[torch.randperm(len(x), generator=generator(derive(seed, "samples")))[:_SAMPLES].to(x.device)]
    points = points[torch.randperm(len(points), generator=generator(derive(seed, "halves"))).to(x.device)]
    mixture, of_train = _fit(x, points)
    of_heldout = mixture.loss(unseen)
    half = min(len(x), len(points) // 2)
    of_half, of_rest = _fit(points[:half], points[half:])
    base = of_half.loss(unseen)
    return FeatureLikelihood(
        fld=100 * (of_heldout - base),
        gap=100 * (of_train - of_heldout),
        base_gap=100 * (of_rest - base),
        train=of_train,
        heldout=of_heldout,
        base=base,
        count=len(x),
        dimensions=x.shape[1],
    )


def _standardized(samples: Tensor, train: Tensor, heldout: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the three sets as float64 rows, centered and scaled by the held-out images' mean and standard deviation."""
    sets = {"samples": samples, "train": train, "heldout": heldout}
    check_alike(sets, 0, remedy="bring all three through the same features")
    if not len(samples) or min(len(train), len(heldout)) < 2:
        raise InputError(
            got=f"{len(samples)} samples, {len(train)} training and {len(heldout)} held-out images",
            need="at least one sample, two training images and two held-out images",
            remedy="draw samples or give more images",
        )
    for name, features in sets.items():
        check_finite(name, features)
    rows = heldout.flatten(1).double()
    mean, std = rows.mean(0), rows.std(0)
    varies = std > 0
    if not varies.any():
        raise InputError(
            got=f"{len(heldout)} held-out images that are all the same",
            need="held-out images that differ",
            remedy="check how the held-out images were read, or hold out other images",
        )
    x, points, unseen = (
        torch.cat(
            [(part.double()[:, varies] - mean[varies]) / std[varies] for part in torch.split(rows, _BATCH)]
        )
        for rows in (features.flatten(1).to(heldout.device) for features in sets.values())
    )
    return x, points, unseen


@dataclass(frozen=True)
class _Mixture:
    """A mixture of Gaussians of equal weight.  centers: (m, d).  log_var: (m,), log sⱼ²."""

    centers: Tensor
    log_var: Tensor

    def loss(self, x: Tensor, distances: _Distances | None = None) -> float:
        """Compute the NLL of x (n, d) per dimension.  distances: of x from the centers, if they were computed before."""
        total = 0.0
        for _, squared in (distances or _Distances(x, self.centers)).tiles(slice(0, len(x))):
            top, exps = _exponentials(squared, self.log_var, x.shape[1])
            total += float((top + exps.sum(1).log()).sum())
        return -total / len(x) / x.shape[1]


def _exponentials(
    squared: Tensor, log_var: Tensor, d: int, least: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Compute top (b,) and exps (b, m) with exps·e^top = N(xᵢ; gⱼ, sⱼ²I)/m.  least: (b,) the smallest top allowed."""
    constant = -d / 2 * (log_var + math.log(2 * math.pi)) - math.log(len(log_var))
    logs = torch.addcmul(constant, squared, log_var.neg().exp() / -2)
    top = logs.amax(1)
    if least is not None:
        top = torch.maximum(top, least)
    return top, logs.sub_(top[:, None]).clamp_min_(_SMALLEST).exp_()


def _fit(centers: Tensor, x: Tensor) -> tuple[_Mixture, float]:
    """Fit the widths around centers (m, d) that explain x (n, d) best; return the mixture and the NLL of x."""
    d = x.shape[1]
    distances = _Distances(x, centers)
    log_var = ((distances.kept_and_nearest() + 1e-3) / d).log()
    origin = x.new_zeros(())
    from_mean = _ORIGIN * (x - x.mean(0)).square().sum(1)
    adam = torch.optim.Adam([log_var, origin], lr=_RATE)
    losses: list[float] = []
    for epoch in range(_EPOCHS):
        batch_losses = []
        for rows in _slices(slice(0, len(x)), _BATCH):
            loss, log_var.grad, origin.grad = _gradient(distances, from_mean, log_var, origin, rows, d)
            adam.step()
            log_var.clamp_(-40, 40)
            batch_losses.append(loss)
        losses.append(sum(batch_losses) / len(batch_losses))
        if epoch > 5 and max(losses[-5:]) - losses[-1] < 5e-4 and losses[-1] - min(losses[-5:]) < 5e-4:
            break
    mixture = _Mixture(centers, log_var)
    return mixture, mixture.loss(x, distances)


def _gradient(
    distances: _Distances, from_mean: Tensor, log_var: Tensor, origin: Tensor, batch: slice, d: int
) -> tuple[float, Tensor, Tensor]:
    """Compute the mean NLL per dimension of a batch of rows, and its derivatives by log_var (m,) and by origin ()."""
    share, weighted = torch.zeros_like(log_var), torch.zeros_like(log_var)  # Σᵢ rᵢⱼ and Σᵢ rᵢⱼ ‖xᵢ − gⱼ‖²
    total, slope = 0.0, torch.zeros_like(origin)
    apart = -from_mean * origin.neg().exp() / 2
    logs = apart - d / 2 * (origin + math.log(2 * math.pi))  # log density of the component about the mean
    for rows, squared in distances.tiles(batch):
        top, exps = _exponentials(squared, log_var, d, least=logs[rows])
        own = (logs[rows] - top).exp()
        density = exps.sum(1) + own
        weight = density.reciprocal()
        share += weight @ exps
        weighted += weight @ exps.mul_(squared)
        slope += ((own / density) * (-apart[rows] - d / 2)).sum()
        total += float((top + density.log()).sum())
    count = (batch.stop - batch.start) * d
    return -total / count, -(weighted * log_var.neg().exp() / 2 - share * d / 2) / count, -slope / count


class _Distances:
    """Squared distances of the rows of x (n, d) from centers (m, d), computed when needed or kept in memory."""

    def __init__(self, x: Tensor, centers: Tensor) -> None:
        self._x, self._centers = x, centers
        self._half = centers.square().sum(1) / 2
        self._kept: Tensor | None = None

    def kept_and_nearest(self) -> Tensor:
        """Return the smallest squared distance of every center, (m,); keep all distances on the way if there is room."""
        nearest = self._x.new_full((len(self._centers),), torch.inf)
        if len(self._x) * len(self._centers) <= _KEPT:
            self._kept = self._x.new_empty(len(self._x), len(self._centers))
        for rows in _slices(slice(0, len(self._x)), _BLOCK):
            squared = self._measured(rows)
            nearest = torch.minimum(nearest, squared.amin(0))
            if self._kept is not None:
                self._kept[rows] = squared
        return nearest

    def tiles(self, batch: slice) -> Iterator[tuple[slice, Tensor]]:
        """Yield (rows, their squared distances (b, m)) for all rows of the batch in order, in pieces that fit the cache."""
        for block in _slices(batch, _BLOCK):
            squared = self._measured(block) if self._kept is None else self._kept[block]
            for rows in _slices(block, max(1, _TILE // len(self._centers))):
                yield rows, squared[rows.start - block.start : rows.stop - block.start]

    def _measured(self, rows: slice) -> Tensor:
        x = self._x[rows]
        half = x.square().sum(1, keepdim=True) / 2
        squared = matmul_t(x, self._centers, -self._half).sub_(half).mul_(-2).clamp_min_(0)
        i, j = (squared < 2 * _NEAR * (half + self._half)).nonzero(as_tuple=True)
        for a, b in zip(torch.split(i, _BATCH), torch.split(j, _BATCH), strict=True):
            squared[a, b] = (x[a] - self._centers[b]).square().sum(1)
        return squared


def _slices(rows: slice, size: int) -> Iterator[slice]:
    for start in range(rows.start, rows.stop, size):
        yield slice(start, min(start + size, rows.stop))
