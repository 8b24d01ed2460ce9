import math

import numpy as np
import pytest
from scipy import stats

from byheart._checks import InputError
from byheart.analysis.scaling import exponent

PUBLISHED = {  # time -> ({n: steps of seeds 0 and 1}, slope and standard error), digits, width 512
    "tau_mem@0.1": ({64: (513, 500), 128: (1123, 1021), 256: (2277, 2408)}, 1.10, 0.03),
    "tau_split@0.1": ({64: (215, 221), 128: (430, 422), 256: (930, 940)}, 1.05, 0.03),
    "tau_gen@0.1": ({32: (154, 157), 64: (111, 112), 128: (143, 134), 256: (165, 151)}, 0.04, 0.08),
}


@pytest.mark.parametrize("rule", PUBLISHED)
def test_slopes_of_the_published_times(rule):
    times, slope, error = PUBLISHED[rule]
    runs = [(n, seed, step) for n, steps in times.items() for seed, step in enumerate(steps)]
    found = exponent(
        [n for n, _, _ in runs], [step for _, _, step in runs], [seed for _, seed, _ in runs], rule
    )
    assert (round(found.value, 2), round(found.stderr, 2)) == (slope, error)
    assert (found.count, found.missing, found.sizes) == (len(runs), 0, tuple(times))
    assert found.low < found.value < found.high


def test_one_seed_is_ordinary_regression():
    n, tau = [32, 64, 128, 256], [100.0, 230, 390, 850]
    ours, theirs = exponent(n, tau, [0] * 4), stats.linregress(np.log(n), np.log(tau))
    assert ours.value == pytest.approx(theirs.slope)
    assert ours.high - ours.value == pytest.approx(theirs.stderr * stats.t.ppf(0.975, 2))
    assert ours.at(64) == pytest.approx(math.exp(theirs.intercept) * 64**theirs.slope)


def test_a_seed_that_is_slower_throughout_changes_neither_slope_nor_interval():
    n, tau = [32, 64, 128] * 2, [100.0, 230, 390, 110, 200, 410]
    even = exponent(n, tau, [0, 0, 0, 1, 1, 1])
    slow = exponent(n, [*tau[:3], *(3 * step for step in tau[3:])], [0, 0, 0, 1, 1, 1])
    assert (slow.value, slow.low, slow.high) == pytest.approx((even.value, even.low, even.high))


def test_times_that_never_came_are_counted():
    found = exponent([32, 64, 128, 256], [100.0, 200, 400, None], [0] * 4)
    assert found.value == pytest.approx(1)
    assert (found.count, found.missing, found.sizes) == (3, 1, (32, 64, 128))


@pytest.mark.parametrize("tau", [[None] * 4, [100, 200, None, None], [100, None, 100, None]], ids=str)
def test_too_few_points_have_no_slope(tau):
    found = exponent([32, 64, 32, 64], tau, [0, 0, 1, 1])
    assert math.isnan(found.value) and math.isnan(found.low) and found.missing >= 2


def drawn(repeats, between, seeds=5, sizes=(64, 128, 256, 512), noise=0.05):
    """Fits of made-up times whose exponents are normal around 1 with the spread `between`, seed by seed."""
    draws = np.random.default_rng(0)
    for _ in range(repeats):
        own, shift = 1 + between * draws.standard_normal(seeds), draws.standard_normal(seeds)
        runs = [(n, seed) for n in sizes for seed in range(seeds)]
        logs = [shift[seed] + own[seed] * math.log(n) + noise * draws.standard_normal() for n, seed in runs]
        yield exponent([n for n, _ in runs], list(np.exp(logs)), [seed for _, seed in runs])


def coverage(intervals):
    return float(np.mean([each.low <= 1 <= each.high for each in intervals]))


def test_the_interval_over_seeds_holds_where_exponents_differ_between_seeds():
    fits = list(drawn(2000, between=0.1))
    assert coverage([fit.over_seeds for fit in fits]) == pytest.approx(0.95, abs=0.02)
    assert 0.5 < coverage(fits) < 0.8  # the interval given these seeds is not about others, as its words say
    assert fits[0].over_seeds.count == 5


def test_both_intervals_hold_where_all_seeds_have_one_exponent():
    fits = list(drawn(1000, between=0.0))
    assert coverage(fits) == pytest.approx(0.95, abs=0.02)
    assert coverage([fit.over_seeds for fit in fits]) == pytest.approx(0.95, abs=0.02)


def test_the_value_over_seeds_is_the_mean_of_their_slopes():
    n, tau = [32, 64, 128, 32, 64, 128, 64], [100.0, 200, 400, 10.0, 40, 160, 5]
    found = exponent(n, tau, [0, 0, 0, 1, 1, 1, 2]).over_seeds  # the third seed has one size, and no slope
    assert (found.value, found.count) == (pytest.approx(1.5), 2)
    assert found.high - found.value == pytest.approx(0.5 * stats.t.ppf(0.975, 1))


def test_seeds_of_one_size_each_have_no_slope():
    found = exponent([64, 64, 128, 128], [1.0, 2.0, 3.0, 4.0], [0, 0, 1, 1])
    assert math.isnan(found.value) and found.over_seeds is None
    one_seed = exponent([64, 128, 256], [1.0, 2.0, 4.0], [0, 0, 0])
    assert one_seed.value == pytest.approx(1) and one_seed.over_seeds is None


@pytest.mark.parametrize("bad", [0, -1, math.nan, math.inf], ids=str)
def test_sizes_and_times_that_are_no_positive_numbers_are_refused(bad):
    with pytest.raises(InputError, match=f"a time of {bad:g};"):
        exponent([32, 64, 128], [1.0, bad, 2.0], [0, 0, 0])
    for time in (2.0, None):
        with pytest.raises(InputError, match=f"a size of {bad:g};"):
            exponent([32, bad, 128], [1.0, time, 2.0], [0, 0, 0])


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="one size, one time and one seed"):
        exponent([32, 64], [1.0], [0, 0])
    with pytest.raises(InputError, match="positive"):
        exponent([32, 64, 128], [1.0, 0.0, 2.0], [0, 0, 0])
