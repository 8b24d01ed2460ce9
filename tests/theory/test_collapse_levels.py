"""Collapse and speciation from numbers: published levels, closed forms, and I-MMSE on a Gaussian."""

import math

import numpy as np
import pytest

from byheart._checks import InputError
from byheart.theory.collapse import (
    collapse_bound,
    collapse_level,
    degrees_of_freedom,
    information,
    speciation_level,
)


@pytest.mark.parametrize(
    ("d", "n", "r", "t"), [(64, 1000, 2.037, 0.820), (256, 1000, 4.247, 1.473), (256, 4000, 3.865, 1.384)]
)
def test_collapse_of_an_isotropic_gaussian(d, n, r, t):
    found = collapse_level(np.ones(d), n)
    assert found == pytest.approx(r, abs=1e-3)
    assert found == pytest.approx(1 / math.sqrt(n ** (2 / d) - 1), rel=1e-9)
    assert math.log(1 + found**2) / 2 == pytest.approx(t, abs=1e-3)


@pytest.mark.parametrize(("d", "t"), [(256, 1.30), (1024, 1.98), (4096, 2.67)])
def test_collapse_of_the_published_mixtures(d, t):
    assert math.log(1 + collapse_level(np.ones(d), 20_000) ** 2) / 2 == pytest.approx(t, abs=0.01)


def test_collapse_is_where_information_is_log_n_and_scales_with_the_data():
    spectrum = np.arange(1, 257) ** -1.5
    r = collapse_level(spectrum, 2000)
    assert information(spectrum, r) == pytest.approx(math.log(2000), rel=1e-9)
    assert collapse_level(9 * spectrum, 2000) == pytest.approx(3 * r, rel=1e-9)
    assert collapse_level(spectrum, 4000) < r
    assert collapse_level(np.append(spectrum, np.zeros(50)), 2000) == pytest.approx(r, rel=1e-9)
    assert collapse_level([2.0], 2) == pytest.approx(math.sqrt(2 / 3), rel=1e-9)


def test_speciation_and_degrees_of_freedom():
    spectrum = [9.0, 4.0, 1.0, 0.0]
    assert speciation_level(spectrum) == 3.0
    assert degrees_of_freedom(spectrum, 1e-6) == pytest.approx(3.0)
    assert degrees_of_freedom(spectrum, 2.0) == pytest.approx(9 / 13 + 1 / 2 + 1 / 5)


@pytest.mark.parametrize("n", [10, 1000])
def test_the_bound_is_exact_for_the_posterior_mean(n):
    spectrum = np.array([4.0, 2.0, 1.0, 0.5, 0.25])
    levels = np.geomspace(1e-3, 1e3, 400)
    losses = np.array([(spectrum * r**2 / (spectrum + r**2)).sum() for r in levels])
    exact = collapse_level(spectrum, n)
    assert collapse_bound(levels, losses, n) == pytest.approx(exact, rel=1e-3)
    assert collapse_bound(levels, 1.2 * losses, n) > exact  # a worse denoiser claims more information


def test_a_curve_that_ends_too_early_says_so():
    levels, losses = np.geomspace(1.0, 10.0, 20), np.full(20, 0.1)
    assert collapse_bound(levels, losses, 1000) is None
    with pytest.raises(InputError, match="larger levels"):
        collapse_bound([0.01, 0.02], [5.0, 5.0], 10)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: collapse_level([1.0, -1.0], 10),
        lambda: collapse_level([0.0], 10),
        lambda: collapse_level([], 10),
        lambda: collapse_level([1.0, math.nan], 10),
        lambda: collapse_level([1.0], 1),
        lambda: information([1.0], 0.0),
        lambda: collapse_bound([1.0, 0.5], [1.0, 1.0], 10),
        lambda: collapse_bound([0.5, 1.0], [1.0, -1.0], 10),
        lambda: collapse_bound([1.0], [1.0], 10),
    ],
)
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(InputError):
        wrong()
