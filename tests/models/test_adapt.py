"""Adapters: whatever a network predicts, the denoiser is the same."""

import math
from typing import get_args

import pytest
import torch
from torch import nn

from byheart._checks import InputError
from byheart.denoisers import GaussianDenoiser, smoothed
from byheart.models import MLP, MLPSpec, Preconditioned, Predicts, ProcessModel
from byheart.noise import DDPM, OU, VE, VP, Flow, S1Process
from byheart.random import generator

SHAPE = (2, 3)
KNOWN = smoothed(torch.randn(9, *SHAPE, generator=generator(0), dtype=torch.float64), 0.5)
SIGMA = torch.tensor([0.02, 0.3, 1.0, 4.0, 30.0], dtype=torch.float64)
X = torch.randn(5, *SHAPE, generator=generator(1), dtype=torch.float64) * (1 + SIGMA.reshape(5, 1, 1))


def network(process, predicts):
    """A network that knows the answer, by the definition of what it predicts."""

    def answer(x_t, t):
        t = t.reshape(-1, 1, 1)
        alpha, sigma_t = process.alpha(t), process.sigma(t)
        x0 = KNOWN(x_t / alpha, process.level(t).flatten())
        eps = (x_t - alpha * x0) / sigma_t
        return {
            "eps": eps,
            "x0": x0,
            "v": alpha * eps - sigma_t * x0,
            "score": -eps / sigma_t,
            "flow": eps - x0,
        }[predicts]

    return answer


@pytest.mark.parametrize("predicts", get_args(Predicts))
@pytest.mark.parametrize("process", [VP(), OU(), DDPM(), VE(), Flow(), S1Process()], ids=lambda p: p.kind)
def test_every_prediction_is_the_same_denoiser(process, predicts):
    model = ProcessModel(network(process, predicts), process, predicts)
    torch.testing.assert_close(model(X, SIGMA), KNOWN(X, SIGMA), rtol=1e-8, atol=1e-8)
    torch.testing.assert_close(model(X, SIGMA[2]), KNOWN(X, SIGMA[2]), rtol=1e-8, atol=1e-8)


def test_the_network_sees_the_process():
    seen = {}

    def spy(x_t, t):
        seen.update(x_t=x_t, t=t)
        return x_t

    level = DDPM().level(torch.tensor(40.0))
    ProcessModel(spy, DDPM())(X.float(), level)
    torch.testing.assert_close(seen["x_t"], (X * DDPM().alpha(40.0)).float())
    torch.testing.assert_close(seen["t"], torch.full((5,), 40.0))


def test_preconditioning_gives_unit_variance_and_half_the_log_level():
    seen = {}

    class Spy(nn.Module):
        def forward(self, x, c):
            seen.update(x=x, c=c)
            return torch.ones_like(x)

    found = Preconditioned(Spy())(X, SIGMA)
    level = SIGMA.reshape(5, 1, 1)
    deviation = (level**2 + 1).sqrt()
    torch.testing.assert_close(seen["x"], X / deviation)
    torch.testing.assert_close(seen["c"], SIGMA.log() / 2)
    torch.testing.assert_close(found, X / deviation**2 + level / deviation)


def test_a_silent_network_is_the_wiener_filter():
    # Fresh weights answer 0, and what is left is the denoiser of N(0, 1).
    model = Preconditioned(MLP(SHAPE, MLPSpec(width=8, blocks=1), generator(0)))
    wiener = GaussianDenoiser.from_covariance(torch.zeros(SHAPE), torch.eye(math.prod(SHAPE)))
    x, sigma = X.float(), SIGMA.float()
    torch.testing.assert_close(model(x, sigma), wiener(x, sigma))
    torch.testing.assert_close(model(x, sigma[1]), wiener(x, sigma[1]))


def test_levels_that_do_not_fit_the_rows_are_refused():
    silent = Preconditioned(MLP(SHAPE, MLPSpec(width=8), generator(0)))
    for model in (silent, ProcessModel(network(VP(), "x0"), VP(), "x0")):
        with pytest.raises(InputError, match="one level for all rows"):
            model(X, SIGMA[:3])
