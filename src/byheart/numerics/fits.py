"""Straight lines through points that come in groups.

    y = slope · x + intercept(group) + noise

Each group (a seed, for example) has its own intercept, so that an effect that all points of a seed share does not count as
noise of the slope.  The fit is least squares about the groups' means, which is equivalent (Frisch–Waugh).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from byheart._checks import InputError, check_open

__all__ = ["Fit", "line"]


@dataclass(frozen=True)
class Fit:
    """A fitted line: slope with its interval [low, high] and standard error.

    intercept: mean over the points of their groups' intercepts.  r2: share of the variation within groups that
    the slope explains.  count: number of points.  groups: number of groups.
    """

    slope: float
    low: float
    high: float
    stderr: float
    intercept: float
    r2: float
    count: int
    groups: int


def line(
    x: Sequence[float],
    y: Sequence[float],
    groups: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
) -> Fit:
    """Fit one slope and an intercept per group by least squares, with Student's t interval of the slope.

    x, y: one number per point (for a power law: the logarithms).  groups: the group of each point; None puts all points into one
    group.  The noise has count − groups − 1 degrees of freedom.

    Raises InputError for unequal lengths, NaN or infinity, no degree of freedom, or an x that is constant in
    every group.
    """
    labels = list(groups) if groups is not None else [0] * len(x)
    names = {label: number for number, label in enumerate(dict.fromkeys(labels))}
    freedom = len(x) - len(names) - 1
    across, up = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    _check(across, up, labels, freedom, confidence)
    from scipy.special import stdtrit

    group = np.array([names[label] for label in labels])
    dx, dy = _within(across, group), _within(up, group)
    _check_varies(dx, across)
    width, total = float(dx @ dx), float(dy @ dy)
    slope = float(dx @ dy) / width
    unexplained = float(np.square(dy - slope * dx).sum())
    stderr = math.sqrt(unexplained / freedom / width)
    half = float(stdtrit(freedom, (1 + confidence) / 2)) * stderr
    return Fit(
        slope=slope,
        low=slope - half,
        high=slope + half,
        stderr=stderr,
        intercept=float(up.mean() - slope * across.mean()),
        r2=1 - unexplained / total if total else 1.0,
        count=len(labels),
        groups=len(names),
    )


def _within(values: NDArray[np.float64], group: NDArray[np.intp]) -> NDArray[np.float64]:
    """Subtract the mean of its group from each value."""
    means: NDArray[np.float64] = np.bincount(group, values) / np.bincount(group)
    return values - means[group]


def _check(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    groups: Sequence[Hashable],
    freedom: int,
    confidence: float,
) -> None:
    if not len(x) == len(y) == len(groups):
        raise InputError(
            got=f"{len(x)} x, {len(y)} y and {len(groups)} groups",
            need="equally many x, y and groups",
            remedy="give every point an x, a y and a group",
        )
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise InputError(
            got="points that are NaN or infinite", need="finite x and y", remedy="leave these points out"
        )
    if freedom < 1:
        raise InputError(
            got=f"{len(x)} points in {len(set(groups))} groups",
            need="at least 2 points more than groups",
            remedy="add points, or fit all groups with one intercept (groups=None)",
        )
    check_open("confidence", confidence, 1, remedy="write 0.95 for 95 %")


def _check_varies(dx: NDArray[np.float64], x: NDArray[np.float64]) -> None:
    # Equal values differ from their mean by rounding, which must not count as a width.
    if np.linalg.norm(dx) <= 1e-12 * np.linalg.norm(x):
        raise InputError(
            got="an x that is constant within every group",
            need="at least two values of x in some group",
            remedy="measure at other values of x",
        )
