"""Shrunk scores against automatic differentiation of what they shrink, their limits, and what they refuse."""

import math

import pytest
import torch

from byheart._checks import InputError
from byheart.denoisers.base import score
from byheart.denoisers.gaussian import wiener
from byheart.denoisers.mixture import empirical, population, smoothed
from byheart.denoisers.regularized import Shrunk, TikhonovByCovariance, consistent, tikhonov
from byheart.noise import OU, VE, VP


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


SHAPE = (2, 3)
TRAIN = normal(12, *SHAPE)
POINTS = empirical(TRAIN)
X = TRAIN[:5] + normal(5, *SHAPE, seed=1)
LEVELS = torch.tensor([0.2, 0.7, 1.0, 3.0, 20.0], dtype=torch.float64)


def gradient(function, x):
    x = x.clone().requires_grad_()
    return torch.autograd.grad(function(x).sum(), x)[0]


@pytest.mark.parametrize("process", [None, VE(), VP(), OU()])
@pytest.mark.parametrize("base", [POINTS, smoothed(TRAIN, 0.4)], ids=["empirical", "smoothed"])
def test_tikhonov_divides_the_score(base, process):
    alpha2 = 1.0 if process is None or isinstance(process, VE) else 1 / (1 + LEVELS**2)
    gamma = 0.3 / (LEVELS**2 * alpha2)
    wanted = gradient(lambda x: base.log_density(x, LEVELS), X) / (1 + gamma).reshape(-1, 1, 1)
    found = score(tikhonov(base, 0.3, process), X, LEVELS)
    torch.testing.assert_close(found, wanted, rtol=1e-8, atol=1e-8)


def test_tikhonov_is_s2_s_formula():
    # s_c = (m x̄ − x_t) / (σ_t² + c), in the variables of the process.
    process, c, t = VP(), 0.05, torch.tensor(0.4, dtype=torch.float64)
    m, own = process.alpha(t), process.sigma(t)
    level = process.level(t)
    x_t = m * X
    wanted = (m * POINTS(X, level) - x_t) / (own**2 + c)
    found = (m * tikhonov(POINTS, c, process)(X, level) - x_t) / own**2
    torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kappa", [0.2, 1.0, 2.5, -0.5])
def test_consistency_bounds_the_density_from_below(kappa):
    d, tau = math.prod(SHAPE), math.exp(-kappa * math.prod(SHAPE) / 2)

    def p(x):
        squares = (x[:, None] - TRAIN).flatten(2).square().sum(2)
        return (-squares / (2 * LEVELS[:, None] ** 2)).exp().sum(1)

    x = TRAIN[:5] + LEVELS.reshape(-1, 1, 1) * normal(5, *SHAPE, seed=2)
    wanted = gradient(p, x) / p(x).clamp(min=tau).reshape(-1, 1, 1)
    found = score(consistent(POINTS, kappa), x, LEVELS)
    assert d == 6 and bool((p(x) < tau).any()) == (kappa < 2)
    torch.testing.assert_close(found, wanted, rtol=1e-8, atol=1e-8)


def test_covariance_shrinks_each_direction_by_itself():
    moments = wiener(normal(50, *SHAPE, seed=3))
    variances, directions = moments.variances, moments.directions
    denoiser = TikhonovByCovariance(POINTS, 0.2, variances, directions)
    plain, found = score(POINTS, X, LEVELS).flatten(1), score(denoiser, X, LEVELS).flatten(1)
    gamma = 0.2 / (LEVELS[:, None] ** 2 * variances)
    torch.testing.assert_close(found @ directions, (plain @ directions) / (1 + gamma), rtol=1e-9, atol=1e-9)
    isotropic = TikhonovByCovariance(POINTS, 0.2, torch.ones(6), torch.eye(6), OU())
    torch.testing.assert_close(isotropic(X, LEVELS), tikhonov(POINTS, 0.2, OU())(X, LEVELS))
    few = TikhonovByCovariance(POINTS, 0.0, torch.ones(1), torch.eye(6)[:, :1])
    moved = (few(X, LEVELS) - X).flatten(1)
    assert bool(moved[:, 0].any()) and not bool(moved[:, 1:].any())


def test_no_shrinkage_is_the_denoiser_and_an_infinite_one_stays():
    torch.testing.assert_close(Shrunk(POINTS, lambda x, s: torch.zeros(()))(X, LEVELS), POINTS(X, LEVELS))
    assert torch.equal(Shrunk(POINTS, lambda x, s: torch.full((5,), math.inf))(X, LEVELS), X)
    torch.testing.assert_close(tikhonov(POINTS, 0.0)(X, LEVELS), POINTS(X, LEVELS))


@pytest.mark.parametrize(
    "denoiser", [tikhonov(POINTS, 0.1), consistent(POINTS, 1.0)], ids=["tikhonov", "consistent"]
)
def test_rows_are_independent_and_types_stay(denoiser):
    alone = torch.cat([denoiser(X[i : i + 1], LEVELS[i]) for i in range(5)])
    torch.testing.assert_close(denoiser(X, LEVELS), alone, rtol=1e-12, atol=1e-12)
    assert denoiser(X.float(), LEVELS.float()).dtype == torch.float32
    assert (denoiser.shape, denoiser.device) == (SHAPE, TRAIN.device)
    # Under much noise nothing is left to regularize.
    torch.testing.assert_close(
        denoiser(X, torch.tensor(1e4)), POINTS(X, torch.tensor(1e4)), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: tikhonov(POINTS, -1.0), "0 ≤ c"),
        (lambda: tikhonov(POINTS, math.nan), "0 ≤ c"),
        (lambda: consistent(POINTS, math.inf), "kappa"),
        (
            lambda: consistent(population(TRAIN, 0.0, torch.arange(1, 13).double() / 78), 1.0),
            "weigh the same",
        ),
        (lambda: TikhonovByCovariance(POINTS, 0.1, torch.zeros(6), torch.eye(6)), "positive variances"),
        (lambda: TikhonovByCovariance(POINTS, 0.1, torch.ones(5), torch.eye(6)), "positive variances"),
        (lambda: Shrunk(POINTS, lambda x, s: torch.tensor(-0.1))(X, LEVELS), "γ ≥ 0"),
        (lambda: Shrunk(POINTS, lambda x, s: torch.tensor(math.nan))(X, LEVELS), "γ ≥ 0"),
        (lambda: tikhonov(POINTS, 0.1)(X, torch.tensor(0.0)), "0 < sigma"),
        (lambda: Shrunk(lambda x, s: x, lambda x, s: torch.zeros(())).shape, "a closed form"),
    ],
)
def test_what_makes_no_sense_is_refused(build, says):
    with pytest.raises(InputError, match=says):
        build()


def test_a_shrinkage_may_be_nan_only_where_the_row_is():
    x = X.clone()
    x[1] = math.nan
    found = Shrunk(POINTS, lambda x, sigma: x.flatten(1).square().sum(1))(x, LEVELS)
    assert found.flatten(1).isfinite().all(1).tolist() == [row != 1 for row in range(len(x))]
    for bad in (math.nan, -1.0):
        gamma = torch.full((len(x),), 0.5)
        gamma[2] = bad  # a sound row
        with pytest.raises(InputError, match="γ ≥ 0"):
            Shrunk(POINTS, lambda x, sigma, gamma=gamma: gamma)(x, LEVELS)
    with pytest.raises(InputError, match="γ ≥ 0"):
        Shrunk(POINTS, lambda x, sigma: torch.where(torch.arange(len(x)) == 1, -1.0, 1.0))(x, LEVELS)
