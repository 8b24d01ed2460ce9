"""Intervals contain their value, match tables and scipy, and cover as often as they say."""

import math
import subprocess
import sys

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from byheart._checks import InputError
from byheart.numerics.intervals import (
    Interval,
    Proportion,
    clopper_pearson,
    mean_interval,
    proportion,
    wilson,
)

counts = st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
confidences = st.floats(0.01, 0.999)


@settings(deadline=None)  # a busy machine is no failure
@given(counts, confidences)
@pytest.mark.parametrize("interval", [wilson, clopper_pearson, proportion])
def test_a_share_lies_in_its_interval(interval, counted, confidence):
    successes, count = counted
    found = interval(successes, count, confidence)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.value == successes / count and found.count == count


@settings(deadline=None)  # a busy machine is no failure
@given(counts, confidences)
@pytest.mark.parametrize("interval", [wilson, clopper_pearson])
def test_failures_mirror_successes(interval, counted, confidence):
    successes, count = counted
    some, others = interval(successes, count, confidence), interval(count - successes, count, confidence)
    assert some.low == pytest.approx(1 - others.high, abs=1e-9)


@pytest.mark.parametrize(("name", "interval"), [("wilson", wilson), ("exact", clopper_pearson)])
@pytest.mark.parametrize(("successes", "count"), [(0, 10), (3, 10), (10, 10), (1, 1), (37, 500), (499, 500)])
@pytest.mark.parametrize("confidence", [0.68, 0.95])
def test_shares_are_those_of_scipy(name, interval, successes, count, confidence):
    theirs = scipy.stats.binomtest(successes, count).proportion_ci(confidence, method=name)
    ours = interval(successes, count, confidence)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def coverage(interval, share, count):
    """The exact probability that the interval of a binomial draw holds the true share."""
    chances = scipy.stats.binom.pmf(np.arange(count + 1), count, share)
    held = [interval(k, count).low <= share <= interval(k, count).high for k in range(count + 1)]
    return float(chances @ held)


@pytest.mark.parametrize("share", [0.001, 0.02, 0.3, 0.5, 0.97])
def test_coverage(share):
    assert coverage(clopper_pearson, share, 60) >= 0.95  # its guarantee
    assert coverage(proportion, share, 60) >= 0.92  # near enough at every share


@pytest.mark.parametrize(("successes", "exact"), [(4, True), (5, False), (95, False), (96, True)])
def test_few_successes_or_failures_get_the_exact_interval(successes, exact):
    assert proportion(successes, 100) == (clopper_pearson if exact else wilson)(successes, 100)


def test_nothing_found_among_many_is_the_rule_of_three():
    assert proportion(0, 1000).high == pytest.approx(1 - 0.025 ** (1 / 1000), rel=1e-9)


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=20), confidences)
def test_a_mean_lies_in_its_interval(values, confidence):
    found = mean_interval(values, confidence)
    assert found.low <= found.value <= found.high and found.count == len(values)


def test_a_mean_by_the_table_of_student():
    # Three values: t(0.975, 2) = 4.3027 (Student's table), standard error 1/√3.
    found = mean_interval([1.0, 2.0, 3.0])
    assert found.value == 2
    assert found.high - 2 == pytest.approx(4.3027 / math.sqrt(3), rel=1e-4)
    values = [0.3, -1.2, 5.0, 2.2]
    theirs = scipy.stats.t.interval(0.9, 3, np.mean(values), scipy.stats.sem(values))
    assert (mean_interval(values, 0.9).low, mean_interval(values, 0.9).high) == pytest.approx(theirs)


def test_proportion_is_an_interval_by_another_name():
    assert Proportion is Interval


@pytest.mark.parametrize("arguments", [(0, 0), (-1, 5), (6, 5), (1, 5, 0.0), (1, 5, 1.0), (1, 5, math.nan)])
@pytest.mark.parametrize("interval", [wilson, clopper_pearson, proportion])
def test_bad_shares_are_refused(interval, arguments):
    with pytest.raises(InputError):
        interval(*arguments)


@pytest.mark.parametrize("values", [[], [1.0], [1.0, math.nan], [1.0, math.inf]])
def test_bad_values_are_refused(values):
    with pytest.raises(InputError, match="at least 2 finite"):
        mean_interval(values)


def test_import_is_light():
    code = (
        "import sys, byheart.numerics.intervals, byheart.numerics.fits, byheart.random\n"
        "print([name for name in ('torch', 'scipy', 'sklearn', 'matplotlib') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
