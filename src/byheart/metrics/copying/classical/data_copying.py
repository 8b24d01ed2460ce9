"""The data-copying test of Meehan et al.: are samples nearer to the training images than held-out images are?

    L(x) = d(x, nearest training image),    Z_π = Mann–Whitney score of L(samples in π) against L(held-out in π)
    C_T  = Σ_π P_H(π) Z_π / Σ_π P_H(π),     over cells π that hold more than 20 samples

C_T far below 0 means copying; C_T far above 0 means samples far from the data.  The cells π are 3 clusters of the training
images (k-means after PCA to 64 dimensions), because one mode may be copied and another missed.  Given T, every Z_π is
N(0, 1) under "samples and held-out images have one distribution"; C_T is a weighted mean of the Z_π and has the variance
Σ w² < 1, which the p-value of C_T uses.  Also reported are the test without cells, the p-values of the cells after Holm, and
the AUC P(L(g) < L(h)), which does not grow with n.

An average hides copies: 5 % of copies among poor samples give Z > 0.  Distances are those of the neighbor tables, in the
space that was searched; the authors measure distances after the PCA.

The nearest training image is sought among all of T, as L(x) says.  The authors' code seeks it among the training images of
x's own cell, which is as far or farther for images near a border: `nearest_in_cell` measures these distances, and
`data_copying` takes them as `within`.

References: Meehan, Chaudhuri & Dasgupta 2020 (2004.05675) and its code (data_copying_tests.py); 20 samples and 64 dimensions
as in dgm-eval and FLD.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from byheart._checks import InputError
from byheart.metrics.auc import RankTest, auc, mann_whitney
from byheart.numerics.indexed import Indexed
from byheart.numerics.intervals import Interval
from byheart.numerics.neighbors import nearest
from byheart.numerics.normal import lower_tail
from byheart.numerics.products import matmul_t
from byheart.random import derive, generator

__all__ = ["CellTest", "DataCopying", "cells", "data_copying", "nearest_in_cell"]

DIMENSIONS = 64
CLUSTERS = 3
LEAST = 20  # a cell counts if it has more samples than this
_FITTED = 10_000  # training images that are enough to place three centers


@dataclass(frozen=True)
class CellTest:
    """The test of one cell.

    label: of the cell.  test: of the cell's samples against its held-out images.  adjusted: p-value of the test after Holm.
    samples, heldout: number of each in the cell.
    """

    label: int
    test: RankTest
    adjusted: float
    samples: int
    heldout: int


@dataclass(frozen=True)
class DataCopying:
    """The result of the data-copying test.

    ct: C_T, NaN if no cell counts.  ct_std: standard deviation of C_T under the null.  ct_p: one-sided p-value, for copying.
    pooled: the test without cells.  auc: P(L(g) < L(h)), ½ under the null.
    cells: those with more than 20 samples and at least two held-out images.  left_out: number of other cells.
    """

    ct: float
    ct_std: float
    ct_p: float
    pooled: RankTest
    auc: Interval
    cells: tuple[CellTest, ...]
    left_out: int


def cells(
    train: Indexed, *sets: Tensor, clusters: int = CLUSTERS, dimensions: int = DIMENSIONS, seed: int = 0
) -> tuple[Tensor, ...]:
    """Return the cell of every row of each set, (rows,) integers each: clusters that are fitted to the training images alone.

    train: (n, *shape).  sets: (rows, *shape).  dimensions: largest number of dimensions that PCA keeps.
    seed: Random seed of the choice of training images (at most 10,000 are used) and of k-means with ten starts (scikit-learn);
    the same seed gives the same result.  Raises InputError for n < clusters.
    """
    if len(train) < clusters or clusters < 1:
        raise InputError(
            got=f"{len(train)} training images for {clusters} clusters",
            need="at least as many images as clusters, and one cluster",
            remedy="ask for fewer clusters",
        )
    from sklearn.cluster import KMeans

    picked = torch.randperm(len(train), generator=generator(derive(seed, "cells")))[:_FITTED]
    fitted = train[picked.to(train.device)]
    axes = _principal(fitted.flatten(1).float().cpu(), dimensions)
    means = KMeans(clusters, n_init=10, random_state=derive(seed, "k-means") % 2**32)
    means.fit(_projected(fitted, axes).numpy())
    return tuple(
        torch.from_numpy(means.predict(_projected(rows, axes).numpy())).long()
        if len(rows)
        else torch.zeros(0, dtype=torch.int64)
        for rows in sets
    )


def nearest_in_cell(train: Tensor, rows: Tensor, of_train: Tensor, of_rows: Tensor) -> Tensor:
    """Measure the distance of every row to the nearest training image of its own cell: (q,) float64, on the CPU.

    train: (n, *shape), rows: (q, *shape), of the space that is searched.  of_train: (n,) and of_rows: (q,) their cells, all
    from one call of `cells`.
    Raises InputError for a cell without training images, cells of other shapes, and what `nearest` refuses.
    """
    if of_train.shape != (len(train),) or of_rows.shape != (len(rows),):
        raise InputError(
            got=f"cells of shapes {tuple(of_train.shape)} and {tuple(of_rows.shape)} for {len(train)} training images and "
            f"{len(rows)} rows",
            need="one cell for each image",
            remedy="pass cells(train, train, rows)",
        )
    distance = torch.full((len(rows),), torch.nan, dtype=torch.float64)
    for label in torch.unique(of_rows).tolist():
        among, own = (of_train == label).to(train.device), of_rows == label
        if not among.any():
            raise InputError(
                got=f"cell {label} without training images",
                need="a training image in every cell",
                remedy="take the cells of all from one call, cells(train, train, rows)",
            )
        distance[own.cpu()] = (
            nearest(rows[own.to(rows.device)], train[among], k=1).distance[:, 0].double().cpu()
        )
    return distance


def data_copying(
    samples: Tensor,
    heldout: Tensor,
    of_samples: Tensor,
    of_heldout: Tensor,
    *,
    within: tuple[Tensor, Tensor] | None = None,
) -> DataCopying:
    """Compute C_T and the tests beside it from distances to the nearest training image.

    samples: (q,) and heldout: (m,) distances, at least two each.  of_samples: (q,) and of_heldout: (m,) their cells.
    within: distances of the same samples and held-out images to the nearest training image of their own cell, from
    `nearest_in_cell`.  If given, the tests in cells and C_T use the distances in `within`, as the authors' code does.  If None,
    those tests use the same distances as the test without cells, to all training images.
    Raises InputError for fewer, NaN, or cells or distances of other shapes.
    """
    ours, theirs = (samples, heldout) if within is None else within
    for distances in (samples, ours):
        _check_cells(distances, of_samples)
    for distances in (heldout, theirs):
        _check_cells(distances, of_heldout)
    pooled = mann_whitney(samples, heldout)
    labels = torch.unique(torch.cat([of_samples, of_heldout])).tolist()
    parts = [(label, ours[of_samples == label], theirs[of_heldout == label]) for label in labels]
    counted = [part for part in parts if len(part[1]) > LEAST and len(part[2]) >= 2]
    tests = [mann_whitney(ours, theirs) for _, ours, theirs in counted]
    cell_tests = tuple(
        CellTest(label, test, p, len(ours), len(theirs))
        for (label, ours, theirs), test, p in zip(counted, tests, _holm([t.p for t in tests]), strict=True)
    )
    ct, std = _weighted(cell_tests)
    p = lower_tail(ct / std)
    return DataCopying(ct, std, p, pooled, auc(samples, heldout), cell_tests, len(parts) - len(cell_tests))


def _check_cells(distances: Tensor, labels: Tensor) -> None:
    if labels.shape != distances.shape:
        raise InputError(
            got=f"cells of shape {tuple(labels.shape)} for distances of shape {tuple(distances.shape)}",
            need="one cell for each distance",
            remedy="pass cells(train, samples, heldout)",
        )


def _weighted(cell_tests: tuple[CellTest, ...]) -> tuple[float, float]:
    """Compute the mean of z weighted by held-out images, and the standard deviation of that mean if every z is N(0, 1)."""
    if not cell_tests:
        return math.nan, math.nan
    total = sum(cell.heldout for cell in cell_tests)
    mean = math.fsum(cell.heldout * cell.test.z for cell in cell_tests) / total
    return mean, math.sqrt(math.fsum(cell.heldout**2 for cell in cell_tests)) / total


def _holm(p: list[float]) -> list[float]:
    """Adjust p-values: the i-th smallest of k is multiplied by k − i, and is at least those before it and at most 1."""
    adjusted, least = [0.0] * len(p), 0.0
    for rank, index in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        least = max(least, min(1.0, (len(p) - rank) * p[index]))
        adjusted[index] = least
    return adjusted


def _principal(rows: Tensor, dimensions: int) -> Tensor | None:
    """Return the leading directions (d, dimensions) of rows (n, d), or None if the rows have no more dimensions than that."""
    if rows.shape[1] <= dimensions:
        return None
    from sklearn.decomposition import PCA

    analysis = PCA(min(dimensions, len(rows)), svd_solver="randomized", random_state=0).fit(rows.numpy())
    return torch.from_numpy(analysis.components_).float().T


def _projected(rows: Tensor, axes: Tensor | None) -> Tensor:
    """Project rows (q, *shape) on the axes: (q, f) float32 on the CPU, 4,096 rows at a time.

    The mean of the rows is kept, because clusters do not move with the origin.
    """
    parts = [part.flatten(1).float().cpu() for part in torch.split(rows, 4096)]
    return torch.cat(parts if axes is None else [matmul_t(part, axes.T) for part in parts])
