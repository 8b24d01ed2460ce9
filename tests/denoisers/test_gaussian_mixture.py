import pytest
import torch

from byheart._checks import InputError
from byheart.denoisers import GaussianDenoiser, GaussianMixtureDenoiser, lowrank_mixture, population

DRAWS = torch.Generator().manual_seed(0)
MEANS = 2 * torch.randn(3, 4, generator=DRAWS, dtype=torch.float64)
FACTORS = [torch.randn(4, rank, generator=DRAWS, dtype=torch.float64) for rank in (1, 2, 6)]
WEIGHTS = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64)
X = 2 * torch.randn(6, 4, generator=DRAWS, dtype=torch.float64)


@pytest.mark.parametrize("std", [0.0, 0.4])
@pytest.mark.parametrize("sigma", [0.3, 2.0])
def test_it_is_the_mixture_that_torch_knows(std, sigma):
    found = lowrank_mixture(MEANS, FACTORS, std, WEIGHTS).log_density(
        X, torch.tensor(sigma, dtype=torch.float64)
    )
    eye = torch.eye(4, dtype=torch.float64)
    parts = torch.stack(
        [
            torch.distributions.MultivariateNormal(mean, F @ F.T + (std**2 + sigma**2) * eye).log_prob(X)
            for mean, F in zip(MEANS, FACTORS, strict=True)
        ],
        1,
    )
    torch.testing.assert_close(found, (parts + WEIGHTS.log()).logsumexp(1), rtol=1e-9, atol=1e-9)


def test_equal_isotropic_components_are_the_mixture_denoiser():
    sigma = torch.linspace(0.1, 3, 6, dtype=torch.float64)
    none = [torch.zeros(4, 1, dtype=torch.float64)] * 3
    found, expected = lowrank_mixture(MEANS, none, 0.6, WEIGHTS), population(MEANS, 0.6, WEIGHTS)
    torch.testing.assert_close(found(X, sigma), expected(X, sigma))
    torch.testing.assert_close(found.log_density(X, sigma), expected.log_density(X, sigma))
    torch.testing.assert_close(found.responsibilities(X, sigma), expected.responsibilities(X, sigma))


ONE = GaussianDenoiser.from_covariance(MEANS[0], torch.eye(4))


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: GaussianMixtureDenoiser(()), "no components"),
        (
            lambda: GaussianMixtureDenoiser(
                (ONE, GaussianDenoiser.from_covariance(torch.zeros(2), torch.eye(2)))
            ),
            "shape",
        ),
        (lambda: GaussianMixtureDenoiser((ONE,), torch.tensor([0.5])), "of sum 1"),
        (lambda: GaussianMixtureDenoiser((ONE, ONE), torch.tensor([1.5, -0.5])), "positive"),
        (lambda: lowrank_mixture(MEANS, FACTORS[:2]), "a factor"),
        (lambda: lowrank_mixture(MEANS, [factor.T for factor in FACTORS]), "a factor"),
        (lambda: lowrank_mixture(MEANS, FACTORS, -0.1), "std"),
    ],
)
def test_bad_mixtures_are_refused(make, word):
    with pytest.raises(InputError, match=word):
        make()
