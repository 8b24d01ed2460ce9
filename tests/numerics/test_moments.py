"""Moments in chunks are the moments, merging is associative, and the Fréchet distance is its definition."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from byheart._checks import InputError
from byheart.numerics.moments import Moments, frechet_distance, merge, moments
from byheart.random import generator


def normal(seed, *shape):
    return torch.randn(shape, generator=generator(seed), dtype=torch.float64)


def assert_same(a, b, **tolerance):
    assert a.count == b.count
    torch.testing.assert_close((a.mean, a.scatter), (b.mean, b.scatter), **tolerance)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.float64])
def test_moments_are_those_of_numpy(dtype):
    x = (normal(0, 9001, 2, 3) * 30 + 100).clamp(0, 255).to(dtype)  # three chunks
    flat = x.flatten(1).numpy().astype(np.float64)
    found = moments(x)
    assert found.count == 9001
    np.testing.assert_allclose(found.mean, flat.mean(0), rtol=1e-13)
    np.testing.assert_allclose(found.covariance, np.cov(flat.T), rtol=1e-12, atol=1e-10)


def test_moments_far_from_the_origin_keep_their_digits():
    x = normal(0, 5000, 3)
    far = moments(x + 1e8)
    # The values themselves are rounded to 1e-8 there; squares about 0 instead of the mean would lose everything.
    torch.testing.assert_close(far.covariance, moments(x).covariance, rtol=1e-6, atol=1e-6)


@given(
    sizes=st.lists(st.integers(1, 20), min_size=3, max_size=3),
    d=st.integers(1, 5),
    seed=st.integers(0, 2**31),
)
@settings(max_examples=50, deadline=None)
def test_merging_is_associative_and_equal_to_all_rows_at_once(sizes, d, seed):
    x = normal(seed, sum(sizes), d) * 10 + 3
    a, b, c = map(moments, x.split(sizes))
    assert_same(merge(merge(a, b), c), merge(a, merge(b, c)), rtol=1e-11, atol=1e-11)
    assert_same(merge(merge(a, b), c), moments(x), rtol=1e-11, atol=1e-11)


def scipy_frechet(a, b):
    root = scipy.linalg.sqrtm(a.covariance.numpy() @ b.covariance.numpy())
    squares = float((a.mean - b.mean).square().sum() + a.covariance.trace() + b.covariance.trace())
    return squares - 2 * np.trace(root.real)


@pytest.mark.parametrize("d", [1, 2, 10, 40])
def test_the_frechet_distance_is_that_of_scipy(d):
    a = moments(normal(0, 200, d) @ normal(1, d, d))
    b = moments(normal(2, 300, d) @ normal(3, d, d) + 0.5)
    assert frechet_distance(a, b) == pytest.approx(scipy_frechet(a, b), rel=1e-8)
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a), rel=1e-10)


def test_one_dimension_in_closed_form():
    a = Moments(3, torch.tensor([1.0]).double(), torch.tensor([[2 * 4.0]]).double())
    b = Moments(2, torch.tensor([4.0]).double(), torch.tensor([[1 * 25.0]]).double())
    assert frechet_distance(a, b) == pytest.approx((4 - 1) ** 2 + (5 - 2) ** 2)


@pytest.mark.parametrize(("n", "d"), [(500, 8), (20, 60)])  # the second: 40 directions without variance
@pytest.mark.parametrize("scale", [1e-3, 1.0, 255.0])
def test_equal_moments_are_at_zero_and_a_shift_at_its_square(n, d, scale):
    x = normal(0, n, d) * scale
    shift = normal(1, d) * scale
    variance = float(moments(x).covariance.trace())
    assert 0 <= frechet_distance(moments(x), moments(x)) <= 1e-12 * variance
    moved = frechet_distance(moments(x), moments(x + shift))
    assert moved == pytest.approx(float(shift.square().sum()), rel=1e-10)


def test_scaled_data_are_at_the_square_of_the_difference_of_scales():
    x = moments(normal(0, 30, 50))
    wide = Moments(x.count, x.mean, 9 * x.scatter)
    assert frechet_distance(x, wide) == pytest.approx(4 * float(x.covariance.trace()), rel=1e-10)


def test_data_without_variance():
    still, moving = moments(torch.zeros(5, 3)), moments(normal(0, 50, 3))
    assert frechet_distance(still, still) == 0
    wanted = float(moving.mean.square().sum() + moving.covariance.trace())
    assert frechet_distance(still, moving) == pytest.approx(wanted)


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="at least one row"):
        moments(torch.zeros(0, 3))
    with pytest.raises(InputError, match="at least one row"):
        moments(torch.zeros(3))
    with pytest.raises(InputError, match="NaN or infinite"):
        moments(torch.tensor([[1.0, torch.nan]]))
    with pytest.raises(InputError, match="equal dimensions"):
        merge(moments(torch.zeros(4, 2)), moments(torch.zeros(4, 3)))
    with pytest.raises(InputError, match="equal dimensions"):
        frechet_distance(moments(torch.zeros(4, 2)), moments(torch.zeros(4, 3)))
    with pytest.raises(InputError, match="at least 2 rows"):
        _ = moments(torch.zeros(1, 2)).covariance


def test_directions_of_rounding_level_do_not_count():
    u = normal(0, 200)
    u = u / u.norm()
    line = Moments(2, torch.zeros(200).double(), torch.outer(u, u))
    ball = Moments(2, torch.zeros(200).double(), torch.eye(200).double())
    assert frechet_distance(line, ball) == pytest.approx(1 + 200 - 2, rel=1e-11)


@pytest.mark.parametrize("size", [1e200, 1e160])
def test_squares_that_overflow_are_refused(size):
    with pytest.raises(InputError, match="overflow"):
        moments(size * normal(0, 5, 3))


@pytest.mark.parametrize("part", ["mean", "scatter"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_moments_that_are_no_numbers_have_no_distance(part, bad):
    # max(0, NaN) is 0, the distance of equal sets.
    sound = moments(normal(0, 9, 3))
    spoiled = replace(sound, **{part: getattr(sound, part) * bad})
    for pair in ((sound, spoiled), (spoiled, sound)):
        with pytest.raises(InputError, match=f"{part} of"):
            frechet_distance(*pair)


def test_moments_too_far_apart_have_no_distance():
    sound = moments(normal(0, 9, 3))
    with pytest.raises(InputError, match="overflow"):
        frechet_distance(sound, replace(sound, mean=sound.mean + 1e160))
