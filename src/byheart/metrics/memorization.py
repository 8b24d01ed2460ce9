"""Is a sample a copy?  Measures that need only distances to the training set.

The ratio test (Yoon et al. 2023; Gu et al. 2025; Bonnaire et al., 2505.17638, sec. 2): a sample is memorized if its
nearest training point is far nearer than the second nearest, d₁ < threshold · d₂.  The neighbor table holds the raw
ratios (`to_train.ratio`), so that any other threshold can be applied later.

If a training image occurs twice, a perfect copy of that image has d₁ = d₂ = 0, and the test is blind to the copy.
Collapse duplicate images first (`collapse_duplicates`), and search among the unique images.
"""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

from byheart._checks import InputError, check_not_negative, check_ratio
from byheart.numerics.intervals import Proportion, proportion
from byheart.numerics.neighbors import Neighbors

__all__ = [
    "DuplicatesWarning",
    "collapse_duplicates",
    "count_duplicates",
    "memorized_fraction",
    "share_within",
]


class DuplicatesWarning(UserWarning):
    """The training set holds an image more than once: the ratio test cannot see copies of it."""


def memorized_fraction(to_train: Neighbors, threshold: float = 1 / 3) -> Proportion:
    """Compute f_mem, the share of samples with d₁ < threshold · d₂, with its 95 % interval and count.

    to_train: (q, ≥ 2) neighbors of the samples in the training set.
    threshold: in (0, 1], on distances; 1/3 is the field's usual choice (papers that square distances write 1/9).
    Warns (DuplicatesWarning) if a sample equals two training points, because the test cannot count such copies.
    Raises InputError for fewer than two neighbors, no samples, a threshold out of range, or distances that are NaN.
    """
    check_ratio(threshold)
    if to_train.distance.ndim != 2 or to_train.distance.shape[1] < 2 or not len(to_train.distance):
        raise InputError(
            got=f"a neighbor table of shape {tuple(to_train.distance.shape)}",
            need="(q, k) with q ≥ 1 samples and k ≥ 2 neighbors",
            remedy="search with nearest(samples, train, k=2)",
        )
    _check_numbers(to_train.distance[:, :2])
    blind = int((to_train.distance[:, 1] == 0).sum())
    if blind:
        _warn(f"{blind} of {len(to_train.distance)} samples equal two training points each")
    return proportion(int((to_train.ratio < threshold).sum()), len(to_train.ratio))


def share_within(distance: Tensor, tolerance: float) -> Proportion:
    """Compute the share of samples nearer than a tolerance to a training point, with its 95 % interval and count.

    distance: (q,), to the nearest training point or to another point of interest.  tolerance: a distance.
    Raises InputError for distances that are NaN, or a tolerance that is negative or NaN.
    """
    check_not_negative("tolerance", tolerance, remedy="give a distance in the units of the data")
    _check_numbers(distance)
    return proportion(int((distance < tolerance).sum()), len(distance))


def collapse_duplicates(train: Tensor) -> tuple[Tensor, Tensor]:
    """Return each distinct training image once, in order of first appearance, and how often it occurs.

    train: (n, *shape).  Returns (u, *shape) and (u,) int64 on the CPU; the counts add up to n.
    Images are identical if they are equal in every value; near-duplicates stay apart.
    """
    first: dict[bytes, int] = {}
    # + 0.0: −0 and 0 are the same value with different bytes.
    rows = (train.detach().flatten(1) + 0.0).cpu().numpy()
    owners = [first.setdefault(row.tobytes(), i) for i, row in enumerate(rows)]
    kept, counts = torch.unique(torch.tensor(owners, dtype=torch.int64), return_counts=True)
    return train[kept.to(train.device)], counts


def count_duplicates(train: Tensor) -> int:
    """Count the training images that repeat an earlier one.  Warns (DuplicatesWarning) if there are any.

    train: (n, *shape).
    """
    repeated = len(train) - len(collapse_duplicates(train)[1])
    if repeated:
        _warn(f"{repeated} of {len(train)} training images repeat an earlier one")
    return repeated


def _check_numbers(distance: Tensor) -> None:
    # NaN is below no threshold, so a broken sample would pass for an original sample.
    if count := int(distance.isnan().sum()):
        raise InputError(
            got=f"{count} distances that are NaN",
            need="numbers only",
            remedy="look for broken samples, or a model that diverged",
        )


def _warn(what: str) -> None:
    warnings.warn(
        f"{what}: the ratio test is blind to copies of such images; use collapse_duplicates(train)",
        DuplicatesWarning,
        stacklevel=3,
    )
