"""Gradients by products against autograd of what they stand for: differences from every component, full covariances."""

import math
from functools import partial

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from byheart._checks import InputError
from byheart.random import generator
from byheart.training import free_step, mixture_step, template_step
from byheart.training.free_step import free_gradient
from byheart.training.mixture_spec import MixtureTraining
from byheart.training.mixture_step import isotropic_gradient, noisy_rows, softmax_
from byheart.training.template_step import official_template_gradient, template_gradient

D = 6


def parameters(kind, cells=3, m=5, dtype=torch.float64, std=0.4):
    source = generator(1)
    draw = partial(torch.randn, generator=source, dtype=torch.float64)
    widths = std * (1 + torch.rand(cells, m, generator=source, dtype=torch.float64))
    found = {
        "isotropic": lambda: {"means": draw(cells, m, D), "std": widths[:, 0]},
        "free": lambda: {"means": draw(cells, m, D), "std": widths, "log_weights": draw(cells, m)},
        "templates": lambda: {
            "templates": draw(cells, m, 1, 2),
            "colors": draw(cells, m, 3),
            "std": widths[:, 0],
        },
    }[kind]()
    return {name: one.to(dtype) for name, one in found.items()}


def rows(b=40, dtype=torch.float64, times=None):
    source = generator(2)
    x0, noise = (torch.randn(b, D, generator=source, dtype=torch.float64) for _ in range(2))
    grid = MixtureTraining().grid() if times is None else torch.tensor(times, dtype=torch.float64)
    t = grid[torch.randint(len(grid), (b,), generator=source)]
    return noisy_rows(*(one.to(dtype) for one in (x0, noise, (1 - t * t).sqrt(), t)))


def isotropic(p, noisy):
    """The published form: a difference from every mean, (b, m, d)."""
    alpha, sigma = noisy.alpha[:, None], noisy.sigma[:, None]
    v = (alpha * p["std"]) ** 2 + sigma**2
    difference = noisy.x[:, None] - alpha[..., None] * p["means"]
    shares = (-difference.square().sum(2) / (2 * v)).softmax(1)
    return sigma / v * (shares[..., None] * difference).sum(1)


def free(p, noisy):
    alpha, sigma = noisy.alpha[:, None], noisy.sigma[:, None]
    v = (alpha * p["std"]) ** 2 + sigma**2
    difference = noisy.x[:, None] - alpha[..., None] * p["means"]
    logits = p["log_weights"] - difference.square().sum(2) / (2 * v) - D / 2 * v.log()
    return sigma * ((logits.softmax(1) / v)[..., None] * difference).sum(1)


def templates(p, noisy, order=3):
    """Full covariances σ²I + α² s² A Aᵀ with A = I₃ ⊗ T, inverted by torch."""
    count, pixels = len(p["colors"]), p["templates"][0].numel()
    eye = torch.eye(3, dtype=noisy.x.dtype)
    A = torch.stack([torch.kron(eye, one.reshape(pixels, 1)) for one in p["templates"]])
    means = torch.einsum("mc,mp->mcp", p["colors"], p["templates"].reshape(count, pixels)).flatten(1)
    answers = []
    for x, alpha, sigma in zip(noisy.x, noisy.alpha, noisy.sigma, strict=True):
        covariance = sigma**2 * torch.eye(D, dtype=x.dtype) + (alpha * p["std"]) ** 2 * A @ A.mT
        solved = torch.linalg.solve(covariance, x - alpha * means)
        logits = -((x - alpha * means) * solved).sum(1) / 2 - order / 6 * torch.logdet(covariance)
        answers.append(sigma * (logits.softmax(0)[:, None] * solved).sum(0))
    return torch.stack(answers)


FAMILIES = {
    "isotropic": ("isotropic", isotropic_gradient, isotropic),
    "free": ("free", free_gradient, free),
    "templates": ("templates", template_gradient, templates),
    "official templates": ("templates", official_template_gradient, partial(templates, order=1)),
}
every_family = pytest.mark.parametrize("family", FAMILIES)


def by_autograd(explicit, stacked, noisy):
    """Losses (c,) and gradients of the explicit form, cell by cell."""
    leaves = {name: one.detach().clone().requires_grad_() for name, one in stacked.items()}
    losses = torch.stack(
        [
            (explicit({name: one[cell] for name, one in leaves.items()}, noisy) - noisy.noise)
            .square()
            .sum(1)
            .mean()
            for cell in range(len(stacked["std"]))
        ]
    )
    losses.sum().backward()
    return losses.detach(), {name: one.grad for name, one in leaves.items()}


def error(found, expected):
    """The largest error of any parameter's gradient, in units of its largest value, and of the loss."""
    errors = [
        float((found.parameters[name] - slope).abs().max() / slope.abs().max())
        for name, slope in expected[1].items()
    ]
    return max([*errors, float(((found.loss - expected[0]) / expected[0]).abs().max())])


@every_family
def test_the_gradient_is_that_of_the_explicit_form(family):
    kind, gradient, explicit = FAMILIES[family]
    noisy = rows(times=[0.999, 0.6, 0.3603, 0.2])
    found = gradient(parameters(kind), None, noisy)
    assert error(found, by_autograd(explicit, parameters(kind), noisy)) < 1e-10


@every_family
def test_over_the_whole_grid_in_float32(family):
    kind, gradient, explicit = FAMILIES[family]
    stacked, noisy = parameters(kind, dtype=torch.float32, std=0.3), rows(400, torch.float32)
    wide = type(noisy)(
        noisy.extended.double(), noisy.noise.double(), noisy.alpha.double(), noisy.sigma.double()
    )
    expected = by_autograd(explicit, {name: one.double() for name, one in stacked.items()}, wide)
    # A template has no width in most directions: there ε̂ is a difference divided by σ, 1e-7 / 1e-3 at the least noise.
    assert error(gradient(stacked, None, noisy), expected) < (1e-3 if kind == "templates" else 1e-5)


@pytest.mark.parametrize("family", ["isotropic", "free"])
def test_a_width_that_vanishes_is_safe(family):
    # Variance 1e-6 at t = 0.001: logits of 1e6, weights on one component each.
    kind, gradient, explicit = FAMILIES[family]
    stacked, noisy = (
        parameters(kind, dtype=torch.float32, std=1e-3),
        rows(60, torch.float32, times=[0.001, 0.2]),
    )
    wide = type(noisy)(
        noisy.extended.double(), noisy.noise.double(), noisy.alpha.double(), noisy.sigma.double()
    )
    expected = by_autograd(explicit, {name: one.double() for name, one in stacked.items()}, wide)
    found = gradient(stacked, None, noisy)
    assert all(bool(one.isfinite().all()) for one in found.parameters.values())
    assert error(found, expected) < 1e-3


@every_family
def test_some_rows_at_a_time_are_all_rows(family, monkeypatch):
    kind, gradient, _ = FAMILIES[family]
    whole = gradient(parameters(kind), None, rows())
    for module in (mixture_step, free_step, template_step):
        monkeypatch.setattr(module, "CELLS_AT_ONCE", 3 * 5 * 3 * 7)  # 7 rows of templates, 21 of the others
    taken = []
    cut = mixture_step.Noisy.parts

    def counted(noisy, size):
        for part in cut(noisy, size):
            taken.append(len(part.noise))
            yield part

    monkeypatch.setattr(mixture_step.Noisy, "parts", counted)
    parts = gradient(parameters(kind), None, rows())
    assert error(parts, (whole.loss, whole.parameters)) < 1e-12
    assert len(taken) > 1 and sum(taken) == len(
        rows().noise
    )  # equal bits would not tell: sums may round alike


@every_family
def test_padding_changes_nothing(family):
    kind, gradient, _ = FAMILIES[family]
    stacked = parameters(kind)
    wider = {
        name: torch.cat([one, torch.zeros_like(one[:, :2])], 1) if one.ndim > 1 else one
        for name, one in stacked.items()
    }
    alive = torch.arange(7).expand(3, 7) < 5
    plain, padded = gradient(stacked, None, rows()), gradient(wider, alive, rows())
    trimmed = {name: one[:, :5] if one.ndim > 1 else one for name, one in padded.parameters.items()}
    assert error(padded.__class__(padded.loss, trimmed), (plain.loss, plain.parameters)) < 1e-12
    assert all(one[:, 5:].abs().max() < 1e-15 for one in padded.parameters.values() if one.ndim > 1)


@every_family
def test_cells_do_not_see_each_other(family):
    kind, gradient, _ = FAMILIES[family]
    stacked = parameters(kind)
    together = gradient(stacked, None, rows())
    for cell in range(3):
        alone = gradient({name: one[cell : cell + 1] for name, one in stacked.items()}, None, rows())
        mine = {name: one[cell : cell + 1] for name, one in together.parameters.items()}
        assert error(alone, (together.loss[cell : cell + 1], mine)) < 1e-12


class Largest(TorchDispatchMode):
    """Numbers in the largest tensor that any operation makes."""

    count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        found = function(*args, **(kwargs or {}))
        for one in found if isinstance(found, tuple | list) else [found]:
            if isinstance(one, torch.Tensor):
                self.count = max(self.count, one.untyped_storage().nbytes() // one.element_size())
        return found


@every_family
def test_memory_does_not_grow_with_rows_times_components(family, monkeypatch):
    kind, gradient, _ = FAMILIES[family]
    for module in (mixture_step, free_step, template_step):
        monkeypatch.setattr(module, "CELLS_AT_ONCE", 600)
    stacked, noisy = parameters(kind, cells=2, m=50), rows(300)
    with Largest() as largest:
        gradient(stacked, None, noisy)
    assert largest.count <= max(noisy.extended.numel(), 600)


def test_one_component_has_a_loss_by_hand():
    # ε̂ = σ (x − α μ)/v; for x0 = μ + u it errs by σ α u/v − (α² s²/v) ε.
    noisy = rows(1, times=[0.6])
    mean, std = torch.zeros(1, 1, D, dtype=torch.float64), torch.tensor([0.5], dtype=torch.float64)
    x0 = (noisy.x - 0.6 * noisy.noise) / 0.8
    v = 0.64 * 0.25 + 0.36
    expected = (0.6 * 0.8 * x0 / v - 0.64 * 0.25 * noisy.noise / v).square().sum()
    found = isotropic_gradient({"means": mean, "std": std}, None, noisy)
    assert found.loss.item() == pytest.approx(expected.item(), rel=1e-12)


def test_small_weights_stop_above_the_denormal_ones():
    shares = softmax_(torch.tensor([[0.0, -30.0, -90.0, -1e30]]))
    assert shares[0, 1].item() == pytest.approx(math.exp(-30), rel=1e-5)
    assert shares[0, 2] == shares[0, 3] and 1e-22 < shares[0, 3] < 1e-21


@every_family
def test_points_of_another_size_are_refused(family):
    kind, gradient, _ = FAMILIES[family]
    noisy = noisy_rows(torch.ones(2, 5), torch.ones(2, 5), torch.ones(2), torch.ones(2))
    with pytest.raises(InputError, match="from these points"):
        gradient(parameters(kind, dtype=torch.float32), None, noisy)
