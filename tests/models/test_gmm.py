"""Learned mixtures as modules: starts, and the closed form they call."""

import copy

import pytest
import torch

from byheart._checks import InputError
from byheart.data.mixture import isotropic_mixture
from byheart.data.templates import ColoredTemplates
from byheart.denoisers.mixture import MixtureDenoiser, partial
from byheart.denoisers.templates import ColoredTemplateDenoiser
from byheart.models.gmm import MixtureModel, initial_means, learned_free_mixture, learned_mixture
from byheart.models.lowrank_gmm import TemplateModel, initial_templates, learned_templates
from byheart.random import generator
from byheart.training import DenoisingLoss, Loss, Training, train

POPULATION = isotropic_mixture(3, 6, 1.0, seed=0)
TRAIN = POPULATION.sample(20, generator(0))
X, SIGMA = torch.randn(5, 6, generator=generator(1)).double(), torch.rand(5, generator=generator(2)) + 0.2
TEMPLATES = ColoredTemplates(torch.rand(3, 4, 5, generator=generator(3)), torch.zeros(3, 3), 1.0)
IMAGES, LABELS = TEMPLATES.labeled(12, generator(4))


def test_the_module_is_the_closed_form_of_its_parameters():
    model = MixtureModel(TRAIN[:4], 0.5)
    torch.testing.assert_close(model(X, SIGMA), MixtureDenoiser(TRAIN[:4], 0.5)(X, SIGMA))
    (model.forward(X, SIGMA).square().sum()).backward()
    assert model.means.grad.abs().min() > 0 and model.std.grad.abs() > 0
    assert (model.shape, str(model.device)) == ((6,), "cpu")


def test_learned_weights_are_normalized():
    model = MixtureModel(TRAIN[:2], 0.5, log_weights=torch.tensor([3.0, 3.0 - torch.log(torch.tensor(3.0))]))
    shares = model.denoiser().log_weights.exp()
    torch.testing.assert_close(shares, torch.tensor([0.75, 0.25]))
    model(X, SIGMA).sum().backward()
    assert model.log_weights.grad.abs().sum() > 0


def test_the_sign_of_the_width_means_nothing():
    found = learned_mixture({"means": TRAIN[:4], "std": torch.tensor(-0.5)})
    torch.testing.assert_close(found(X, SIGMA), MixtureDenoiser(TRAIN[:4].double(), 0.5)(X, SIGMA))
    assert found.centers.dtype == torch.float64
    assert learned_mixture({"means": TRAIN[:4], "std": torch.tensor(0.5)}, shape=(2, 3)).shape == (2, 3)


def test_equal_widths_and_weights_are_the_plain_mixture():
    free = {"means": TRAIN[:4], "std": torch.full((4,), 0.5), "log_weights": torch.full((4,), 7.0)}
    plain = MixtureDenoiser(TRAIN[:4].double(), 0.5)
    torch.testing.assert_close(learned_free_mixture(free)(X, SIGMA.double()), plain(X, SIGMA.double()))


def test_a_module_learns_by_the_ordinary_loop():
    model = MixtureModel(TRAIN[:4], 0.5, precision="float32")
    before = copy.deepcopy(model.state_dict())
    for state in train(model, TRAIN, Training(steps=5, batch=8, lr=1e-2), DenoisingLoss(Loss())):
        last = state
    assert last.loss.isfinite() and (model.means - before["means"]).abs().max() > 1e-3


def test_training_starts_are_nested_and_those_of_the_partial_denoiser():
    five, nine = (initial_means("training", m, TRAIN, seed=3) for m in (5, 9))
    assert torch.equal(nine[:5], five) and torch.equal(five, partial(TRAIN, 5, 3).centers)
    assert not torch.equal(five, initial_means("training", 5, TRAIN, seed=4))


def test_pairs_are_the_points_and_the_average_of_the_two_nearest():
    points = torch.tensor([[0.0, 0.0], [10.0, 0.0], [10.0, 1.0], [0.0, 30.0]])
    found = initial_means("pairs", 3, points, seed=0)
    assert sorted(found.tolist()) == [[0.0, 0.0], [0.0, 30.0], [10.0, 0.5]]


def test_fresh_and_gaussian_starts_are_no_training_points():
    many = isotropic_mixture(2, 40, 1.0, seed=0)
    points = many.sample(500, generator(0))
    fresh = initial_means("population", 400, points, seed=0, population=many)
    normal = initial_means("gaussian", 400, points, seed=0)
    # ‖x‖²/d is 1 + s² = 2 for the population, 1 for standard normal numbers; both to 4 standard errors.
    assert fresh.square().mean() == pytest.approx(2.0, abs=0.06)
    assert normal.square().mean() == pytest.approx(1.0, abs=0.05)
    assert not torch.isclose(fresh[:, :1], points[:400, :1]).all()


def test_images_are_taken_apart_into_templates_and_colors():
    templates, colors = initial_templates(12, IMAGES, seed=0)
    chosen = torch.randperm(12, generator=generator(0))
    torch.testing.assert_close(torch.einsum("mc,m...->mc...", colors, templates), IMAGES[chosen])
    assert (templates.flatten(1).sum(1) > 0).all()
    torch.testing.assert_close(colors.square().mean(), torch.tensor(1.0))
    assert torch.equal(initial_templates(5, IMAGES, seed=0)[0], templates[:5])


@pytest.mark.parametrize("official", [False, True])
def test_the_module_of_templates_is_the_closed_form(official):
    templates, colors = initial_templates(4, IMAGES, seed=0)
    # Of one norm, all would have the same determinant.
    templates = templates * torch.tensor([0.3, 0.7, 1.0, 2.0])[:, None, None]
    model = TemplateModel(templates, colors, 0.5, official)
    x, sigma = torch.randn(7, 3, 4, 5, generator=generator(5)).double(), torch.tensor(0.7)
    expected = ColoredTemplateDenoiser(templates, colors, 0.5, official=official)(x, sigma)
    torch.testing.assert_close(model(x, sigma), expected)
    if not official:
        found = learned_templates({"templates": templates, "colors": colors, "std": torch.tensor(-0.5)})
        torch.testing.assert_close(found(x, sigma), expected)
    model(x, sigma).square().sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in model.parameters())
    assert (model.shape, str(model.device)) == ((3, 4, 5), "cpu")


@pytest.mark.parametrize(
    ("bad", "remedy"),
    [
        (lambda: initial_means("training", 21, TRAIN, seed=0), "holds them all"),
        (lambda: initial_means("training", 0, TRAIN, seed=0), "holds them all"),
        (lambda: initial_means("pairs", 9, TRAIN, seed=0), "training"),
        (lambda: initial_means("population", 9, TRAIN, seed=0), "pass the mixture"),
        (lambda: initial_means("sphere", 9, TRAIN, seed=0), "S1 starts"),
        (lambda: initial_means("training", 9, TRAIN[0], seed=0), "flatten"),
        (lambda: initial_means("training", 9, TRAIN / 0, seed=0), "remove or repair"),
        (lambda: MixtureModel(TRAIN, 0.0), "stays 0"),
        (lambda: TemplateModel(torch.rand(2, 3, 3), torch.rand(2, 3), 0.0), "stays 0"),
        (lambda: TemplateModel(torch.rand(2, 3, 3), torch.rand(2, 2), 1.0), "one color"),
        (lambda: learned_mixture({"means": TRAIN}), "their own denoisers"),
        (lambda: learned_mixture({"means": TRAIN, "std": torch.ones(20)}), "their own denoisers"),
        (lambda: learned_free_mixture({"means": TRAIN, "std": torch.tensor(1.0)}), "learned_mixture"),
        (lambda: learned_templates({"means": TRAIN}), "learned_mixture"),
        (lambda: initial_templates(13, IMAGES, seed=0), "holds them all"),
        (lambda: initial_templates(2, IMAGES[:, :1], seed=0), "plain mixtures"),
        (lambda: initial_templates(2, 0 * IMAGES, seed=0), "how they were read"),
    ],
)
def test_bad_input_is_refused(bad, remedy):
    with pytest.raises(InputError, match=remedy):
        bad()
