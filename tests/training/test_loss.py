"""The denoising loss has a closed form for the Wiener filter of white data: every weighting is checked against it."""

import math

import pytest
import torch

from byheart.denoisers import GaussianDenoiser, empirical, tikhonov
from byheart.noise import DDPM, S2_VP, LogNormal, UniformTime
from byheart.random import generator
from byheart.training import DenoisingLoss, Loss
from byheart.training.spec import Tikhonov

WHITE = torch.randn(20_000, 1, 4, 4, generator=generator(0))
WIENER = GaussianDenoiser.from_covariance(torch.zeros(1, 4, 4), torch.eye(16))


def at(sigma, weighting):
    return DenoisingLoss(Loss(levels=LogNormal(mean=math.log(sigma), std=1e-9), weighting=weighting))


@pytest.mark.parametrize("sigma", [0.1, 1.0, 5.0])
@pytest.mark.parametrize("weighting", ["edm", "eps", "x0"])
def test_loss_of_the_wiener_filter(weighting, sigma):
    # ‖D − x₀‖² is σ²/(1 + σ²) a pixel; the tolerance is 4 standard errors of 320,000 squares.
    x0 = sigma**2 / (1 + sigma**2)
    expected = {"edm": 1.0, "eps": x0 / sigma**2, "x0": x0}[weighting]
    found = at(sigma, weighting)(WIENER, WHITE, generator(1))
    torch.testing.assert_close(found, torch.tensor(expected), rtol=0.01, atol=0)


def test_eps_weighting_is_the_error_of_the_noise():
    # S3's objective: the noise a network predicts on DDPM, at levels drawn with the indices.
    law = UniformTime(process=DDPM(), low=1, high=999)
    x0, seen = WHITE[:50], {}

    def denoiser(x, sigma):
        seen.update(x=x, sigma=sigma.reshape(-1, 1, 1, 1))
        return 0.3 * x

    found = DenoisingLoss(Loss(levels=law, weighting="eps"))(denoiser, x0, generator(1))
    eps = (seen["x"] - x0) / seen["sigma"]
    predicted = (seen["x"] - 0.3 * seen["x"]) / seen["sigma"]
    torch.testing.assert_close(found, (predicted - eps).square().mean(), rtol=1e-4, atol=0)


def test_noise_and_levels_come_from_the_generator_only():
    loss, before = DenoisingLoss(Loss()), torch.get_rng_state()
    first, second, other = (loss(WIENER, WHITE[:9], generator(seed)) for seed in (3, 3, 4))
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(first, second) and not torch.equal(first, other)


def test_every_row_has_a_level_of_its_own():
    levels = []
    DenoisingLoss(Loss())(lambda x, sigma: levels.append(sigma) or x, WHITE[:64], generator(0))
    assert levels[0].shape == (64,) and len(levels[0].unique()) == 64


@pytest.mark.parametrize("weighting", ["edm", "eps", "x0"])
@pytest.mark.parametrize("process", [None, S2_VP])
def test_the_penalized_loss_is_least_at_the_regularized_denoiser(weighting, process):
    """Of all D = x + k (x₀ − x), for the one point x₀, the best is k = 1/(1 + γ): tikhonov(empirical)."""
    level, x0 = 0.7, torch.zeros(500, 3, dtype=torch.float64)
    regularized = tikhonov(empirical(torch.zeros(1, 3, dtype=torch.float64)), 0.3, process)
    best = 1 - float(regularized(torch.ones(1, 3, dtype=torch.float64), torch.tensor(level))[0, 0])
    loss = DenoisingLoss(
        Loss(
            levels=LogNormal(mean=math.log(level), std=1e-9),
            weighting=weighting,
            tikhonov=Tikhonov(strength=0.3, process=process),
        )
    )
    k = torch.tensor(best, dtype=torch.float64, requires_grad=True)
    value = loss(lambda x, sigma: x - k * x, x0, torch.Generator().manual_seed(0))
    (slope,) = torch.autograd.grad(value, k)
    assert abs(float(slope)) < 1e-6 * float(value.detach())
    assert 0.2 < best < 0.9


def test_no_penalty_no_change():
    x0 = torch.ones(4, 3)
    plain, none = Loss(), Loss(tikhonov=None)
    values = [
        DenoisingLoss(spec)(lambda x, sigma: x / 2, x0, torch.Generator().manual_seed(0))
        for spec in (plain, none)
    ]
    assert torch.equal(*values)
