"""The denoising loss has a closed form for the Wiener filter of white data: every weighting is checked against it."""

import math

import pytest
import torch

from byheart.denoisers import GaussianDenoiser
from byheart.noise import DDPM, LogNormal, UniformTime
from byheart.random import generator
from byheart.training import DenoisingLoss, Loss

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
