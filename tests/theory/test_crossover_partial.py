"""The factor C: against simulation, elementary cases and the published range."""

import math

import numpy as np
import pytest

from byheart._checks import InputError
from byheart.theory.partial import coupon_bound, crossover_finite, finite_factor, quick_factor


def simulated(d, m, components, weights=None, draws=6000, seed=0):
    """The definition, drawn: a point, the stored points of its component, the nearest of them."""
    rng = np.random.default_rng(seed)
    shares = np.full(components, 1 / components) if weights is None else np.array(weights)
    found = []
    for p in rng.choice(shares, size=draws, p=shares):
        kept = rng.binomial(m, p)
        point = rng.normal(size=d)
        near = np.square(rng.normal(size=(kept, d)) - point).sum(1)
        found.append(near.min() / d if kept else 4.0)
    return np.mean(found), np.std(found) / math.sqrt(draws)


@pytest.mark.parametrize(("d", "m", "k"), [(50, 20, 12), (50, 180, 12), (3, 20, 4), (10, 5, 1)])
def test_factor_is_the_mean_distance_of_the_nearest(d, m, k):
    mean, error = simulated(d, m, k)
    assert finite_factor(d, m, k) == pytest.approx(mean, abs=4 * error)


def test_factor_of_unequal_components():
    weights = [0.7, 0.2, 0.1]
    mean, error = simulated(20, 12, 3, weights)
    assert finite_factor(20, 12, 3, weights) == pytest.approx(mean, abs=4 * error)
    assert finite_factor(20, 12, 3, [1 / 3] * 3) == pytest.approx(finite_factor(20, 12, 3), rel=1e-12)


def test_elementary_cases():
    assert finite_factor(7, 1, 1) == pytest.approx(2.0, rel=1e-9)  # one stored point: ‖x − y‖² has mean 2d
    draws = np.random.default_rng(1).normal(size=(400_000, 3))
    near = np.minimum((draws[:, 0] - draws[:, 1]) ** 2, (draws[:, 0] - draws[:, 2]) ** 2).mean()
    assert finite_factor(1, 2, 1) == pytest.approx(near, rel=0.01)
    assert finite_factor(50, 1, 1_000_000) == pytest.approx(4.0, abs=1e-4)  # nobody of one's own component
    assert finite_factor(50, 1, 1_000_000, separation=1.0) == pytest.approx(3.0, abs=1e-4)


def test_short_form_is_close_and_has_the_known_maxima():
    assert quick_factor(6, 2, 1) == pytest.approx(2 - 1 / math.sqrt(math.pi))
    assert quick_factor(6, 3, 1) == pytest.approx(2 - 3 / (2 * math.sqrt(math.pi)))
    assert quick_factor(50, 12, 12) == pytest.approx(2.0, abs=1e-9)
    for m in (60, 100, 150, 180):
        assert quick_factor(50, m, 12) == pytest.approx(finite_factor(50, m, 12), rel=0.05)


def test_factor_in_high_dimension():
    assert finite_factor(3072, 40, 4) == pytest.approx(quick_factor(3072, 40, 4), rel=0.01)


def test_coupon_bound_of_the_papers_cell():
    assert coupon_bound(12, 50) == pytest.approx(146.5, abs=0.1)
    assert coupon_bound(1, 50) == 0


@pytest.mark.parametrize("separation", [2.0, 20.0])
def test_finite_crossover_solves_its_equation(separation):
    share = crossover_finite(0.4, 60, 50, 12, separation)
    m = share * 60
    low, high = (
        (1 - side / 60) * finite_factor(50, side, 12, separation=separation)
        for side in (math.floor(m), math.ceil(m))
    )
    assert high <= 0.4 <= low
    assert low + (m - math.floor(m)) * (high - low) == pytest.approx(0.4)


def test_finite_crossover_of_few_points():
    assert crossover_finite(0.9999, 2, 50, 1) == pytest.approx(0.5, abs=0.01)
    assert crossover_finite(0.4, 60, 50, 12) < crossover_finite(0.4, 60, 50, 12, separation=20.0) < 1


@pytest.mark.parametrize(
    ("call", "need"),
    [
        (lambda: finite_factor(0, 1, 1), "d ≥ 1"),
        (lambda: finite_factor(5, 0, 1), "M ≥ 1"),
        (lambda: finite_factor(5, 1, 0), "K ≥ 1"),
        (lambda: finite_factor(5, 4, 2, [0.5, 0.6]), "sum 1"),
        (lambda: finite_factor(5, 4, 2, [1.0, 0.0]), "sum 1"),
        (lambda: finite_factor(5, 4, 2, [1.0]), "2 positive"),
        (lambda: crossover_finite(0.4, 5, 10, 6), "K ≤ N"),
        (lambda: crossover_finite(1.0, 50, 10, 6), "between 0 and 1"),
    ],
)
def test_what_makes_no_sense_is_refused(call, need):
    with pytest.raises(InputError) as refused:
        call()
    assert need in refused.value.need
