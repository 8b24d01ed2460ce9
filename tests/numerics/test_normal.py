"""Tails of the normal distribution, against known values and scipy."""

import math

import pytest
from scipy.special import log_ndtr
from scipy.stats import norm

from byheart.numerics.normal import SMALLEST, lower_tail

KNOWN = {  # to 16 digits, by computation with 50
    0.0: 0.5,
    -5.0: 2.866515718791939e-07,
    -10.0: 7.619853024160526e-24,
    -30.0: 4.906713927148187e-198,
    -37.0: 5.725571222524577e-300,
}


@pytest.mark.parametrize("z", KNOWN)
def test_tails_have_all_their_digits(z):
    assert lower_tail(z) == pytest.approx(KNOWN[z], rel=1e-12, abs=0)
    assert lower_tail(z) == pytest.approx(math.exp(log_ndtr(z)), rel=1e-12, abs=0)


@pytest.mark.parametrize("z", [-8.5, -3.0, -0.5, 1.0, 8.0])
def test_tails_are_those_of_scipy(z):
    assert lower_tail(z) == pytest.approx(norm.cdf(z), rel=1e-13, abs=0)


def test_a_tail_is_never_nothing():
    assert lower_tail(-100.0) == lower_tail(-math.inf) == SMALLEST > 0
    assert lower_tail(math.inf) == 1
    assert math.isnan(lower_tail(math.nan))
