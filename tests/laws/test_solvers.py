"""Laws that every solver obeys.  A new solver joins by adding one line to SOLVERS."""

import numpy as np
import pytest
import torch

from byheart.denoisers import GaussianDenoiser, empirical
from byheart.models import MLP, MLPSpec, Preconditioned, UNet, UNetSpec
from byheart.noise import geometric_levels, karras_levels
from byheart.random import SeededNoise, generator
from byheart.sampling import ancestral_step, euler_step, heun_step, integrate, sample, sde_step

SOLVERS = {"euler": euler_step, "heun": heun_step, "ancestral": ancestral_step, "sde": sde_step}
ORDERS = {"euler": 1, "heun": 2}  # of the deterministic ones, on the probability flow
every_solver = pytest.mark.parametrize("name", SOLVERS)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


TRAIN = normal(20, 2, 3)
VARIANCES = torch.tensor([0.05, 0.6, 2.0], dtype=torch.float64)
MEAN = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64)
DIRECTIONS = torch.linalg.qr(normal(3, 3, seed=1)).Q
GAUSSIAN = GaussianDenoiser(MEAN, VARIANCES, DIRECTIONS)
COVARIANCE = DIRECTIONS @ VARIANCES.diag() @ DIRECTIONS.T


def flow(x, sigma, sigma_next):
    """The exact probability flow of GAUSSIAN."""
    factor = ((VARIANCES + sigma_next**2) / (VARIANCES + sigma**2)).sqrt()
    return MEAN + ((x - MEAN) @ DIRECTIONS * factor) @ DIRECTIONS.T


def last(states):
    *_, state = states
    return state


def assert_moments(samples, mean, covariance, slack=0.0):
    """Mean and covariance within five standard errors of a Gaussian's, plus what the steps are allowed."""
    count, variances = len(samples), covariance.diag()
    assert bool(((samples.mean(0) - mean).abs() < 5 * (variances / count).sqrt() + slack).all())
    errors = (torch.outer(variances, variances) + covariance**2).div(count).sqrt()
    assert bool(((samples.T.cov() - covariance).abs() < 5 * errors + slack).all())


@pytest.mark.parametrize("name", ORDERS)
def test_order_of_convergence(name):
    x, counts = 5 * normal(50, 3, seed=2), [32, 64, 128, 256]
    exact = flow(x, 5.0, 0.1)
    errors = []
    for count in counts:
        levels = geometric_levels(count, 0.1, 5.0)[:-1]
        errors.append((last(integrate(SOLVERS[name], GAUSSIAN, x, levels)) - exact).norm().item())
    slope = -np.polyfit(np.log(counts), np.log(errors), 1)[0]
    assert slope == pytest.approx(ORDERS[name], abs=0.1)


@every_solver
@pytest.mark.parametrize("start", [0.4, 2.0, 30.0])
def test_moments_from_any_start_level(name, start):
    count = 20_000
    x0 = MEAN + normal(count, 3, seed=3) * VARIANCES.sqrt() @ DIRECTIONS.T
    levels = geometric_levels(200, 0.01, start)
    noise = SeededNoise([7])  # one stream for all rows, drawn at once
    rows = integrate(
        SOLVERS[name],
        GAUSSIAN,
        x0 + start * normal(count, 3, seed=4),
        levels,
        lambda shape: noise((count, *shape))[0],
    )
    assert_moments(last(rows), MEAN, COVARIANCE, slack=0.03)  # Euler's and the ancestral bias at 200 steps


@pytest.mark.parametrize("name", ORDERS)
@pytest.mark.parametrize("start", [0.5, 3.0])
def test_samples_start_from_the_first_level_times_noise(name, start):
    # From N(0, start²) instead of p_start the flow ends in a known Gaussian, which a wrong start would miss.
    samples = sample(
        GAUSSIAN, seeds=range(4000), levels=geometric_levels(100, 0.01, start), solver=name
    ).double()
    kept = (VARIANCES / (VARIANCES + start**2)).sqrt()
    mean = MEAN - (MEAN @ DIRECTIONS * kept) @ DIRECTIONS.T
    assert_moments(samples, mean, DIRECTIONS @ (start * kept).square().diag() @ DIRECTIONS.T, slack=0.03)


def test_the_ancestral_step_draws_the_posterior():
    # x at σ₊ given x at σ and x₀ is N(x₀ + (σ₊/σ)² (x − x₀), σ₊² (1 − (σ₊/σ)²)); D is x₀ for a single point.
    count, sigma, sigma_next = 40_000, torch.tensor(2.0), torch.tensor(1.5)
    point, x = torch.tensor([[1.0, -3.0, 0.5]]), torch.tensor([4.0, -3.0, 0.0]).expand(40_000, 3)
    noise = SeededNoise([5])
    found = ancestral_step(empirical(point), x, sigma, sigma_next, lambda shape: noise((count, *shape))[0])
    kept = (1.5 / 2) ** 2
    expected = point[0] + kept * (x[0] - point[0])
    assert_moments(found, expected, 1.5**2 * (1 - kept) * torch.eye(3))


@pytest.mark.parametrize("steps", [1, 3, 10])
def test_ancestral_steps_compose_to_the_noised_point(steps):
    # For a single point every step is exact: from N(x₀, σ²) to N(x₀, σ₊²), in any number of steps.
    count, point = 20_000, torch.tensor([[1.0, -3.0, 0.5]], dtype=torch.float64)
    noise = SeededNoise([6])
    levels = geometric_levels(steps + 1, 0.7, 5.0)[:-1]
    x = point + 5 * normal(count, 3, seed=8)
    states = integrate(ancestral_step, empirical(point), x, levels, lambda shape: noise((count, *shape))[0])
    assert_moments(last(states), point[0], 0.49 * torch.eye(3, dtype=torch.float64))


@every_solver
def test_the_last_step_to_zero_returns_the_denoised_state(name):
    x, sigma = normal(4, 2, 3), torch.tensor(0.3, dtype=torch.float64)
    found = SOLVERS[name](
        empirical(TRAIN), x, sigma, torch.tensor(0.0, dtype=torch.float64), SeededNoise(range(4))
    )
    assert torch.equal(found, empirical(TRAIN)(x, sigma))


@every_solver
def test_the_empirical_denoiser_gives_back_training_points(name):
    samples = sample(empirical(TRAIN), seeds=range(40), solver=name)
    distance = torch.cdist(samples.flatten(1).double(), TRAIN.flatten(1)).amin(1)
    assert distance.max() < 1e-5


@every_solver
def test_integrate_yields_the_state_at_every_level(name):
    levels, x = karras_levels(6), normal(3, 2, 3)
    seen = []

    def watching(x, sigma):
        seen.append(sigma.item())
        return empirical(TRAIN)(x, sigma)

    states = list(integrate(SOLVERS[name], watching, x, levels, SeededNoise(range(3))))
    assert len(states) == len(levels)
    assert states[0] is x
    assert sorted(set(seen), reverse=True) == levels[:-1].tolist()
    again = list(integrate(SOLVERS[name], empirical(TRAIN), x, levels[:4], SeededNoise(range(3))))
    assert all(torch.equal(one, other) for one, other in zip(states, again, strict=False))


@every_solver
def test_same_seeds_same_bits(name):
    def draw(seeds):
        return sample(empirical(TRAIN), seeds=seeds, solver=name, levels=karras_levels(8))

    assert torch.equal(draw(range(5)), draw(range(5)))
    assert not torch.equal(draw(range(5)), draw(range(1, 6)))


@every_solver
@pytest.mark.parametrize("batch", [1, 7, 64])
def test_another_batch_size_gives_the_same_samples(name, batch):
    whole = sample(GAUSSIAN, seeds=range(30), solver=name, batch=30)
    parts = sample(GAUSSIAN, seeds=range(30), solver=name, batch=batch)
    torch.testing.assert_close(parts, whole, rtol=0, atol=1e-5)
    whole = sample(empirical(TRAIN), seeds=range(30), solver=name, batch=30)
    parts = sample(empirical(TRAIN), seeds=range(30), solver=name, batch=batch)
    torch.testing.assert_close(parts, whole, rtol=0, atol=1e-5)


@every_solver
@pytest.mark.parametrize("batch", [1, 7])
def test_another_batch_size_gives_the_same_noise(name, batch):
    def all_noise(batch):
        seen = []

        def passive(x, sigma):  # the posterior mean of a point at the origin: x is nothing but noise
            seen.append(x.clone())
            return torch.zeros_like(x)

        sample(passive, seeds=range(14), shape=(2, 3), levels=karras_levels(4), solver=name, batch=batch)
        calls = len(seen) // (14 // batch)
        return torch.cat([torch.stack(seen[i : i + calls], 1) for i in range(0, len(seen), calls)])

    assert torch.equal(all_noise(batch), all_noise(14))


@every_solver
def test_a_sample_does_not_depend_on_its_neighbors(name):
    many = sample(empirical(TRAIN), seeds=[9, 4, 7], solver=name)
    alone = sample(empirical(TRAIN), seeds=[7], solver=name)
    torch.testing.assert_close(many[2:], alone, rtol=0, atol=1e-5)


NETWORKS = {
    "mlp": MLP((1, 8, 8), MLPSpec(width=32, blocks=2), generator(0)),
    "unet": UNet((1, 8, 8), UNetSpec(width=16), generator(0)),
    "unet to 2x2": UNet((1, 8, 8), UNetSpec(width=16, multipliers=(1, 2, 4), attention=(1, 2)), generator(0)),
}


torch.nn.init.normal_(
    NETWORKS["mlp"].write.weight, std=0.1, generator=generator(1)
)  # 0 at first: it would say nothing


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("batch", [1, 7, None])
def test_another_batch_size_gives_the_same_samples_of_networks(network, batch):
    model = Preconditioned(network)
    settings = {"seeds": range(12), "shape": (1, 8, 8), "levels": karras_levels(6)}
    whole = sample(model, **settings, batch=12)
    assert whole.std() > 0.01
    torch.testing.assert_close(sample(model, **settings, batch=batch), whole, rtol=0, atol=1e-3)
