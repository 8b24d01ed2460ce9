"""Held-out images for a small false positive rate: against the binomial, and the table of the file."""

import math
import re

import pytest
from scipy.stats import binom

from byheart._checks import InputError
from byheart.analysis.calibration import rates
from byheart.analysis.calibration.rates import TAIL, heldout_for_a_limit, heldout_for_a_rate


@pytest.mark.parametrize("rate", [0.05, 0.01, 0.001])
def test_the_first_lower_limit_is_that_of_the_binomial(rate):
    m = heldout_for_a_limit(rate)
    assert binom.cdf(0, m, rate) <= TAIL < binom.cdf(0, m - 1, rate)


@pytest.mark.parametrize(("rate", "within"), [(0.05, 0.25), (0.01, 0.5), (0.01, 0.1), (0.001, 0.25)])
def test_the_rate_at_the_threshold_is_that_near(rate, within):
    """The first order leaves out the skewness: the tails are 1.25 % each to a factor of 3."""
    m = heldout_for_a_rate(rate, within)
    for tail in (binom.cdf(rate * (1 - within) * m, m, rate), binom.sf(rate * (1 + within) * m, m, rate)):
        assert TAIL / 3 < tail < 2 * TAIL
    few = m // 4  # twice as wide
    assert binom.cdf(rate * (1 - within) * few, few, rate) > 5 * TAIL


def test_the_table_of_the_file():
    lines = re.findall(r"^    (\S+) %  +([\d,]+) +([\d,]+) +([\d,]+) +([\d,]+)$", rates.__doc__, re.MULTILINE)
    assert len(lines) == 3
    for percent, *numbers in lines:
        rate = float(percent) / 100
        computed = [heldout_for_a_limit(rate), *(heldout_for_a_rate(rate, w) for w in (1 / 2, 1 / 4, 1 / 10))]
        assert [f"{count:,}" for count in computed] == numbers


@pytest.mark.parametrize("bad", [0, 1, -0.1, math.nan])
def test_rates_that_are_none_are_refused(bad):
    for ask in (heldout_for_a_limit, heldout_for_a_rate, lambda x: heldout_for_a_rate(0.01, x)):
        with pytest.raises(InputError, match="between 0 and 1"):
            ask(bad)
