"""The weighting under which stored points and the population cross where training was seen to memorize: S1's fit.

For every cell (N, d, K), with g the difference of the two losses per coordinate and unit variance, at the times of a grid:

    S(M) = Σ_t λ(t) g(M, t)        p = softmax over M of −S²/τ        M̄ = Σ M p
    minimize over λ > 0            Σ_cells (M̄/N − M_pt/N)² + β Σ_cells entropy(p)

(S1, equations 22 and 311, τ = 1/20, β = 10⁻³; the entropy makes p sharp.)  Read the result with care.  The formulas of
`byheart.theory.crossover` give all cells one and the same crossover, so the unknown λ, 26 numbers, enters by one number only.
Such a fit is a constant, and a small error says that M_pt/N is constant, not that λ explains M_pt.  Therefore a `Fit` always
holds the error of the best constant, the number of effective constraints, and the error of reading M_pt off a grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from byheart._checks import InputError
from byheart.theory.crossover import excess_partial, excess_true

__all__ = ["Cell", "Fit", "approximate_cell", "fit_weighting", "reading_floor"]

Array = NDArray[np.float64]

TEMPERATURE, SHARPNESS = 1 / 20, 1e-3
SCALES = (1.0, 4.0, 16.0)  # Σ λ at the start, which decides how sharp p is
RANGE = (-12.0, 6.0)  # of log λ: where p is flat, the gradient may send a step anywhere
WORTH = 0.01  # share of the largest singular value below which a direction of λ is no constraint


@dataclass(frozen=True, eq=False)
class Cell:
    """One cell (N, d, K) of the fit.

    shares: M/N, (m,), increasing.  difference: (m, t), loss of M stored points minus the true denoiser's loss, over d s.
    transition: the observed M_pt/N.
    """

    shares: Array
    difference: Array
    transition: float


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted weighting, and what the fit is worth.

    weights: λ, (t,).  predicted: M̄/N of every cell.  error: mean square error of the predictions.
    heldout_error: the same on cells that were not fitted, None without such cells.
    constant: mean M_pt/N of the fitted cells.  constant_error, constant_heldout_error: the errors of that constant alone.
    constraints: number of directions of λ that the predictions depend on.  floor: error of a perfect prediction.
    """

    weights: Array
    predicted: tuple[float, ...]
    error: float
    constant: float
    constant_error: float
    constraints: int
    floor: float
    heldout_error: float | None
    constant_heldout_error: float | None


def approximate_cell(
    n: int,
    models: Sequence[int],
    transition: float,
    snr: ArrayLike,
    d: int,
    variance: float = 1.0,
    factor: ArrayLike = 2.0,
) -> Cell:
    """Make a cell whose losses are the formulas of `byheart.theory.crossover`.

    models: M, (m,).  snr: ψ, (t,).  factor: C, one number or one for every M.
    """
    stored = excess_partial(models, n, d, variance, factor)
    difference = (stored[:, None] - excess_true(snr, d, variance)) / (d * variance)
    return Cell(np.asarray(models, dtype=np.float64) / n, difference, transition)


def fit_weighting(
    cells: Sequence[Cell],
    heldout: Sequence[Cell] = (),
    *,
    temperature: float = TEMPERATURE,
    sharpness: float = SHARPNESS,
    floor: float | None = None,
) -> Fit:
    """Fit λ to the transitions of the cells, and compare the fit with a constant.

    temperature, sharpness: τ and β.  floor: mean square of the error with which M_pt/N was read, see `reading_floor`; None takes
    step²/12 of the cells' grids.  Raises InputError for no cells, cells that do not fit together, or τ ≤ 0 or β < 0.
    """
    _check(cells, heldout)
    if not (temperature > 0 and sharpness >= 0):
        raise InputError(
            got=f"temperature {temperature}, sharpness {sharpness}",
            need="temperature > 0 and sharpness ≥ 0",
            remedy="S1 takes 1/20 and 1e-3",
        )
    weights = _descend(cells, temperature, sharpness)
    predicted, unseen = (_predictions(weights, group, temperature) for group in (cells, heldout))
    target, unseen_target = (np.array([cell.transition for cell in group]) for group in (cells, heldout))
    constant = float(target.mean())
    return Fit(
        weights=weights,
        predicted=tuple(predicted.tolist()),
        error=float(np.square(predicted - target).mean()),
        constant=constant,
        constant_error=float(np.square(target - constant).mean()),
        constraints=_constraints(weights, cells),
        floor=float(np.mean([_step(cell) ** 2 / 12 for cell in cells])) if floor is None else floor,
        heldout_error=float(np.square(unseen - unseen_target).mean()) if len(unseen_target) else None,
        constant_heldout_error=float(np.square(unseen_target - constant).mean())
        if len(unseen_target)
        else None,
    )


def reading_floor(
    shares: ArrayLike, memorized: ArrayLike, step: float, samples: int = 50, level: float = 0.5
) -> float:
    """Compute the variance of M_pt/N as S1 reads it: the first M of a grid at which half of a few samples are memorized.

    shares: M/N, (m,), increasing.  memorized: the true share at each, (m,), linear in between and 1 at the end.
    step: of the grid, in M/N; the grid begins anywhere with equal probability.  samples: S1 has 50.
    Raises InputError for shapes that do not fit, or a step beyond the range of the shares.
    """
    from scipy.special import bdtrc

    grid, curve = np.asarray(shares, dtype=np.float64), np.asarray(memorized, dtype=np.float64)
    if (
        grid.ndim != 1
        or grid.shape != curve.shape
        or (np.diff(grid) <= 0).any()
        or not 0 < step <= np.ptp(grid)
    ):
        raise InputError(
            got=f"{grid.shape} shares, {curve.shape} ratios, step {step}",
            need="one ratio for each of the increasing M/N, and a step below their range",
            remedy="take shares and ratios from memorization_curve",
        )
    needed = int(np.ceil(level * samples - 1e-9))
    offsets = (np.arange(32) + 0.5) / 32 * step
    grids = grid[0] + offsets[:, None] + step * np.arange(int(np.ptp(grid) / step) + 2)
    grids = np.minimum(grids, grid[-1])
    passed = bdtrc(needed - 1, samples, np.interp(grids, grid, curve))
    before = np.cumprod(1 - passed, axis=1)
    first = passed * np.concatenate([np.ones((32, 1)), before[:, :-1]], axis=1)
    mass = first / first.sum()
    mean = (mass * grids).sum()
    return float((mass * np.square(grids - mean)).sum())


def _objective(
    logs: Array, cells: Sequence[Cell], temperature: float, sharpness: float
) -> tuple[float, Array]:
    """Compute the sum that is minimized, and its gradient in log λ."""
    weights, value, gradient = np.exp(logs), 0.0, np.zeros_like(logs)
    for cell in cells:
        p, logits = _softmin(weights, cell, temperature)
        gap, entropy = float(p @ cell.shares) - cell.transition, -float(p @ logits)
        value += gap**2 + sharpness * entropy
        outer = 2 * gap * (cell.shares - p @ cell.shares) - sharpness * (logits + entropy)
        gradient += (p * outer) @ _slopes(weights, cell, temperature)
    return value, gradient * weights


def _descend(cells: Sequence[Cell], temperature: float, sharpness: float) -> Array:
    """Find the λ of the smallest objective from several scales.

    Each scale is first fitted without the entropy, which would otherwise decide before the error does.
    """
    from scipy.optimize import minimize

    count = cells[0].difference.shape[1]
    ends = []
    for scale in SCALES:
        logs = np.full(count, np.log(scale / count))
        for weight in (0.0, sharpness):
            end = minimize(
                _objective, logs, (cells, temperature, weight), "L-BFGS-B", jac=True, bounds=[RANGE] * count
            )
            logs = end.x
        ends.append(end)
    best = min(ends, key=lambda end: float(end.fun))
    return np.exp(np.asarray(best.x, dtype=np.float64))


def _predictions(weights: Array, cells: Sequence[Cell], temperature: float) -> Array:
    """Compute M̄/N for every cell, (c,)."""
    return np.array([_softmin(weights, cell, temperature)[0] @ cell.shares for cell in cells])


def _softmin(weights: Array, cell: Cell, temperature: float) -> tuple[Array, Array]:
    """Compute p over M, (m,), and log p."""
    logits = -np.square(cell.difference @ weights) / temperature
    logits -= logits.max()
    logits -= np.log(np.exp(logits).sum())
    return np.exp(logits), logits


def _slopes(weights: Array, cell: Cell, temperature: float) -> Array:
    """Compute the derivatives of −S²/τ in λ, (m, t)."""
    return -2 / temperature * (cell.difference @ weights)[:, None] * cell.difference


def _constraints(weights: Array, cells: Sequence[Cell]) -> int:
    """Count the numbers of λ that the crossovers depend on: the rank of the derivatives, in log λ, of the zero of S."""
    rows = [row for cell in cells if (row := _sensitivity(weights, cell)) is not None]
    if not rows:
        return 0
    values = np.linalg.svd(np.stack(rows), compute_uv=False)
    return int((values > WORTH * values[0]).sum())


def _sensitivity(weights: Array, cell: Cell) -> Array | None:
    """Compute dM*/d log λ over N, (t,), for the linearly interpolated zero of S; None if S keeps its sign."""
    sums = cell.difference @ weights
    changes = np.flatnonzero((sums[:-1] > 0) & (sums[1:] <= 0))
    if not len(changes):
        return None
    before = int(changes[0])
    fall = float(sums[before] - sums[before + 1])
    share = float(sums[before]) / fall
    between = (1 - share) * cell.difference[before] + share * cell.difference[before + 1]
    return np.asarray(weights * between * (cell.shares[before + 1] - cell.shares[before]) / fall)


def _step(cell: Cell) -> float:
    """Return the width of the grid's interval in which the transition lies."""
    after = int(np.clip(np.searchsorted(cell.shares, cell.transition), 1, len(cell.shares) - 1))
    return float(cell.shares[after] - cell.shares[after - 1])


def _check(cells: Sequence[Cell], heldout: Sequence[Cell]) -> None:
    if not cells:
        raise InputError(got="no cell", need="at least one", remedy="make cells with approximate_cell")
    count = cells[0].difference.shape[-1]
    for cell in (*cells, *heldout):
        fits = cell.difference.shape == (len(cell.shares), count) and len(cell.shares) > 1
        if not fits or not np.isfinite(cell.difference).all() or not 0 < cell.transition <= 1:
            raise InputError(
                got=f"differences {cell.difference.shape} at {len(cell.shares)} M/N, transition {cell.transition}",
                need=f"finite (m, {count}), m ≥ 2, and a transition in (0, 1]",
                remedy="measure all cells on one grid of times",
            )
