"""Excess losses by Monte Carlo: against an integral over two points, and against the closed form of stored points."""

import numpy as np
import pytest

from byheart._checks import InputError
from byheart.theory.excess import measured_excess
from byheart.theory.partial import finite_factor


@pytest.mark.parametrize("place", [0.0, 0.6])
def test_two_points_by_quadrature(place):
    """Points at ±1, centers at ±place; the integral is over the noise around one point, the other is its mirror image."""
    snr, variance = 2.0, 0.7
    width = variance + 1 / snr
    z, mass = np.polynomial.hermite_e.hermegauss(120)
    x = 1 + snr**-0.5 * z
    model = (variance * x + place * np.tanh(place * x / width) / snr) / width
    truth = np.square(model - np.tanh(snr * x)) @ mass / mass.sum()
    seeds = range(4000)
    centers = np.tile([[-place], [place]], (len(seeds), 1, 1))
    found = measured_excess([[-1.0], [1.0]], centers, np.full(len(seeds), variance), snr, seeds)
    assert found.mean() == pytest.approx(truth, abs=4 * found.std() / len(seeds) ** 0.5)


def test_all_points_stored_lose_nothing():
    x = np.random.default_rng(0).normal(size=(30, 5))
    assert measured_excess(x, x[None, ::-1], [0.0], 5.0, [0]) == pytest.approx(0, abs=1e-20)


def test_stored_points_of_one_component_have_their_formula():
    rng = np.random.default_rng(0)
    found = []
    for seed in range(12):
        x = rng.normal(size=(200, 50))
        found.append(measured_excess(x, x[None, :100], [0.0], 100.0, [seed])[0])
    assert np.mean(found) == pytest.approx(finite_factor(50, 100, 1) * 0.5 * 50, rel=0.02)


def test_dimensions_outside_of_the_span_count():
    x = np.random.default_rng(0).normal(size=(20, 4))
    wide = np.concatenate([x, np.zeros((20, 6))], axis=1)
    seeds = range(1500)
    slim, full = (
        measured_excess(p, np.repeat(p[None, :3], 1500, 0), np.full(1500, 0.5), 4.0, seeds, outside=out)
        for p, out in ((x, 6), (wide, 0))
    )
    assert slim.mean() == pytest.approx(full.mean(), rel=0.03)
    assert slim.mean() - 6 * (0.5 / 0.75) ** 2 / 4 < 0.9 * full.mean()


@pytest.mark.parametrize(
    ("change", "need"),
    [
        ({"centers": np.zeros((1, 2, 4))}, "(r, m, 3)"),
        ({"variances": [-1.0]}, "not negative"),
        ({"variances": [1.0, 1.0]}, "(r,)"),
        ({"seeds": [0, 1]}, "r seeds"),
        ({"seeds": []}, "at least 1"),
        ({"snr": 0.0}, "ψ"),
    ],
)
def test_what_makes_no_sense_is_refused(change, need):
    given = {
        "points": np.eye(3),
        "centers": np.zeros((1, 2, 3)),
        "variances": [1.0],
        "snr": 1.0,
        "seeds": [0],
    }
    with pytest.raises(InputError) as refused:
        measured_excess(**{**given, **change})
    assert need in refused.value.need
