import math

import numpy as np
import pytest
import torch

from byheart._checks import InputError
from byheart.denoisers import GaussianDenoiser, population
from byheart.denoisers.gaussian import wiener


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def level(value):
    return torch.tensor(value, dtype=torch.float64)


@pytest.mark.parametrize("sigma", [1e-3, 0.5, 20.0])
def test_isotropic_is_a_mixture_of_one_component(sigma):
    mean, x = normal(2, 3), normal(7, 2, 3, seed=1)
    one = GaussianDenoiser(
        mean, torch.full((6,), 0.49, dtype=torch.float64), torch.eye(6, dtype=torch.float64)
    )
    mixture = population(mean[None], 0.7)
    torch.testing.assert_close(one(x, level(sigma)), mixture(x, level(sigma)), rtol=1e-11, atol=1e-11)
    torch.testing.assert_close(
        one.log_density(x, level(sigma)), mixture.log_density(x, level(sigma)), rtol=1e-11, atol=1e-11
    )


def test_it_is_the_wiener_filter():
    factor, mean, x, sigma = normal(4, 4), normal(4, seed=1), normal(9, 4, seed=2), level(0.8)
    covariance = factor @ factor.T
    denoiser = GaussianDenoiser.from_covariance(mean, covariance)
    noisy = covariance + sigma**2 * torch.eye(4, dtype=torch.float64)
    expected = mean + (x - mean) @ torch.linalg.solve(noisy, covariance)
    torch.testing.assert_close(denoiser(x, sigma), expected, rtol=1e-11, atol=1e-11)
    oracle = torch.distributions.MultivariateNormal(mean, noisy)
    torch.testing.assert_close(denoiser.log_density(x, sigma), oracle.log_prob(x), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("count", [4, 6, 7, 50])
def test_it_has_the_moments_of_the_points(count):
    # Fewer points than the 6 dimensions go through another decomposition: the filter must be the same.
    train, x, sigma = normal(count, 2, 3), normal(5, 2, 3, seed=1), level(0.4)
    rows = train.flatten(1)
    covariance = (rows - rows.mean(0)).T @ (rows - rows.mean(0)) / count
    expected = GaussianDenoiser.from_covariance(train.mean(0), covariance)
    found = wiener(train)
    torch.testing.assert_close(found.mean, train.mean(0))
    torch.testing.assert_close(found(x, sigma), expected(x, sigma), rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(
        found.log_density(x, sigma), expected.log_density(x, sigma), rtol=1e-9, atol=1e-9
    )


def test_a_degenerate_gaussian_projects():
    train = normal(3, 10)
    x = normal(4, 10, seed=1)
    found = wiener(train)(x, level(1e-6))
    span = (train[1:] - train[0]).T
    expected = train[0] + (span @ torch.linalg.lstsq(span, (x - train[0]).T).solution).T
    torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-8)


def test_one_point_is_that_point():
    train = normal(1, 5)
    torch.testing.assert_close(wiener(train)(normal(2, 5), level(1.0)), train.expand(2, 5))


def test_log_density_of_wide_noise():
    found = wiener(normal(3, 2)).log_density(torch.zeros(1, 2, dtype=torch.float64), level(1e6))
    assert found.item() == pytest.approx(-math.log(2 * math.pi) - 2 * math.log(1e6), rel=1e-9)


@pytest.mark.parametrize(
    "train",
    [
        torch.zeros(0, 3),
        torch.zeros(3),
        torch.ones(4, 3, dtype=torch.int64),
        torch.full((4, 3), float("nan")),
    ],
)
def test_bad_points_are_refused(train):
    with pytest.raises(InputError):
        wiener(train)


@pytest.mark.parametrize(
    ("mean", "variances", "directions"),
    [
        (torch.zeros(3), torch.ones(2), torch.eye(3)),
        (torch.zeros(3), torch.ones(3), torch.eye(4)[:, :3]),
        (torch.zeros(3), torch.tensor([1.0, 1.0, -0.1]), torch.eye(3)),
        (torch.zeros(3), torch.ones(3), 2 * torch.eye(3)),
        (torch.full((3,), float("nan")), torch.ones(3), torch.eye(3)),
        (torch.zeros(3), torch.tensor([1.0, 1.0, float("inf")]), torch.eye(3)),
    ],
)
def test_bad_spectra_are_refused(mean, variances, directions):
    with pytest.raises(InputError):
        GaussianDenoiser(mean, variances, directions)


@pytest.mark.parametrize(
    "covariance",
    [
        torch.eye(4),
        torch.ones(3),
        torch.tensor([[1.0, 0.5], [0.2, 1.0]]),
        torch.diag(torch.tensor([1.0, -1.0])),
    ],
)
def test_what_is_no_covariance_is_refused(covariance):
    with pytest.raises(InputError):
        GaussianDenoiser.from_covariance(torch.zeros(2), covariance)


def test_points_that_are_no_tensor_are_refused():
    with pytest.raises(InputError, match="training points as ndarray"):
        wiener(np.zeros((2, 3), dtype=np.float32))
