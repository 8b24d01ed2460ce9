"""Excess losses and their crossover: closed forms, S1's grid, limits."""

import math

import numpy as np
import pytest

from byheart._checks import InputError
from byheart.theory.crossover import (
    PUBLISHED_WEIGHTING,
    WEIGHTINGS,
    crossover,
    crossover_spectrum,
    excess_partial,
    excess_spectrum,
    excess_true,
    named_weighting,
    smallest_snr,
    snr,
    times,
)


def test_the_grid_is_the_papers():
    grid = times()
    assert len(grid) == 26 and grid[0] == 0.999 and grid[-1] == 0.001
    assert grid[16] == pytest.approx(0.36028) and snr(grid[16]) == pytest.approx(6.704, abs=1e-3)


def test_losses_at_a_point_by_hand():
    assert excess_true(6.704, 50) == pytest.approx(50 / 7.704)
    assert excess_true(3.0, 10, variance=0.5) == pytest.approx(10 * 0.5 / 2.5)
    assert excess_true(0.0, 10, variance=0.5) == 5.0
    assert excess_partial(150, 200, 50, 0.5, 1.5) == pytest.approx(1.5 * 0.25 * 50 * 0.5)
    assert excess_partial([1, 200], 200, 50).tolist() == pytest.approx([2 * 199 / 200 * 50, 0])


def test_validity_starts_at_the_published_time():
    assert smallest_snr(50) == pytest.approx(0.306, abs=1e-3)
    assert 1 / math.sqrt(1 + smallest_snr(50)) == pytest.approx(0.875, abs=1e-3)


@pytest.mark.parametrize("t", [0.05, 0.4, 0.9])
def test_weightings_convert_a_loss_of_x0(t):
    # One error e of x₀: that of ε is α/σ e, of v = α' x₀ + σ' ε it is α' e − σ' (α/σ) e, of the score α/σ² e.
    alpha, sigma = math.sqrt(1 - t * t), t
    slope = -t / alpha
    errors = {"x0": 1, "eps": alpha / sigma, "v": slope - alpha / sigma, "score": alpha / sigma**2}
    for name, error in errors.items():
        assert named_weighting(name, [t])[0] == pytest.approx(error**2)


def test_crossover_is_where_the_two_losses_meet():
    grid, rng = snr(times()), np.random.default_rng(0)
    for factor, variance in ((1.0, 1.0), (1.45, 0.3), (2.0, 4.0)):
        weights = rng.exponential(size=26)
        share = crossover(weights, grid, variance, factor)
        stored = factor * (1 - share) * 40 * variance
        assert weights.sum() * stored == pytest.approx(weights @ excess_true(grid, 40, variance))
        assert crossover(7 * weights, grid, variance, factor) == pytest.approx(share, rel=1e-14)


def test_all_weight_on_one_time():
    assert crossover([1.0], [3.0], 1.0, 2.0) == pytest.approx(1 - 1 / 8)
    assert crossover([0.0, 1.0], [1e9, 0.0], 1.0, 1.0) == pytest.approx(0.0)


def test_the_intrinsic_dimension_counts():
    ratio = np.array([0.5, 6.704])
    assert excess_spectrum(ratio, [0.3] * 7) == pytest.approx(excess_true(ratio, 7, 0.3))
    low_rank = [[60.0, 60.0, 60.0, *[0.0] * 672], [90.0, 90.0, 90.0, *[0.0] * 672]]
    assert excess_spectrum(6.704, low_rank) == pytest.approx(3 / 6.704, rel=0.01)
    assert excess_spectrum(2.0, [[1.0], [4.0]]) == pytest.approx((1 / 3 + 4 / 9) / 2)
    weights = np.array([1.0, 2.0])
    assert crossover_spectrum(weights, ratio, [0.3, 0.3, 0.0]) == pytest.approx(
        crossover(weights, ratio, 0.3)
    )


@pytest.mark.parametrize(
    ("call", "need"),
    [
        (lambda: times(1), "2 times"),
        (lambda: snr([0.0, 0.5]), "0 < t < 1"),
        (lambda: excess_true(-1.0, 5), "ψ"),
        (lambda: excess_true(1.0, 0), "d > 0"),
        (lambda: excess_true(1.0, 5, 0.0), "variance > 0"),
        (lambda: excess_partial(0, 10, 5), "1 ≤ M ≤ N"),
        (lambda: excess_partial(11, 10, 5), "1 ≤ M ≤ N"),
        (lambda: crossover([1.0, 1.0], [1.0]), "every time"),
        (lambda: crossover([-1.0, 2.0], [1.0, 2.0]), "every time"),
        (lambda: crossover([0.0], [1.0]), "above 0"),
        (lambda: crossover([1.0], [1.0], 0.0), "variance > 0"),
        (lambda: crossover([1.0], [1.0], factor=0.0), "factor > 0"),
        (lambda: crossover_spectrum([1.0], [1.0], [0.0, 0.0]), "not all 0"),
        (lambda: named_weighting("noise", [0.5]), "one of"),
        (lambda: named_weighting("published", times()[::-1]), "26"),
        (lambda: smallest_snr(0), "d > 0"),
    ],
)
def test_what_makes_no_sense_is_refused(call, need):
    with pytest.raises(InputError) as refused:
        call()
    assert need in refused.value.need


def test_the_published_weighting_is_a_bell_over_the_grid():
    weights = named_weighting("published", times())
    assert weights.argmax() == 10 and snr(times())[10] == pytest.approx(1.78, abs=0.01)
    assert len(PUBLISHED_WEIGHTING) == 26 and set(WEIGHTINGS) == {"x0", "eps", "v", "score", "published"}
