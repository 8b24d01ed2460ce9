"""The weighting fit: its gradient, what it can and cannot do, and the error of reading a transition."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import check_grad

from byheart._checks import InputError
from byheart.theory import weighting
from byheart.theory.crossover import crossover, snr, times
from byheart.theory.weighting import Cell, approximate_cell, fit_weighting, reading_floor

SNR = snr(times())
HALF_A_STEP = 0.026  # p ends on one M of the grid: λ is then free within its step


def cells(seed=0, spread=0.011, center=0.804, factor=2.0):
    """Transitions as they were measured, over 16 of S1's cells: a constant and noise."""
    rng = np.random.default_rng(seed)
    return [
        approximate_cell(
            n, range(n // 20, n + 1, n // 20), center + spread * rng.normal(), SNR, d, factor=factor
        )
        for n in (60, 100, 140, 200)
        for d in (30, 40, 50, 60)
    ]


def test_difference_of_losses_by_hand():
    (cell, *_) = cells()
    assert cell.difference.shape == (20, 26)
    assert cell.difference[4, 16] == pytest.approx(2 * (1 - 15 / 60) - 1 / (1 + SNR[16]))


def test_gradient_is_that_of_the_objective():
    some, at = cells(), np.random.default_rng(1).normal(-2, 0.3, 26)

    def part(place):
        return lambda logs: weighting._objective(logs, some, 1 / 20, 1e-3)[place]

    norm = np.linalg.norm(part(1)(at))
    assert norm > 1e-3 and check_grad(part(0), part(1), at) < 1e-5 * norm


def test_a_fit_is_a_constant():
    fit = fit_weighting(cells(), cells(seed=1))
    assert fit.constraints == 1  # 26 unknowns enter by one number
    assert np.std(fit.predicted) < 0.003
    assert fit.constant == pytest.approx(0.804, abs=0.01)
    assert crossover(fit.weights, SNR) == pytest.approx(fit.constant, abs=HALF_A_STEP)
    assert fit.constant_error == pytest.approx(np.var([cell.transition for cell in cells()]))
    assert fit.constant_heldout_error == pytest.approx(
        np.mean([(cell.transition - fit.constant) ** 2 for cell in cells(seed=1)])
    )
    # Within the floor of each other: neither beats the noise of the transitions.
    assert fit.error == pytest.approx(fit.constant_error, abs=fit.floor)
    assert fit.heldout_error == pytest.approx(fit.constant_heldout_error, abs=fit.floor)
    assert fit.floor == pytest.approx(0.05**2 / 12)


@pytest.mark.parametrize("center", [0.6, 0.9])
def test_any_constant_can_be_fitted(center):
    fit = fit_weighting(cells(center=center))
    assert crossover(fit.weights, SNR) == pytest.approx(center, abs=HALF_A_STEP)
    assert fit.heldout_error is None and fit.constant_heldout_error is None


def test_losses_of_two_kinds_are_two_constraints():
    shares = np.linspace(0.1, 1, 19)
    rng = np.random.default_rng(0)
    rows = [2 * (1 - shares[:, None]) - rng.uniform(0.1, 0.7, 26) for _ in range(2)]
    fit = fit_weighting([Cell(shares, row, 0.8) for row in rows])
    assert fit.constraints == 2


def test_a_perfect_reading_errs_by_its_grid():
    at, memorized = np.linspace(0.1, 1, 1801), (np.linspace(0.1, 1, 1801) > 0.8).astype(float)
    assert reading_floor(at, memorized, 0.036) == pytest.approx(0.036**2 / 12, rel=0.02)


@pytest.mark.parametrize("samples", [50, 2])
def test_few_samples_blur_a_reading(samples):
    at, memorized = np.linspace(0.1, 1, 91), np.clip((np.linspace(0.1, 1, 91) - 0.65) / 0.3, 0, 1)
    rng, step = np.random.default_rng(0), 0.035
    reads = []
    for _ in range(8_000):
        grid = np.append(np.arange(0.1 + step * rng.random(), 1, step), 1.0)
        seen = rng.binomial(samples, np.interp(grid, at, memorized)) >= samples / 2
        reads.append(grid[np.argmax(seen)])
    assert reading_floor(at, memorized, step, samples) == pytest.approx(np.var(reads), rel=0.05)


@pytest.mark.parametrize(
    ("call", "need"),
    [
        (lambda: fit_weighting([]), "at least one"),
        (lambda: fit_weighting([replace(cells()[0], transition=0.0)]), "transition in (0, 1]"),
        (lambda: fit_weighting(cells(), [Cell(np.ones(3), np.ones((3, 2)), 0.5)]), "(m, 26)"),
        (lambda: fit_weighting(cells(), temperature=0.0), "> 0"),
        (lambda: reading_floor([0.1, 0.5], [0.0, 1.0], 0.9), "step below"),
        (lambda: reading_floor([0.5, 0.1], [0.0, 1.0], 0.1), "increasing"),
    ],
)
def test_what_makes_no_sense_is_refused(call, need):
    with pytest.raises(InputError) as refused:
        call()
    assert need in refused.value.need
