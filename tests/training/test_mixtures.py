"""Mixtures trained together: the same as alone, resumed to the bit, and S1's transition."""

import io
from itertools import islice

import pytest
import torch

from byheart._checks import InputError
from byheart.data import Data, load
from byheart.data.mixture import isotropic_mixture
from byheart.data.templates import ColoredTemplates
from byheart.metrics.memorization import memorized_fraction
from byheart.models.gmm import initial_means, learned_mixture
from byheart.models.lowrank_gmm import initial_templates, learned_templates
from byheart.numerics.neighbors import nearest
from byheart.random import derive, generator
from byheart.sampling import sample
from byheart.training.free_step import free_cell, free_gradient
from byheart.training.mixture_spec import MixtureTraining, mixture_recipe
from byheart.training.mixture_step import isotropic_gradient
from byheart.training.mixtures import mixture_cell, noisy_draw, restored, train_together
from byheart.training.template_step import template_cell, template_gradient

POINTS = isotropic_mixture(3, 6, 1.0, seed=0).sample(12, generator(0))
OTHERS = isotropic_mixture(2, 4, 1.0, seed=1).sample(9, generator(1))
IMAGES = ColoredTemplates(torch.rand(3, 2, 3, generator=generator(3)), torch.zeros(3, 3), 1.0).sample(
    10, generator(4)
)
SPEC = mixture_recipe("fast", steps=20)

STACK = [
    mixture_cell(POINTS[:3], 0.3),
    mixture_cell(POINTS[:8], 0.3),
    mixture_cell(OTHERS[:4], 0.3, data=1),
    mixture_cell(POINTS[:5], 0.3, seed=1),
    mixture_cell(POINTS[:4], 0.3),
]
FAMILIES = {
    "isotropic": (STACK, [POINTS, OTHERS], isotropic_gradient),
    "free": ([free_cell(POINTS[:m], 0.3, seed=m % 2) for m in (3, 8, 4, 6)], [POINTS], free_gradient),
    "templates": (
        [template_cell(*initial_templates(m, IMAGES, seed=0), 0.3, seed=m % 2) for m in (3, 8, 4)],
        [IMAGES],
        template_gradient,
    ),
}
every_family = pytest.mark.parametrize("family", FAMILIES)


def last(cells, data, objective=isotropic_gradient, spec=SPEC, start=None):
    *_, state = train_together(cells, data, spec, objective, start)
    return state


@every_family
def test_a_cell_in_company_is_the_cell_alone(family):
    cells, data, objective = FAMILIES[family]
    together = last(cells, data, objective)
    assert together.stack.padding() > 1
    for place, one in enumerate(cells):
        alone = last([one], data, objective)
        torch.testing.assert_close(together.loss[place], alone.loss[0], rtol=1e-5, atol=0)
        for name, value in alone.cell(0).items():
            torch.testing.assert_close(together.cell(place)[name], value, rtol=1e-5, atol=1e-5)
            assert (value - one.parameters[name]).abs().max() > 1e-3  # it did learn


@every_family
def test_the_same_stack_gives_the_same_bits(family):
    first, second = (last(*FAMILIES[family]) for _ in range(2))
    assert torch.equal(first.stack.values, second.stack.values) and torch.equal(first.loss, second.loss)


@every_family
def test_resumed_from_a_file_is_undisturbed(family):
    cells, data, objective = FAMILIES[family]
    file = io.BytesIO()
    stop = next(islice(train_together(cells, data, SPEC, objective), 7, None))
    torch.save(stop.tensors(), file)
    file.seek(0)
    start = restored(cells, data, SPEC, torch.load(file, weights_only=True))
    assert start.step == 7
    assert torch.equal(
        last(cells, data, objective, start=start).stack.values, last(cells, data, objective).stack.values
    )


def test_resumed_from_a_state_is_undisturbed():
    stop = next(islice(train_together(STACK, [POINTS, OTHERS], SPEC), 7, None))
    resumed = last(STACK, [POINTS, OTHERS], start=stop)
    assert torch.equal(resumed.stack.values, last(STACK, [POINTS, OTHERS]).stack.values)


def test_every_state_is_yielded_and_starts_are_left_alone():
    before = POINTS.clone()
    found = []
    for state in train_together(STACK, [POINTS, OTHERS], SPEC):
        found.append((state.step, state.loss is None))
        assert torch.is_grad_enabled()  # the caller's own affair
    assert found == [(step, step == 0) for step in range(21)]
    assert torch.equal(POINTS, before) and torch.equal(STACK[0].parameters["means"], before[:3])


def test_seeds_matter_and_the_global_stream_does_not():
    cells = [mixture_cell(POINTS[:3], 0.3, seed=seed) for seed in (0, 1, 0)]
    before = torch.get_rng_state()
    state = last(cells, [POINTS])
    one, other, again = (state.cell(place)["means"] for place in range(3))
    torch.testing.assert_close(one, again, rtol=1e-6, atol=1e-6)
    assert (one - other).abs().max() > 1e-4
    assert torch.equal(torch.get_rng_state(), before)


def test_a_step_is_adam_and_the_average_of_its_updates():
    # S1's chain written out: Adam with its bias corrections, times the rate, then a debiased average of the updates.
    points, spec = POINTS.double(), mixture_recipe("fast", steps=9)
    found = last([mixture_cell(points[:3], 0.3)], [points], spec=spec).cell(0)
    p = {"means": points[None, :3].clone(), "std": torch.tensor([0.3], dtype=torch.float64)}
    first, second, average = ({name: torch.zeros_like(one) for name, one in p.items()} for _ in range(3))
    source, t = generator(derive(0, "denoising")), spec.grid()
    for step in range(1, 10):
        noisy = noisy_draw(points, (1 - t * t).sqrt(), t, spec.draws, source)
        slopes = isotropic_gradient(p, None, noisy).parameters
        for name, slope in slopes.items():
            first[name] = 0.9 * first[name] + 0.1 * slope
            second[name] = 0.99 * second[name] + 0.01 * slope**2
            up = first[name] / (1 - 0.9**step) / ((second[name] / (1 - 0.99**step)).sqrt() + 1e-8)
            average[name] = 0.99 * average[name] - 0.01 * spec.lr_at(step) * up
            p[name] = p[name] + average[name] / (1 - 0.99**step)
    torch.testing.assert_close(found["means"], p["means"][0], rtol=0, atol=1e-10)
    torch.testing.assert_close(found["std"], p["std"][0], rtol=0, atol=1e-10)


def test_a_drawn_row_is_a_point_at_a_time_of_the_grid():
    t = MixtureTraining().grid()
    noisy = noisy_draw(POINTS.double(), (1 - t * t).sqrt(), t, 200, generator(0))
    assert noisy.x.shape == (2400, 6)
    back = (noisy.x - noisy.sigma[:, None] * noisy.noise) / noisy.alpha[:, None]
    torch.testing.assert_close(back, POINTS.double().repeat(200, 1))
    times = noisy.sigma.view(200, 12)
    assert (times == times[0]).all() and len(times[0].unique()) > 3  # one time a point, for all its noises
    assert noisy.noise.mean().abs() < 0.04 and noisy.noise.std().item() == pytest.approx(1, abs=0.03)


def first_norms(spec):
    """The norm of every mixture's first gradient: ten times that of Adam's first moment after a step."""
    state = last(STACK, [POINTS, OTHERS], spec=spec)
    return [
        10 * sum(float(one[row].square().sum()) for one in group.values()) ** 0.5
        for group in state.stack.like(state.moments[0])
        for row in range(len(group["std"]))
    ]


def test_clipping_bounds_every_mixture_by_itself():
    wild = first_norms(MixtureTraining(steps=1, warmup=0))
    clip = sorted(wild)[2]
    found = first_norms(MixtureTraining(steps=1, warmup=0, clip=clip))
    assert found == pytest.approx([min(norm, clip) for norm in wild], rel=1e-4)
    assert min(wild) < 0.9 * clip < max(wild)


def test_one_component_learns_the_mean_and_the_variance():
    # The minimizer at every time is the Wiener filter of the sample's own moments; six seeds average the noise out.
    points = 2.0 + POINTS
    cells = [mixture_cell(POINTS[:1], 1.0, seed=seed) for seed in range(6)]
    state = last(cells, [points], spec=MixtureTraining(steps=1000, warmup=100, lr=1e-2, draws=8))
    mean = torch.stack([state.cell(place)["means"][0] for place in range(6)]).mean(0)
    variance = sum(state.cell(place)["std"].item() ** 2 for place in range(6)) / 6
    torch.testing.assert_close(mean, points.mean(0), rtol=0, atol=0.05)
    assert variance == pytest.approx((points - points.mean(0)).square().mean().item(), rel=0.025)


@pytest.mark.parametrize(
    ("cells", "data", "remedy"),
    [
        ([mixture_cell(POINTS[:3], 0.3, data=1)], [POINTS], "count the training sets from 0"),
        ([mixture_cell(POINTS[:3], 0.3)], [POINTS[0]], "list of training sets"),
        ([mixture_cell(POINTS[:3], 0.3)], [POINTS[:0]], "list of training sets"),
        ([mixture_cell(POINTS[:3], 0.3)], [POINTS / 0], "remove or repair"),
        ([mixture_cell(POINTS[:3], 0.3)], [OTHERS], "from these points"),
        ([mixture_cell(POINTS[:3], 0.3)], [POINTS.double()], "convert the points"),
        ([], [POINTS], "pass at least one cell"),
    ],
)
def test_what_cannot_be_learned_is_refused(cells, data, remedy):
    with pytest.raises(InputError, match=remedy):
        list(train_together(cells, data, SPEC))


@pytest.mark.parametrize(
    ("bad", "remedy"),
    [
        (lambda: mixture_cell(POINTS[:3], 0.0), "slow enough"),
        (lambda: mixture_cell(POINTS[0], 0.3), "flatten"),
        (lambda: free_cell(POINTS[:3], -1.0), "flatten"),
        (lambda: template_cell(torch.ones(2, 2, 3), torch.ones(2, 3), 0.0), "stays 0"),
        (lambda: template_cell(torch.ones(2, 2, 3), torch.ones(3, 3), 0.3), "one color"),
    ],
)
def test_cells_that_cannot_learn_are_refused(bad, remedy):
    with pytest.raises(InputError, match=remedy):
        bad()


@pytest.mark.parametrize("others", [STACK[:2], [*STACK[:3], *STACK[:2:-1]], [STACK[1], STACK[0], *STACK[2:]]])
def test_a_state_of_other_cells_is_refused(others):
    saved = next(train_together(STACK, [POINTS, OTHERS], SPEC)).tensors()
    with pytest.raises(InputError, match="train from the beginning"):
        restored(others, [POINTS, OTHERS], SPEC, saved)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_s1s_transition(seed):
    # d = 30, K = 3, N = 50: nothing is memorized by half as many components as points, half by 0.8, all by N.
    population = isotropic_mixture(3, 30, 1.0, seed)
    points = population.sample(50, generator(derive(seed, "train")))
    recipe = mixture_recipe("fast", draws=4)
    cells = [
        mixture_cell(initial_means("training", m, points, seed=seed), recipe.std, seed=seed)
        for m in (25, 40, 50)
    ]
    state, shares, variances = last(cells, [points], spec=recipe), [], []
    for place in range(3):
        end = sample(learned_mixture(state.cell(place)), seeds=range(1000), levels=recipe.levels())
        end = end * recipe.process.alpha(recipe.t_low).float()
        shares.append(memorized_fraction(nearest(end, points)).value)
        variances.append(float(state.cell(place)["std"]) ** 2)
    assert shares[0] < 0.05 and 0.35 < shares[1] < 0.65 and shares[2] > 0.97
    assert 0.35 < variances[0] < 0.44 and 0.11 < variances[1] < 0.17 and variances[2] < 0.003


@pytest.mark.slow
def test_colored_templates_memorize_later():
    # 8×8 digits in color, K = 4, N = 50: S1's transition is later and softer than that of isotropic data.
    digits = load(Data(name="digits", standardize=False)).images[:, 0].double()
    digits = (digits - digits.min()) / (digits.max() - digits.min())
    templates = digits[torch.randperm(len(digits), generator=generator(1))[:4]].float()
    points = ColoredTemplates(templates, torch.zeros(4, 3), 1.0).sample(50, generator(2))
    # The least noise's gradients are 1e6 times the others': clipped, 3,000 steps are enough.
    recipe = MixtureTraining(draws=4, lr=5e-4, clip=10.0)
    cells = [template_cell(*initial_templates(m, points, seed=0), recipe.std) for m in (25, 40, 50)]
    state, shares = last(cells, [points], template_gradient, recipe), []
    for place in range(3):
        end = sample(learned_templates(state.cell(place)), seeds=range(1000), levels=recipe.levels())
        shares.append(memorized_fraction(nearest(end, points)).value)
    assert shares[0] < 0.12 and shares[1] < 0.25 and shares[2] > 0.7
    assert float(state.cell(2)["std"]) ** 2 < 0.02 < 0.2 < float(state.cell(0)["std"]) ** 2
