"""The starts of the M centers, which decide whether the trained model memorizes.

    M training points         S1's initialization: every center keeps at least one point, most keep exactly one
    nearest pairs             N − M pairs as averages, the other points alone: a lower loss than training reaches from there
    noise, fresh samples      nearly half of the centers get no point, and hardly any sits on one: no memorization at 4/5 N

Fresh samples of the population, (r, m, d), are drawn by the caller.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from byheart._checks import InputError
from byheart.random import derive
from byheart.theory.lloyd import as_points, check_count, check_seeds

__all__ = ["gaussian_starts", "paired_starts", "training_starts"]

Array = NDArray[np.float64]


def training_starts(points: ArrayLike, m: int, seeds: Sequence[int]) -> Array:
    """Choose M different training points for every seed, (r, m, d): S1's initialization."""
    x = as_points(points)
    check_count(m, len(x))
    check_seeds(seeds)
    return np.stack([x[np.random.default_rng(derive(s, "starts")).permutation(len(x))[:m]] for s in seeds])


def gaussian_starts(m: int, d: int, seeds: Sequence[int]) -> Array:
    """Draw standard normal centers for every seed, (r, m, d); from such starts hardly any center ends on a single point."""
    if m < 1 or d < 1:
        raise InputError(
            got=f"M = {m}, d = {d}", need="both at least 1", remedy="give whole numbers from 1 on"
        )
    check_seeds(seeds)
    return np.stack([np.random.default_rng(derive(s, "gaussian")).standard_normal((m, d)) for s in seeds])


def paired_starts(points: ArrayLike, m: int) -> Array:
    """Return the N − M nearest pairs as averages, chosen greedily, and all other points unchanged: (1, m, d), for M ≥ N/2.

    Lloyd's iteration ends with a lower variance from these starts than from training points.
    Raises InputError for M < N/2.
    """
    x = as_points(points)
    n = len(x)
    check_count(m, n)
    if 2 * m < n:
        raise InputError(
            got=f"M = {m} of N = {n}", need="M ≥ N/2 to pair points", remedy="use training_starts"
        )
    row, column = np.triu_indices(n, 1)
    norms = np.square(x).sum(1)
    order = np.argsort((norms[:, None] + norms - 2 * (x @ x.T))[row, column], kind="stable")
    free = np.ones(n, dtype=bool)
    pairs: list[Array] = []
    for i, j in zip(row[order], column[order], strict=True):
        if len(pairs) == n - m:
            break
        if free[i] and free[j]:
            free[[i, j]] = False
            pairs.append((x[i] + x[j]) / 2)
    return np.concatenate([x[free], *(pair[None] for pair in pairs)])[None]
