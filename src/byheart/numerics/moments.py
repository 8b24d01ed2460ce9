"""Mean and covariance of many rows, a chunk at a time, and the Fréchet distance between two such moments.

    scatter = Σᵢ (xᵢ − mean)(xᵢ − mean)ᵀ,    covariance = scatter / (count − 1)

The moments of two parts merge exactly (Chan, Golub, LeVeque 1979):

    scatter = scatter_a + scatter_b + δδᵀ · count_a count_b / count,    δ = mean_b − mean_a.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor

from byheart._checks import InputError, check_finite

__all__ = ["Moments", "frechet_distance", "merge", "moments"]

_CHUNK = 4096  # rows converted to float64 at a time


@dataclass(frozen=True)
class Moments:
    """Mean and scatter of some rows.

    count: number of rows.  mean: (d,) float64.  scatter: (d, d) float64, summed squares about the mean.
    """

    count: int
    mean: Tensor
    scatter: Tensor

    @property
    def covariance(self) -> Tensor:
        """Return the unbiased covariance, (d, d).  Raises InputError for a single row."""
        if self.count < 2:
            raise InputError(
                got="the moments of one row", need="at least 2 rows for a covariance", remedy="add rows"
            )
        return self.scatter / (self.count - 1)


@torch.no_grad()
def moments(x: Tensor) -> Moments:
    """Compute the moments of x, flattened: (n, *shape), any real type.

    Raises InputError for no rows, NaN or infinity, and for values whose squares overflow.
    """
    if x.ndim < 2 or not len(x):
        raise InputError(
            got=f"x of shape {tuple(x.shape)}", need="(n, *shape) with n >= 1", remedy="pass at least one row"
        )
    parts = reduce(merge, map(_of_chunk, torch.split(x.flatten(1), _CHUNK)))
    if not parts.mean.isfinite().all() or not parts.scatter.isfinite().all():
        check_finite("x", x)
        raise _overflow("x")
    return parts


def _of_chunk(rows: Tensor) -> Moments:
    x = rows.double()
    mean = x.mean(0)
    x = x - mean
    return Moments(len(x), mean, x.T @ x)


def merge(a: Moments, b: Moments) -> Moments:
    """Return the moments of the rows of a and b together.  Raises InputError if a and b differ in d."""
    _check_same_dimension(a, b)
    count, delta = a.count + b.count, b.mean - a.mean
    scatter = a.scatter + b.scatter + torch.outer(delta, delta) * (a.count * b.count / count)
    return Moments(count, a.mean + delta * (b.count / count), scatter)


@torch.no_grad()
def frechet_distance(a: Moments, b: Moments) -> float:
    """Compute ‖mean_a − mean_b‖² + tr A + tr B − 2 tr (A^½ B A^½)^½ of the covariances A and B; at least 0.

    The result is the squared 2-Wasserstein distance of two Gaussians (Dowson & Landau 1982) and the formula of the FID (Heusel
    et al. 2017, arXiv:1706.08500, equation 6).  Raises InputError if a and b differ in d, have a single row, or are not finite.

    With A = FFᵀ and B = GGᵀ from their eigenvectors, the last trace is the sum of the singular values of FᵀG.
    Roots of the eigenvalues of A^½ B A^½ instead would turn rounding errors of 1e-16 into 1e-8, in each of the
    many directions in which the rows do not vary if there are fewer rows than dimensions.
    """
    _check_same_dimension(a, b)
    first, second = a.covariance, b.covariance
    for name, part in (("a", a), ("b", b)):
        check_finite(f"mean of {name}", part.mean)
        check_finite(f"scatter of {name}", part.scatter)
    overlap = torch.linalg.svdvals(_factor(first).T @ _factor(second)).sum()
    spread = first.trace() + second.trace() - 2 * overlap
    distance = float((a.mean - b.mean).square().sum() + spread)
    if not math.isfinite(distance):  # max(0, NaN) would be 0
        raise _overflow("the moments")
    return max(0.0, distance)


def _factor(covariance: Tensor) -> Tensor:
    """Return F of shape (d, rank) with covariance = FFᵀ."""
    values, vectors = torch.linalg.eigh(covariance)
    kept = values > len(values) * torch.finfo(values.dtype).eps * values[-1]
    factor: Tensor = vectors[:, kept] * values[kept].sqrt()
    return factor


def _overflow(name: str) -> InputError:
    return InputError(
        got=f"{name} whose squares overflow", need="values below 1e150", remedy="give the data in other units"
    )


def _check_same_dimension(a: Moments, b: Moments) -> None:
    if a.mean.shape != b.mean.shape:
        raise InputError(
            got=f"moments in {len(a.mean)} and in {len(b.mean)} dimensions",
            need="equal dimensions",
            remedy="compare features of the same kind",
        )
