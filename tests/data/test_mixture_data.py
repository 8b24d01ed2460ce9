import pytest
import torch

from byheart._checks import InputError
from byheart.data import Data, GaussianMixture, MixtureData, isotropic_mixture, load
from byheart.random import generator


def test_means_lie_on_the_sphere_of_radius_root_d():
    population = isotropic_mixture(7, 30, std=0.5, seed=3)
    assert population.means.shape == (7, 30)
    torch.testing.assert_close(population.means.norm(dim=1), torch.full((7,), 30**0.5))
    assert not torch.equal(population.means, isotropic_mixture(7, 30, std=0.5, seed=4).means)


def test_draws_have_the_moments_of_their_components():
    means = torch.tensor([[0.0, 0.0], [10.0, -10.0]])
    population = GaussianMixture(means, std=0.5, weights=torch.tensor([0.2, 0.8]))
    points, labels = population.labeled(20_000, generator(0))
    share = labels.double().mean().item()
    assert abs(share - 0.8) < 5 * (0.8 * 0.2 / 20_000) ** 0.5
    for component in (0, 1):
        own = points[labels == component]
        error = 0.5 / len(own) ** 0.5
        torch.testing.assert_close(own.mean(0), means[component], rtol=0, atol=5 * error)
        torch.testing.assert_close(own.std(0), torch.full((2,), 0.5), rtol=0, atol=5 * error)


def test_equal_weights_unless_given():
    labels = isotropic_mixture(4, 2, 1.0, 0).labeled(20_000, generator(1))[1]
    torch.testing.assert_close(labels.bincount() / 20_000, torch.full((4,), 0.25), rtol=0, atol=0.02)


def test_same_generator_same_bits():
    population = isotropic_mixture(4, 6, 1.0, 0)
    torch.testing.assert_close(
        population.sample(9, generator(5)), population.labeled(9, generator(5))[0], rtol=0, atol=0
    )


def test_loaded_mixtures_are_features_with_labels():
    spec = Data(name="mixture", mixture=MixtureData(components=3, dimension=5, count=200))
    dataset = load(spec)
    assert dataset.images.shape == (200, 5)
    assert dataset.labels is not None
    assert set(dataset.labels.tolist()) == {0, 1, 2}
    other = load(
        spec.model_copy(update={"mixture": MixtureData(components=3, dimension=5, count=200, seed=1)})
    )
    assert dataset.fingerprint != other.fingerprint


@pytest.mark.parametrize(
    ("means", "std", "weights"),
    [
        (torch.ones(3), 1.0, None),
        (torch.ones(0, 3), 1.0, None),
        (torch.full((2, 2), float("nan")), 1.0, None),
        (torch.ones(2, 2, dtype=torch.long), 1.0, None),
        (torch.ones(2, 2), -1.0, None),
        (torch.ones(2, 2), float("nan"), None),
        (torch.ones(2, 2), 1.0, torch.tensor([0.5, 0.6])),
        (torch.ones(2, 2), 1.0, torch.tensor([1.0, 0.0])),
        (torch.ones(2, 2), 1.0, torch.ones(1)),
    ],
)
def test_mixtures_that_are_none_are_refused(means, std, weights):
    with pytest.raises(InputError):
        GaussianMixture(means, std, weights)
