"""Formulas of the end of sampling: against simulation where there is one, limits and published values elsewhere."""

import math
from itertools import pairwise

import numpy as np
import pytest

from byheart._checks import InputError
from byheart.theory.terminal import (
    consistency_copies,
    distance_left,
    escape_level,
    shrinking,
    tikhonov_copies,
    tikhonov_distance,
    tikhonov_left,
    tikhonov_variance,
)


@pytest.mark.parametrize("d", [1, 2, 8, 64])
def test_copies_and_distance_are_those_of_gaussian_clouds(d):
    cloud = np.random.default_rng(0).normal(0, math.sqrt(0.3), (40_000, d))
    distance = np.linalg.norm(cloud, axis=1)
    tol = float(np.quantile(distance, 0.4))
    assert tikhonov_copies(tol, 0.3, d) == pytest.approx(0.4, abs=0.01)
    assert tikhonov_distance(0.3, d) == pytest.approx(distance.mean(), rel=0.01)


def test_in_the_plane_they_are_elementary():
    assert tikhonov_copies(0.01, 1e-4, 2) == pytest.approx(1 - math.exp(-0.5))
    assert tikhonov_distance(1e-3, 2) == pytest.approx(math.sqrt(math.pi * 1e-3 / 2))
    for tau in (0.01, 0.1, 0.9):
        assert consistency_copies(-math.log(tau), 2) == pytest.approx(1 - tau)
    assert consistency_copies(-1.0, 2) == consistency_copies(0.0, 5) == 0.0


@pytest.mark.parametrize(
    ("d", "tau", "published"), [(8, 0.1, 0.201), (8, 1e-3, 0.913), (8, 1e-6, 0.999), (32, 1e-6, 0.313)]
)
def test_consistency_in_higher_dimension(d, tau, published):
    assert consistency_copies(-2 * math.log(tau) / d, d) == pytest.approx(published, abs=1e-3)


@pytest.mark.parametrize("c", [1e-4, 0.05, 2.0])
def test_distance_left_is_the_integral_of_the_flow(c):
    assert distance_left(lambda r: c / r**2, 4.0, 1e-7) == pytest.approx(tikhonov_left(c, 4.0), rel=1e-6)

    # Variance preserving: r² = σ_t²/(1 − σ_t²), γ = c (1 + r²)/r².
    start, own = 3.0, 3.0 / math.sqrt(10)
    found = distance_left(lambda r: c * (1 + r**2) / r**2, start, 1e-7)
    assert found == pytest.approx(tikhonov_left(c, own, variance_preserving=True), rel=1e-6)
    assert distance_left(lambda r: 1.5, 1.0, 1e-4) == pytest.approx(1e-4 ** (1 / 2.5), rel=1e-9)


def test_the_sde_ends_with_variance_c():
    c, v = 0.2, np.linspace(9.0, 0.0, 200_001)
    variance = v[0]  # of the forward process around a point, at σ² = 9: dV/dv = 2V/(v + c) − 1 downward
    for here, there in pairwise(v):
        variance += (there - here) * (2 * variance / (here + c) - 1)
    assert tikhonov_variance(c, 3.0) == pytest.approx(variance, rel=1e-3)


@pytest.mark.parametrize(
    ("gamma", "exponent", "memorizes"),
    [
        (lambda r: 0.0, 0, True),
        (lambda r: 3.0, 0, True),
        (lambda r: r, -1, True),
        (lambda r: 0.1 / r, 1, False),
        (lambda r: 0.01 / r**2, 2, False),
        (lambda r: r**-0.3, 0.3, False),
        (lambda r: math.log(1 + 1 / r), 0.04, None),
    ],
)
def test_only_the_exponent_at_vanishing_noise_decides(gamma, exponent, memorizes):
    found = shrinking(gamma)
    assert found.exponent == pytest.approx(exponent, abs=0.02) and found.memorizes is memorizes
    if memorizes is not None:
        nearer = shrinking(gamma, end=1e-9).distance
        assert (found.distance < 0.6 * nearer) == memorizes


@pytest.mark.parametrize(("offset", "measured"), [(1e-12, 0.068), (1e-9, 0.079), (1e-6, 0.098)])
def test_hyperplanes_are_left_where_measured(offset, measured):
    assert escape_level(1.0, offset) / 2 == pytest.approx(measured, abs=0.004)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: tikhonov_copies(0.0, 1.0, 2),
        lambda: tikhonov_copies(0.1, -1.0, 2),
        lambda: tikhonov_distance(1.0, 0),
        lambda: tikhonov_left(0.1, 1.0, variance_preserving=True),
        lambda: distance_left(lambda r: 0.0, 1e-3, 1.0),
        lambda: shrinking(lambda r: -1.0),
        lambda: shrinking(lambda r: math.nan),
        lambda: escape_level(1.0, 1.0),
    ],
)
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(InputError):
        wrong()


@pytest.mark.parametrize("ask", [distance_left, shrinking])
@pytest.mark.parametrize("bad", [math.nan, -0.5])
def test_a_shrinkage_that_is_none_somewhere_has_no_answer(ask, bad):
    with pytest.raises(InputError, match=f"γ = {bad:g} at r = "):
        ask(lambda r: bad if r > 0.2 else 1.0, 1.0, 1e-6)


@pytest.mark.parametrize("ask", [distance_left, shrinking])
def test_a_refusal_of_levels_names_the_levels_that_were_given(ask):
    with pytest.raises(InputError, match=r"start 0\.001 and end 1; need start > end"):
        ask(lambda r: 0.0, 1e-3, 1.0)
    with pytest.raises(InputError, match="end = 0"):
        ask(lambda r: 0.0, 1.0, 0.0)
