"""The classical measures of copying side by side, each beside the same number of held-out images or its exact null.

All measures come from three neighbor tables (samples → train, held-out → train, samples → held-out), one search among the
training images, and hashes.  Memory grows with rows × k, never with n × n.

    measure                       reference
    ----------------------------------------------------------------------
    f_mem, Carlini, AuthPct       the same number for held-out images
    the same, calibrated          the rate that was allowed, k/(m + 1)
    DCR share                     ½;  of all training images: n/(n + m)
    C_T                           0;  its AUC: ½
    duplicates                    the same number for held-out images
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from byheart._checks import InputError, check_finite
from byheart.metrics.calibrated import Calibrated, calibrated_share, enough_heldout
from byheart.metrics.copying.classical.authenticity import authenticity, nearest_other
from byheart.metrics.copying.classical.carlini import ALPHA, COUNT, calibrated_carlini, carlini_share
from byheart.metrics.copying.classical.data_copying import (
    CLUSTERS,
    LEAST,
    CellTest,
    cells,
    data_copying,
    nearest_in_cell,
)
from byheart.metrics.copying.classical.dcr import dcr_share, train_share
from byheart.metrics.copying.classical.duplicates import RADIUS, Hash, exact_duplicates, near_duplicates
from byheart.metrics.memorization import memorized_fraction
from byheart.metrics.score import Score
from byheart.numerics.indexed import Indexed
from byheart.numerics.intervals import Interval, proportion
from byheart.numerics.neighbors import Neighbors, nearest

__all__ = ["classical_table", "duplicate_shares", "duplicate_table"]

Z95 = 1.959964  # 97.5 % of a standard normal lies below
AGAINST = "held-out"  # held-out images, or the exact null in their place


def classical_table(
    to_train: Neighbors,
    heldout_to_train: Neighbors,
    samples: Tensor,
    train: Indexed,
    heldout: Tensor,
    *,
    search: Callable[[Tensor, int], Neighbors] | None = None,
    alpha: float = 0.01,
    seed: int = 0,
    same_cell: bool = False,
) -> tuple[Score, ...]:
    """Compute the measures that need distances only.

    to_train, heldout_to_train: (q, k) and (m, k) neighbors in the training set, k ≥ 2 (Carlini's mean takes 50; with fewer, the
    mean is over those that exist).  samples: (q, *shape), train: (n, *shape), heldout: (m, *shape), of the space that was
    searched; only some rows of train are read at a time.
    search: queries and k -> their k nearest rows of train, with the search that made the tables; None searches in memory.
    alpha: of the calibrated shares, which are left out if m is too small for alpha.
    seed: Random seed of the parts and the cells; the same seed gives the same result.
    same_cell: for C_T and its cells, seek the nearest training image in the sample's own cell, as the authors' code does, and
    not among all training images; the whole training set is then read at once.
    Warns (DuplicatesWarning) as `memorized_fraction` does.
    Raises InputError for tables of other sets, fewer than two samples or held-out images, or fewer than 3 training images.
    """
    _check(to_train, heldout_to_train, samples, train, heldout)
    pair = (to_train, heldout_to_train)
    return (
        *_ratios(*pair, alpha),
        *_carlini(*pair, alpha),
        *_dcr(to_train, samples, train, heldout, seed),
        _authenticity(*pair, train, search),
        *_data_copying(*pair, samples, train, heldout, seed, same_cell),
    )


def duplicate_table(
    samples: Tensor, train: Tensor, heldout: Tensor, radius: int = RADIUS
) -> tuple[Score, ...]:
    """Compute the shares of samples that are duplicates of training images, exactly and by hash.

    samples: (q, c, 32, 32), train: (n, c, 32, 32), heldout: (m, c, 32, 32), in [0, 1].  radius: differing bits of 64.
    Raises InputError for other shapes or NaN.
    """

    def distances(kind: Hash, x: Tensor) -> Tensor:
        return near_duplicates(x, train, kind).distance

    return duplicate_shares(
        samples, heldout, lambda x: exact_duplicates(x, train) >= 0, distances, radius=radius
    )


def duplicate_shares(
    samples: Tensor,
    heldout: Tensor,
    equal: Callable[[Tensor], Tensor],
    bits: Callable[[Hash, Tensor], Tensor],
    *,
    radius: int = RADIUS,
) -> tuple[Score, ...]:
    """Compute the shares of `duplicate_table` with functions in place of the training set.

    equal: images (b, c, 32, 32) -> (b,) whether a training image is equal.  bits: a hash and images -> (b,) fewest differing
    bits from the hash of a training image, over both mirror images.
    """
    ours, theirs = (_share(equal(x)) for x in (samples, heldout))
    rows = [_score("exact duplicates", ours, theirs.value, "share equal to a training image in every value")]
    what = f"share with a training image or its mirror image within {radius} of the hash's 64 bits"
    for kind, name in _HASHES:
        ours, theirs = (_share(bits(kind, x) <= radius) for x in (samples, heldout))
        rows.append(_score(f"{name} duplicates", ours, theirs.value, what))
    return tuple(rows)


_HASHES: tuple[tuple[Hash, str], ...] = (("dhash", "dHash"), ("phash", "pHash"))


def _ratios(to_train: Neighbors, heldout_to_train: Neighbors, alpha: float) -> list[Score]:
    ours, theirs = memorized_fraction(to_train), memorized_fraction(heldout_to_train)
    fixed = _score("f_mem", ours, theirs.value, "share with d₁ < d₂/3 to the training images")
    if len(heldout_to_train.distance) < enough_heldout(alpha):
        return [fixed]
    tuned = calibrated_share(to_train.ratio, heldout_to_train.ratio, alpha)
    return [fixed, _calibrated("f_mem", "d₁/d₂", tuned)]


def _carlini(to_train: Neighbors, heldout_to_train: Neighbors, alpha: float) -> list[Score]:
    count = min(COUNT, to_train.distance.shape[1], heldout_to_train.distance.shape[1])
    ours, theirs = carlini_share(to_train, count), carlini_share(heldout_to_train, count)
    what = f"share with d₁ below {ALPHA:g} times the mean distance of the {count} nearest training images"
    fixed = _score("Carlini", ours, theirs.value, what)
    if len(heldout_to_train.distance) < enough_heldout(alpha):
        return [fixed]
    return [
        fixed,
        _calibrated("Carlini", "that ratio", calibrated_carlini(to_train, heldout_to_train, alpha, count)),
    ]


def _dcr(to_train: Neighbors, samples: Tensor, train: Indexed, heldout: Tensor, seed: int) -> list[Score]:
    n, m = len(train), len(heldout)
    matched = dcr_share(samples, train, heldout, seed=seed)
    whole = train_share(to_train, nearest(samples, heldout, k=1), n, m)
    of_matched = f"share nearer to {min(n, m)} training images than to as many held-out ones"
    of_whole = f"share nearer to all {n} training images than to all {m} held-out ones"
    return [
        _score("DCR share", matched, 0.5, of_matched),
        _score("DCR share, all", whole, n / (n + m), of_whole),
    ]


def _authenticity(
    to_train: Neighbors,
    heldout_to_train: Neighbors,
    train: Indexed,
    search: Callable[[Tensor, int], Neighbors] | None,
) -> Score:
    other = nearest_other(train, torch.cat([to_train.index[:, 0], heldout_to_train.index[:, 0]]), search)
    ours, theirs = authenticity(to_train, other), authenticity(heldout_to_train, other)
    what = "percentage farther from their nearest training image than that one is from its own nearest"
    return _score("AuthPct", ours, theirs.value, what)


def _data_copying(
    to_train: Neighbors,
    heldout_to_train: Neighbors,
    samples: Tensor,
    train: Indexed,
    heldout: Tensor,
    seed: int,
    same_cell: bool,
) -> list[Score]:
    ours, theirs = to_train.distance[:, 0].cpu(), heldout_to_train.distance[:, 0].cpu()
    if same_cell:
        whole = train if isinstance(train, Tensor) else train[torch.arange(len(train))]
        of_train, *of_sets = cells(train, whole, samples, heldout, seed=seed)
        pairs = zip((samples, heldout), of_sets, strict=True)
        in_cell = [nearest_in_cell(whole, rows, of_train, of_rows) for rows, of_rows in pairs]
        result = data_copying(ours, theirs, *of_sets, within=(in_cell[0], in_cell[1]))
    else:
        result = data_copying(ours, theirs, *cells(train, samples, heldout, seed=seed))
    among = "of the same cluster" if same_cell else "of all clusters"
    what = "chance that a sample is nearer to its training image than a held-out image is to its own"
    rows = [
        _normal(
            "C_T, one cell", result.pooled.z, 1.0, len(ours), "Mann–Whitney score of d₁; copying: below 0"
        ),
        _score("C_T, AUC", result.auc, 0.5, what),
    ]
    if not result.cells:
        return rows
    least, k = min(cell.adjusted for cell in result.cells), len(result.cells)
    mean = (
        f"mean score of {k} clusters of more than {LEAST} samples, weighted by held-out images;"
        f" d₁ to the training images {among}"
    )
    smallest = f"smallest one-sided p-value of {k} clusters after Holm; not a distance"
    return [
        *rows,
        _normal("C_T", result.ct, result.ct_std, len(ours), mean),
        Score("C_T, Holm p", least, None, None, None, AGAINST, len(ours), smallest, "copying"),
        *(_of_cell(cell) for cell in result.cells),
    ]


def _of_cell(cell: CellTest) -> Score:
    what = f"Mann–Whitney score within a cluster, against its {cell.heldout} held-out images"
    return _normal(f"C_T, cluster {cell.label + 1}", cell.test.z, 1.0, cell.samples, what)


def _normal(name: str, value: float, std: float, count: int, definition: str) -> Score:
    """Make a score that is N(0, std²) under the null."""
    return Score(
        name, value, value - Z95 * std, value + Z95 * std, 0.0, AGAINST, count, definition, "copying"
    )


def _calibrated(name: str, ratio: str, calibrated: Calibrated) -> Score:
    what = f"share with {ratio} below {calibrated.threshold:.3g}, which a share of {calibrated.expected:.3g} of new images is"
    return _score(f"{name}, calibrated", calibrated.share, calibrated.expected, what)


def _score(name: str, value: Interval, reference: float, definition: str) -> Score:
    return Score(
        name, value.value, value.low, value.high, reference, AGAINST, value.count, definition, "copying"
    )


def _share(matched: Tensor) -> Interval:
    return proportion(int(matched.sum()), len(matched))


def _check(
    to_train: Neighbors, heldout_to_train: Neighbors, samples: Tensor, train: Indexed, heldout: Tensor
) -> None:
    tables = (to_train.distance, heldout_to_train.distance)
    fits = [len(table) for table in tables] == [len(samples), len(heldout)]
    if not fits or min(map(len, tables)) < 2 or min(table.shape[1] for table in tables) < 2:
        raise InputError(
            got=f"neighbor tables {tuple(tables[0].shape)} and {tuple(tables[1].shape)} of {len(samples)} samples and "
            f"{len(heldout)} held-out images",
            need="one row for each image, at least two rows and at least two neighbors",
            remedy="search with nearest(samples, train, k=50) and nearest(heldout, train, k=50)",
        )
    for name, table in zip(("the samples'", "the held-out images'"), tables, strict=True):
        check_finite(f"{name} distances", table)
    inside = all(int(table.index.max()) < len(train) for table in (to_train, heldout_to_train))
    if not inside or len(train) < CLUSTERS:
        raise InputError(
            got=f"neighbors among more than {len(train)} training images, or fewer than {CLUSTERS} training images",
            need="the training images that were searched",
            remedy="pass the tensor that was passed to nearest(…)",
        )
