"""A line through groups finds the slope, says how sure it is, and is not fooled by the groups' offsets."""

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from byheart._checks import InputError
from byheart.numerics.fits import line

numbers = st.floats(-100, 100).map(lambda v: round(v, 3))


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.tuples(numbers, numbers), min_size=3, max_size=12))
def test_one_group_is_ordinary_least_squares(points):
    x, y = map(list, zip(*points, strict=True))
    assume(np.ptp(x) > 0.1 and np.ptp(y) > 0.1)
    ours, theirs = line(x, y), scipy.stats.linregress(x, y)
    assert ours.slope == pytest.approx(theirs.slope, rel=1e-7, abs=1e-7)
    assert ours.intercept == pytest.approx(theirs.intercept, rel=1e-7, abs=1e-5)
    # scipy takes the root of 1 − r², which rounding keeps from 0: √eps of the slope.
    assert ours.stderr == pytest.approx(theirs.stderr, rel=1e-6, abs=1e-7 * (1 + abs(ours.slope)))
    half = scipy.stats.t.ppf(0.975, len(x) - 2) * ours.stderr
    assert (ours.low, ours.high) == pytest.approx((ours.slope - half, ours.slope + half), abs=1e-9)
    assert ours.count == len(x) and ours.groups == 1
    assert ours.r2 == pytest.approx(theirs.rvalue**2, abs=1e-9)


def dummies(x, y, groups):
    """The same model the long way: a column for every group."""
    names = sorted(set(groups))
    design = np.column_stack([x, *[[float(g == name) for g in groups] for name in names]])
    coefficients, *_ = np.linalg.lstsq(design, y, rcond=None)
    residual = y - design @ coefficients
    variance = residual @ residual / (len(x) - len(names) - 1)
    return coefficients, math.sqrt(variance * np.linalg.inv(design.T @ design)[0, 0])


def test_groups_are_least_squares_with_a_column_for_each():
    rng = np.random.default_rng(0)
    groups = ["a"] * 3 + ["b"] * 5 + ["c"]
    x = rng.normal(size=9)
    y = 2 * x + np.array([{"a": 0, "b": 10, "c": -3}[g] for g in groups]) + rng.normal(size=9)
    found, (coefficients, stderr) = line(x, y, groups), dummies(x, y, groups)
    assert found.slope == pytest.approx(coefficients[0], rel=1e-10)
    assert found.stderr == pytest.approx(stderr, rel=1e-10)
    mean_intercept = np.average(coefficients[1:], weights=[3, 5, 1])
    assert found.intercept == pytest.approx(mean_intercept, rel=1e-10)
    half = scipy.stats.t.ppf(0.975, 9 - 3 - 1) * stderr
    assert found.high - found.slope == pytest.approx(half, rel=1e-9)
    assert found.groups == 3


def test_an_offset_of_a_group_changes_nothing_but_the_intercept():
    x, y = [1.0, 2.0, 4.0, 1.0, 2.0, 4.0], [1.0, 2.1, 3.9, 1.2, 1.9, 4.1]
    groups = [0, 0, 0, 1, 1, 1]
    near = line(x, y, groups)
    far = line(x, [value + 100 * g for value, g in zip(y, groups, strict=True)], groups)
    assert (near.slope, near.stderr, near.r2) == pytest.approx((far.slope, far.stderr, far.r2), rel=1e-9)
    assert far.intercept == pytest.approx(near.intercept + 50)


def test_an_exact_power_law():
    n = np.array([32, 64, 128, 256])
    found = line(np.log(n), np.log(3 * n**1.1))
    assert found.slope == pytest.approx(1.1) and found.r2 == pytest.approx(1)
    assert found.high - found.low < 1e-9
    assert math.exp(found.intercept) == pytest.approx(3)


def test_coverage():
    rng = np.random.default_rng(1)
    x, groups = np.tile([0.0, 1.0, 2.0, 3.0], 2), [0] * 4 + [1] * 4
    held = 0
    for _ in range(1000):
        fit = line(x, 0.5 * x + 9 * np.array(groups) + rng.normal(size=8), groups)
        held += fit.low <= 0.5 <= fit.high
    assert 0.93 <= held / 1000 <= 0.97  # 0.95 within three standard errors of 1,000 draws


def test_a_constant_y_is_explained_whole():
    found = line([1, 2, 3], [4, 4, 4])
    assert (found.slope, found.r2, found.intercept) == (0, 1, 4)


@pytest.mark.parametrize(
    ("x", "y", "groups", "message"),
    [
        ([1, 2, 3], [1, 2], None, "equally many"),
        ([1, 2, 3], [1, 2, 3], [0, 1], "equally many"),
        ([1, 2], [1, 2], None, "more than groups"),
        ([1, 2, 1, 2], [1, 2, 3, 4], [0, 1, 2, 3], "more than groups"),
        ([], [], None, "more than groups"),
        ([2, 2, 2], [1, 2, 3], None, "constant"),
        ([0.1, 0.1, 0.1], [1, 2, 3], None, "constant"),
        ([1, 1, 2, 2], [1, 2, 3, 4], [0, 0, 1, 1], "constant"),
        ([1, 2, math.nan], [1, 2, 3], None, "NaN"),
        ([1, 2, 3], [1, 2, math.inf], None, "NaN"),
    ],
)
def test_bad_points_are_refused(x, y, groups, message):
    with pytest.raises(InputError, match=message):
        line(x, y, groups)


def test_bad_confidence_is_refused():
    with pytest.raises(InputError, match="confidence"):
        line([1, 2, 3], [1, 2, 4], confidence=95)
