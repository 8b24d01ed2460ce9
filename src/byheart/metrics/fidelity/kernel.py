"""Kernel inception distance (Bińkowski et al. 2018, 1801.01401), on any features.

    k(x, y) = (x·y/d + 1)³
    KID     = mean over i ≠ j of k(xᵢ, xⱼ) + mean over i ≠ j of k(yᵢ, yⱼ) − 2 mean of k(xᵢ, yⱼ)

KID is the U-statistic of all samples: unbiased, hence sometimes below 0, at any sizes (the usual 100 subsets of 1,000 only
add noise, and the spread of the subsets is no interval).  Only the row sums of the three kernel matrices are kept.
"""

from __future__ import annotations

from statistics import NormalDist

import torch
from torch import Tensor

from byheart.metrics.fidelity.inputs import two_sets
from byheart.numerics.intervals import Interval

__all__ = ["kid"]

BLOCK = 1 << 22  # kernel values held at a time: 32 MiB


def kid(samples: Tensor, reference: Tensor, *, confidence: float = 0.95) -> Interval:
    """Compute KID of samples (n, *shape) from a reference (m, *shape), at least three rows each, in float64.

    The interval is the normal interval of the two-sample delete-one jackknife, with exact leave-one-out values from row sums.
    If both sets come from one distribution, the statistic degenerates, and the interval is wider than necessary.
    count is n.  Raises InputError for fewer than three rows, different shapes, or NaN.
    """
    x, y = two_sets(samples, reference, least=3)
    n, m = len(x), len(y)
    across, back = _row_sums(x, y)
    within_x, within_y = _row_sums(x, x)[0] - _own(x), _row_sums(y, y)[0] - _own(y)
    xx, yy, xy = within_x.sum(), within_y.sum(), across.sum()

    value = xx / (n * (n - 1)) + yy / (m * (m - 1)) - 2 * xy / (n * m)
    without_x = (xx - 2 * within_x) / ((n - 1) * (n - 2)) - 2 * (xy - across) / ((n - 1) * m)
    without_y = (yy - 2 * within_y) / ((m - 1) * (m - 2)) - 2 * (xy - back) / ((m - 1) * n)
    variance = (n - 1) * without_x.var(correction=0) + (m - 1) * without_y.var(correction=0)
    reach = NormalDist().inv_cdf((1 + confidence) / 2) * float(variance.sqrt())
    return Interval(float(value), float(value) - reach, float(value) + reach, n)


def _row_sums(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Sum k(xᵢ, yⱼ) over j, (n,), and over i, (m,), from blocks of bounded size."""
    rows, columns = [], y.new_zeros(len(y))
    for part in torch.split(x, max(1, BLOCK // len(y))):
        kernel = _cubic(part @ y.T, y.shape[1])
        rows.append(kernel.sum(1))
        columns += kernel.sum(0)
    return torch.cat(rows), columns


def _own(x: Tensor) -> Tensor:
    return _cubic(x.square().sum(1), x.shape[1])


def _cubic(products: Tensor, d: int) -> Tensor:
    return products.div_(d).add_(1).pow_(3)
