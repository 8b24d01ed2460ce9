"""The data-copying test of Meehan et al.: are samples nearer to the training images than held-out images are?

    L(x) = d(x, nearest training image),    Z_π = Mann–Whitney score of L(samples in π) against L(held-out in π)
    C_T  = Σ_π P_H(π) Z_π / Σ_π P_H(π),     over cells π that hold more than 20 samples

Far below 0: copying; far above: samples far from the data.  Cells π are 3 clusters of the training images (k-means after
PCA to 64 dimensions): one mode may be copied and another missed.  Given T every Z_π is N(0, 1) under "samples and held-out
images have one distribution", but C_T, a weighted mean of them, has the variance Σ w² < 1: its p-value uses that one.
Beside it the test without cells, p-values of the cells after Holm, and the AUC P(L(g) < L(h)), which does not grow with n.

The average hides: 5 % of copies among poor samples give Z > 0.  Distances are those of the neighbor tables, in the space
that was searched; the authors measure them after the PCA.

The nearest training image is sought among all of T, as L(x) says.  The authors' code seeks it among the training images of x's own cell,
which is as far or farther for images near a border: `nearest_in_cell` gives these distances, and `within` takes them.

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
LEAST = 20  # samples without which a cell is left out
_FITTED = 10_000  # training images are enough to place three centers


@dataclass(frozen=True)
class CellTest:
    """label: of the cell.  test: of its samples against its held-out images.  adjusted: its p after Holm.

    samples, heldout: how many of each are in it.
    """

    label: int
    test: RankTest
    adjusted: float
    samples: int
    heldout: int


@dataclass(frozen=True)
class DataCopying:
    """ct: C_T, NaN if no cell counts; ct_std: its standard deviation under the null; ct_p: one-sided, of copying.

    pooled: the test without cells.  auc: P(L(g) < L(h)), ½ under the null.
    cells: those with more than 20 samples and at least two held-out images; left_out: how many others.
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
    """The cell of every row of each set, (rows,) integers each: clusters of the training images, which see nothing else.

    train: (n, *shape).  sets: (rows, *shape).  dimensions: PCA keeps at most so many.  seed: of the training images that
    are used (10,000 at most), and of k-means with ten starts (scikit-learn).  Raises InputError for n < clusters.
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
            need="one cell an image",
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
    """Compute C_T and its company from distances to the nearest training image.

    samples: (q,) and heldout: (m,) distances, at least two each.  of_samples: (q,) and of_heldout: (m,) their cells.
    within: distances of the same samples and held-out images to the nearest training image of their own cell, from
    `nearest_in_cell`: the tests in cells, and C_T, then take these, as the authors' code does.  None: they take the same distances
    as the test without cells, to all training images.
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
    found = tuple(
        CellTest(label, test, p, len(ours), len(theirs))
        for (label, ours, theirs), test, p in zip(counted, tests, _holm([t.p for t in tests]), strict=True)
    )
    ct, std = _weighted(found)
    p = lower_tail(ct / std)
    return DataCopying(ct, std, p, pooled, auc(samples, heldout), found, len(parts) - len(found))


def _check_cells(distances: Tensor, labels: Tensor) -> None:
    if labels.shape != distances.shape:
        raise InputError(
            got=f"cells of shape {tuple(labels.shape)} for distances of shape {tuple(distances.shape)}",
            need="one cell a distance",
            remedy="pass cells(train, samples, heldout)",
        )


def _weighted(found: tuple[CellTest, ...]) -> tuple[float, float]:
    """The mean of z weighted by held-out images, and its standard deviation if every z is N(0, 1)."""
    if not found:
        return math.nan, math.nan
    total = sum(cell.heldout for cell in found)
    mean = math.fsum(cell.heldout * cell.test.z for cell in found) / total
    return mean, math.sqrt(math.fsum(cell.heldout**2 for cell in found)) / total


def _holm(p: list[float]) -> list[float]:
    """Adjusted p-values: the i-th smallest of k times k − i, at least those before it, at most 1."""
    adjusted, least = [0.0] * len(p), 0.0
    for rank, place in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        least = max(least, min(1.0, (len(p) - rank) * p[place]))
        adjusted[place] = least
    return adjusted


def _principal(rows: Tensor, dimensions: int) -> Tensor | None:
    """The leading directions (d, dimensions) of rows (n, d), or None where none need be dropped."""
    if rows.shape[1] <= dimensions:
        return None
    from sklearn.decomposition import PCA

    found = PCA(min(dimensions, len(rows)), svd_solver="randomized", random_state=0).fit(rows.numpy())
    return torch.from_numpy(found.components_).float().T


def _projected(rows: Tensor, axes: Tensor | None) -> Tensor:
    """Rows (q, *shape) along the axes: (q, f) float32 on the CPU, 4,096 rows at a time.

    Their mean stays in: clusters do not move with the origin.
    """
    parts = [part.flatten(1).float().cpu() for part in torch.split(rows, 4096)]
    return torch.cat(parts if axes is None else [matmul_t(part, axes.T) for part in parts])
