import math

import numpy as np
import pytest

from byheart._checks import InputError
from byheart.analysis.collapse_quality import Series, best_exponents, collapse, spread

STEPS = np.geomspace(10, 100_000, 400)


def sigmoid(x, center):
    return 1 / (1 + (center / np.asarray(x)) ** 2)


def clocks(power, n=(64, 128, 256), seeds=(0,), wobble=0.0):
    """Curves whose time goes like n^power; `wobble` moves each size and seed."""
    shift = {(m, seed): 10 * m**power * (1 + wobble * ((m // 64 + seed) % 3)) for m in n for seed in seeds}
    return [Series(m, seed, list(STEPS), list(sigmoid(STEPS, center))) for (m, seed), center in shift.items()]


def test_spread_of_two_levels_is_half_their_distance():
    assert spread([([1, 10, 100], [0, 0, 0]), ([1, 100], [1, 1])]) == pytest.approx(0.5)


def test_spread_counts_the_common_range_in_log_x_only():
    # they differ below 10 only, where the second curve was not measured
    assert spread([([1, 10, 1000], [5, 0, 0]), ([10, 1000], [0, 0])]) == 0
    # a ramp against zero over one decade: the mean square of (u / 2)² is 1/12
    assert spread([([1, 10], [0, 1]), ([1, 10], [0, 0])]) == pytest.approx(math.sqrt(1 / 12), rel=5e-3)
    # the same ramp over the second of two decades: half of log x
    assert spread([([1, 10, 100], [0, 0, 1]), ([1, 100], [0, 0])]) == pytest.approx(
        math.sqrt(1 / 24), rel=5e-3
    )


def test_missing_numbers_and_step_zero_are_left_out():
    assert spread([([0, 1, 5, 100], [9, 0, None, 0]), ([1, 5, 100], [1, math.nan, 1])]) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("x", "said"),
    [
        ([1, math.nan, 3], "not finite and increasing"),
        ([1, 2, math.inf], "not finite and increasing"),
        ([3, 1, 2], "not finite and increasing"),
        ([1, 2], "2 steps"),
    ],
    ids=str,
)
def test_curves_over_bad_places_are_refused(x, said):
    with pytest.raises(InputError, match=said):
        spread([(x, [0, 1, 2]), ([1, 2, 3], [0, 1, 2])])


def test_curves_that_share_nothing_have_no_spread():
    assert math.isnan(spread([([1, 2], [0, 1]), ([3, 4], [0, 1])]))
    assert math.isnan(spread([([1, 2], [0, 1])]))


def test_times_proportional_to_n_collapse():
    found = collapse(clocks(power=1))
    assert found.after < 1e-3 * found.before
    assert found.ratio == pytest.approx(found.before / found.after)
    assert (found.low, found.high, found.count, found.sizes) == (None, None, 3, (64, 128, 256))


def test_times_that_ignore_n_do_not():
    found = collapse(clocks(power=0, wobble=0.1))
    assert found.ratio < 0.5


def test_identical_curves_stay_finite():
    same = [Series(n, 0, [n, 10.0 * n, 100 * n], [0, 0.5, 1]) for n in (64, 128)]
    assert math.isfinite(collapse(same).ratio)


def test_the_interval_is_over_seeds():
    found = collapse(clocks(power=1, seeds=(0, 1, 2), wobble=0.05))
    alone = [
        collapse([curve for curve in clocks(1, seeds=(0, 1, 2), wobble=0.05) if curve.seed == s])
        for s in range(3)
    ]
    assert found.ratio == pytest.approx(math.prod(one.ratio for one in alone) ** (1 / 3))
    assert found.low < min(one.ratio for one in alone) and max(one.ratio for one in alone) < found.high
    assert found.count == 9


def test_nothing_to_compare_is_nan():
    flat = [Series(n, 0, [1, 10], [0, 0]) for n in (64, 128)]
    for series in ([], flat, clocks(power=1, n=(64,))):
        found = collapse(series)
        assert math.isnan(found.ratio) and (found.low, found.count) == (None, 0)


@pytest.mark.parametrize("power", [0.5, 1.0, 1.5])
def test_the_best_exponent_is_that_of_the_times(power):
    assert best_exponents(clocks(power, seeds=(0, 1))) == [power, power]
    assert collapse(clocks(power), power).ratio > 100 * collapse(clocks(power), power + 0.5).ratio


def test_a_factor_does_not_single_out_its_exponent():
    """Times that go like n^1.5 come closer over tau / n, too: by more than 1.5."""
    assert collapse(clocks(1.5)).ratio > 1.5
    assert collapse(clocks(1.5), 1.5).ratio > collapse(clocks(1.5)).ratio


def test_a_best_exponent_at_the_end_of_the_range_is_none():
    flat = [Series(n, 0, [1, 10], [0, 0]) for n in (64, 128)]
    for series in (clocks(2.5), flat, clocks(1, n=(64,))):
        assert best_exponents(series) == [None]
