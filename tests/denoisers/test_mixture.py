import math

import pytest
import torch

from byheart._checks import InputError
from byheart.denoisers import MixtureDenoiser, empirical, eps, partial, population, smoothed


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def level(value):
    return torch.tensor(value, dtype=torch.float64)


def by_the_book(centers, std, weights, x, sigma):
    """The formula with explicit differences and loops."""
    v = std**2 + sigma**2
    distances = torch.stack([(x - center).flatten(1).square().sum(1) for center in centers], 1)
    r = torch.softmax(weights.log() - distances / (2 * v), 1)
    mean = sum(r[:, k].reshape(-1, 1, 1) * centers[k] for k in range(len(centers)))
    return r, (sigma**2 * mean + std**2 * x) / v


@pytest.mark.parametrize("std", [0.0, 0.4, 2.0])
@pytest.mark.parametrize("sigma", [0.05, 0.5, 5.0])
@pytest.mark.parametrize("chunk", [1, 4, 100])
def test_the_formula(std, sigma, chunk):
    centers, weights = normal(9, 2, 5), normal(9, seed=1).softmax(0)
    x = centers[:6] + sigma * normal(6, 2, 5, seed=2)
    denoiser = MixtureDenoiser(centers, std, weights.log(), chunk=chunk)
    r, mean = by_the_book(centers, std, weights, x, sigma)
    torch.testing.assert_close(denoiser(x, level(sigma)), mean, rtol=1e-11, atol=1e-11)
    torch.testing.assert_close(denoiser.responsibilities(x, level(sigma)), r, rtol=1e-9, atol=1e-12)


def test_log_density_is_that_of_a_mixture():
    means, weights = normal(4, 3), normal(4, seed=1).softmax(0)
    components = torch.distributions.Independent(torch.distributions.Normal(means, math.hypot(0.5, 0.3)), 1)
    oracle = torch.distributions.MixtureSameFamily(torch.distributions.Categorical(weights), components)
    x = normal(10, 3, seed=2)
    found = population(means, 0.5, weights).log_density(x, level(0.3))
    torch.testing.assert_close(found, oracle.log_prob(x), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("chunk", [1, 7, 64, 499])
@pytest.mark.parametrize("sigma", [0.01, 0.3, 2.0, 80.0])
def test_chunks_do_not_matter(chunk, sigma):
    train = normal(500, 16)
    x = train[:8] + sigma * normal(8, 16, seed=1)
    whole, parts = MixtureDenoiser(train, chunk=500), MixtureDenoiser(train, chunk=chunk)
    torch.testing.assert_close(parts(x, level(sigma)), whole(x, level(sigma)), rtol=1e-6, atol=1e-12)
    torch.testing.assert_close(
        parts.log_density(x, level(sigma)), whole.log_density(x, level(sigma)), rtol=1e-10, atol=1e-9
    )


def test_chunks_bound_the_memory():
    # No tensor of b · k numbers may ever exist: watch the sizes of all results.
    from torch.utils._python_dispatch import TorchDispatchMode

    sizes = []

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            found = func(*args, **(kwargs or {}))
            sizes.extend(t.numel() for t in [found] if isinstance(t, torch.Tensor) and t.data_ptr() != 0)
            return found

    train, x = normal(3000, 4), normal(50, 4, seed=1)
    with Watch():
        MixtureDenoiser(train, chunk=100)(x, level(0.5))
    assert max(sizes) <= 3000 * 4  # the centers themselves (a check for finite numbers); b · chunk is 5000


def test_small_noise_gives_the_nearest_training_point():
    train = normal(50, 8)
    x = normal(30, 8, seed=1)
    nearest = train[torch.cdist(x, train).argmin(1)]
    torch.testing.assert_close(empirical(train)(x, level(1e-3)), nearest, rtol=0, atol=1e-12)
    torch.testing.assert_close(empirical(train)(x, level(1e-150)), nearest, rtol=0, atol=1e-12)


def test_large_noise_gives_the_weighted_mean():
    train, weights = normal(50, 8), normal(50, seed=1).softmax(0)
    found = MixtureDenoiser(train, log_weights=weights.log())(normal(3, 8, seed=2), level(1e7))
    torch.testing.assert_close(found, (weights @ train).expand(3, 8), rtol=0, atol=1e-9)


def test_near_duplicates_are_told_apart():
    # Two images that differ by 1e-4 in one of 784 pixels; float32 squares of 784 cannot see that.
    one = normal(784)
    twins = torch.stack([one, one])
    twins[1, 0] += 1e-4
    r = empirical(twins.float().double()).responsibilities(twins.float().double(), level(1e-5))
    torch.testing.assert_close(r, torch.eye(2, dtype=torch.float64), rtol=0, atol=1e-6)


def float32_error(train, std, sigma):
    """The largest relative error of a row, at noised training points."""
    x = (train[:64] + sigma * normal(64, train.shape[1], seed=1)).float()
    exact = MixtureDenoiser(train, std)(x.double(), level(sigma))
    fast = MixtureDenoiser(train, std, precision="float32", chunk=128)(x, level(sigma).float())
    assert fast.dtype == torch.float32
    return ((fast - exact).norm(dim=1) / exact.norm(dim=1)).max().item()


@pytest.mark.parametrize("d", [4, 16, 256])  # from many centers that share the weight to a single one
@pytest.mark.parametrize("sigma", [0.02, 0.05, 0.3, 1.0, 5.0, 80.0])
@pytest.mark.parametrize("std", [0.0, 0.5])
def test_float32_errs_by_2e5_at_most_at_noised_points(d, sigma, std):
    assert float32_error(normal(1000, d).float(), std, sigma) < 2e-5


def test_float32_errs_no_more_between_near_duplicates():
    # Pairs at distance 0.04 under noise of that size: their logits are made again by subtraction.
    train = normal(1000, 16)
    train[500:] = train[:500] + 0.01 * normal(500, 16, seed=2)
    assert float32_error(train.float(), 0.0, 0.01) < 1e-6


@pytest.mark.parametrize("sigma", [1e-20, 1e-4, 1e18])
def test_float32_is_safe_at_both_ends(sigma):
    found = MixtureDenoiser(normal(30, 8).float(), precision="float32")(
        normal(3, 8).float(), torch.tensor(sigma)
    )
    assert bool(found.isfinite().all())


def test_eps_does_not_cancel_at_small_noise():
    # One component far wider than the noise: eps ~ sigma (x − mean) / std², far below x's last digit.
    denoiser, x, sigma = (
        MixtureDenoiser(torch.zeros(1, 4, dtype=torch.float64), 1.0),
        normal(5, 4),
        level(1e-12),
    )
    exact = sigma * x / (1 + sigma**2)
    torch.testing.assert_close(denoiser.eps(x, sigma), exact, rtol=1e-12, atol=0)
    assert (eps(denoiser, x, sigma) / exact - 1).abs().max() > 1e-3  # what the general formula makes of it
    moderate = level(0.7)
    torch.testing.assert_close(denoiser.eps(x, moderate), eps(denoiser, x, moderate))


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_it_is_differentiable_in_its_parameters(precision):
    dtype = getattr(torch, precision)
    centers = normal(5, 3).to(dtype).requires_grad_()
    std = torch.tensor(0.7, dtype=dtype, requires_grad=True)
    logits = normal(5, seed=1).to(dtype).requires_grad_()
    x, sigma = normal(4, 3, seed=2).to(dtype), torch.tensor(0.5, dtype=dtype)

    def loss(centers, std, logits):
        weights = logits.log_softmax(0)
        return MixtureDenoiser(centers, std, weights, precision, chunk=2)(x, sigma).square().sum()

    gradients = torch.autograd.grad(loss(centers, std, logits), (centers, std, logits))
    inputs = tuple(value.detach().double().requires_grad_() for value in (centers, std, logits))
    x, sigma, precision = x.double(), sigma.double(), "float64"
    assert torch.autograd.gradcheck(loss, inputs)
    exact = torch.autograd.grad(loss(*inputs), inputs)
    for found, expected in zip(gradients, exact, strict=True):
        torch.testing.assert_close(found.double(), expected, rtol=1e-4, atol=1e-5)


def test_the_four_denoisers():
    train = normal(12, 2, 3)
    assert empirical(train).std == 0
    assert smoothed(train, 0.3).std == 0.3
    assert population(train, 0.3).log_weights is None
    held = partial(train, 5, seed=1).centers
    assert [any(torch.equal(point, center) for center in held) for point in train].count(True) == 5
    assert torch.equal(partial(train, 3, seed=1).centers, held[:3])  # nested
    assert not torch.equal(partial(train, 5, seed=2).centers, held)
    torch.testing.assert_close(
        partial(train, 12, seed=0)(train, level(0.6)), empirical(train)(train, level(0.6))
    )


@pytest.mark.parametrize("m", [0, -1, 13])
def test_partial_refuses_more_points_than_there_are(m):
    with pytest.raises(InputError, match="1 ≤ m ≤ 12"):
        partial(normal(12, 3), m, seed=0)


@pytest.mark.parametrize(
    "centers",
    [
        torch.zeros(0, 3),
        torch.zeros(3, 0),
        torch.zeros(3),
        torch.tensor(1.0),
        torch.ones(4, 3, dtype=torch.int64),
        torch.ones(4, 3, dtype=torch.uint8),
        torch.full((4, 3), float("nan")),
        torch.full((4, 3), float("inf")),
    ],
)
def test_bad_centers_are_refused(centers):
    with pytest.raises(InputError):
        empirical(centers)


@pytest.mark.parametrize(
    "weights",
    [
        torch.ones(4),
        torch.full((4,), 0.2),
        torch.full((3,), 1 / 3),
        torch.full((4, 1), 0.25),
        torch.tensor([0.5, 0.5, 0.0, 0.0]),
        torch.tensor([1.5, -0.5, 0.5, -0.5]),
        torch.full((4,), float("nan")),
    ],
)
def test_weights_that_are_no_distribution_are_refused(weights):
    with pytest.raises(InputError, match="sum to 1"):
        population(normal(4, 3), 0.5, weights)


@pytest.mark.parametrize(
    "settings",
    [{"std": -0.1}, {"std": float("nan")}, {"std": float("inf")}, {"precision": "half"}, {"chunk": 0}],
)
def test_bad_settings_are_refused(settings):
    with pytest.raises(InputError):
        MixtureDenoiser(normal(4, 3), **settings)
