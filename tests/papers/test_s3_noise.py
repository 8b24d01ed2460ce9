"""S3 (Bonnaire et al., 2505.17638): the discrete process of its experiments and the OU time of its theory."""

import pytest
import torch

from byheart.noise import DDPM, OU, UniformTime

TABLE = [  # index, ᾱ, σ as printed, each to its last digit
    (0, "0.9999", "0.0100"),
    (1, "0.99978", "0.0148"),
    (10, "0.99781", "0.0469"),
    (40, "0.97977", "0.1437"),
    (100, "0.89514", "0.3423"),
    (200, "0.65635", "0.7236"),
    (500, "0.077797", "3.443"),
    (999, "0.0000404", "157.4"),
]


def half_a_digit(printed):
    return 0.5001 * 10.0 ** -len(printed.split(".")[1])


@pytest.mark.parametrize(("index", "abar", "sigma"), TABLE)
def test_ddpm_of_the_experiments(index, abar, sigma):
    process = DDPM()
    assert process.alpha(index).item() ** 2 == pytest.approx(float(abar), rel=0, abs=half_a_digit(abar))
    assert process.level(index).item() == pytest.approx(float(sigma), rel=0, abs=half_a_digit(sigma))


@pytest.mark.parametrize(("t", "sigma"), [(0.01, 0.1421), (0.1, 0.4705), (0.5, 1.3108), (1.0, 2.5277)])
def test_ou_time_and_sigma(t, sigma):
    assert OU().level(t).item() == pytest.approx(sigma, abs=5e-5)
    assert OU().time(OU().level(t)).item() == pytest.approx(t, rel=1e-12)


def test_the_loss_plots_at_t_001_are_index_40():
    assert OU().time(DDPM().level(40)).item() == pytest.approx(0.01022, abs=5e-6)
    nearest = (OU().time(DDPM().level(torch.arange(1000))) - 0.1).abs().argmin()
    assert nearest == 136


def test_index_0_is_never_trained():
    law = UniformTime(process=DDPM(), low=1, high=999)
    sigma = law.draw(100_000, torch.Generator().manual_seed(0))
    assert sigma.min() == DDPM().level(1).float()
    assert sigma.max() == DDPM().level(999).float()
