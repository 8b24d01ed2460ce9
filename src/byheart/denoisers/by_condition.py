"""Conditional empirical denoisers: the limit of training on pairs (xₙ, yₙ).

    by class     the empirical denoiser of {n : yₙ = y}: a class memorizes like a data set of its own size
    by kernel    weights wₙ ∝ exp(−‖y − yₙ‖²/2h²): the limit of training where y has noise of width h.  As h → 0 the denoiser
                 returns the single xₙ whose yₙ is y, for every seed

Kernel: S2 (2501.15785) leaves y outside the data undetermined; the kernel is the extension with noise on y.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from byheart._checks import InputError, check_finite, check_open, check_tensor
from byheart.denoisers.base import HoldsTrain, Level, checked_level, rows_and_variance
from byheart.denoisers.mixture import CHUNK, DTYPES, MixtureDenoiser, Precision, empirical, log_volume
from byheart.denoisers.points import Points
from byheart.denoisers.posterior import TOP, Posterior, check_question, posterior_of

__all__ = ["EmpiricalByClass", "EmpiricalByKernel"]


@dataclass(frozen=True, eq=False)
class EmpiricalByClass(HoldsTrain):
    """The empirical denoiser of the training points of each row's own class.

    train: (n, *shape).  labels: (n,) integers, the classes of the points.
    Raises InputError for labels that do not fit and, when called, for a class without a training point.
    """

    train: Tensor
    labels: Tensor
    precision: Precision = "float64"

    def __post_init__(self) -> None:
        empirical(self.train)  # refuses bad points
        labels = torch.as_tensor(self.labels)
        if labels is not self.labels or labels.shape != self.train.shape[:1] or labels.is_floating_point():
            raise InputError(
                got=f"labels of shape {tuple(labels.shape)} as {type(self.labels).__name__} of {labels.dtype}",
                need=f"a tensor of integers of shape ({len(self.train)},)",
                remedy="give the class of each training point; for real-valued conditions take EmpiricalByKernel",
            )

    def __call__(self, x: Tensor, sigma: Level, label: Tensor) -> Tensor:
        """Return D(x, σ, label).  x: (b, *shape).  sigma: () or (b,), positive.  label: (b,) integers.  Returns (b, *shape)."""
        sigma = checked_level(x, sigma, self.shape)
        _check_conditions(label, (len(x),))
        denoised = torch.empty_like(x)
        for value in torch.unique(label).tolist():
            rows = (label == value).nonzero()[:, 0]
            level = sigma if sigma.ndim == 0 else sigma[rows]
            denoised[rows] = self.of_class(value)(x[rows], level)
        return denoised

    def of_class(self, label: int) -> MixtureDenoiser:
        """Return the empirical denoiser of one class.  Raises InputError for a class without a training point."""
        if label not in self._classes:
            raise InputError(
                got=f"class {label}",
                need=f"one of {sorted(self._classes)}",
                remedy="choose a class that the training points have",
            )
        return self._classes[label]

    @cached_property
    def _classes(self) -> dict[int, MixtureDenoiser]:
        return {
            int(label): empirical(self.train[self.labels == label], precision=self.precision)
            for label in torch.unique(self.labels).tolist()
        }


@dataclass(frozen=True, eq=False)
class EmpiricalByKernel(HoldsTrain):
    """The empirical denoiser with a Gaussian kernel on real-valued conditions.

    train: (n, *shape).  conditions: (n, q), of the points.  width: h > 0, in the conditions' units.
    Raises InputError for conditions that do not fit, or a width that is not positive.
    """

    train: Tensor
    conditions: Tensor
    width: float
    precision: Precision = "float64"

    def __post_init__(self) -> None:
        empirical(self.train)  # refuses bad points
        conditions = torch.as_tensor(self.conditions)
        if conditions is not self.conditions or conditions.ndim != 2 or len(conditions) != len(self.train):
            raise InputError(
                got=f"conditions of shape {tuple(conditions.shape)} as {type(self.conditions).__name__}",
                need=f"a tensor of shape ({len(self.train)}, q)",
                remedy="give one row of numbers for each training point",
            )
        check_finite("conditions", self.conditions)
        check_open("width", self.width, remedy="for classes take EmpiricalByClass")

    def __call__(self, x: Tensor, sigma: Level, condition: Tensor) -> Tensor:
        """Return D(x, σ, y).  x: (b, *shape).  sigma: () or (b,), positive.  condition: (b, q).  Returns (b, *shape)."""
        rows, variance = rows_and_variance(x, sigma, self.shape, DTYPES[self.precision])
        _check_conditions(condition, (len(x), self.conditions.shape[1]))
        mean, _ = self._points.sums(rows, variance, self.log_weights(condition))
        return mean.to(x.dtype).reshape(x.shape)

    def posterior(
        self, x: Tensor, sigma: Level, condition: Tensor, *, count: int = TOP, source: Tensor | None = None
    ) -> Posterior:
        """Compute statistics of the posterior over all training points, for every row, like `MixtureDenoiser.posterior`.

        For the posterior within a class use `EmpiricalByClass.of_class(label).posterior`.
        """
        rows, variance = rows_and_variance(x, sigma, self.shape, DTYPES[self.precision])
        _check_conditions(condition, (len(x), self.conditions.shape[1]))
        check_question(len(x), len(self.train), count, source)
        weights, log_sum = self._points.weights(rows, variance, self.log_weights(condition))
        log_density = (log_sum - log_volume(rows.shape[1], variance)).squeeze(1)
        return posterior_of(weights, log_density, count, source)

    def log_weights(self, condition: Tensor) -> Tensor:
        """Compute the log of the kernel's weight of every training point: (b, n) float64, normalized.  condition: (b, q)."""
        apart = (condition.double()[:, None] - self.conditions.double()).square().sum(2)
        return (-apart / (2 * self.width**2)).log_softmax(1)

    @cached_property
    def _points(self) -> Points:
        return Points(self.train, CHUNK)


def _check_conditions(given: Tensor, shape: tuple[int, ...]) -> None:
    check_tensor("conditions", given, f"of shape {shape}, one for each row")
    if tuple(given.shape) != shape:
        raise InputError(
            got=f"conditions of shape {tuple(given.shape)}",
            need=f"shape {shape}, one for each row",
            remedy="repeat the condition for every row: label.expand(len(x))",
        )
