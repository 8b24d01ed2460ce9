import pytest
import torch
from torch import nn

from byheart._checks import InputError
from byheart.denoisers import empirical
from byheart.noise import karras_levels
from byheart.random import SeededNoise
from byheart.sampling import automatic_batch, euler_step, integrate, sample

TRAIN = torch.randn(12, 1, 2, 2, generator=torch.Generator().manual_seed(0))
LEVELS = karras_levels(5)


class Net(nn.Module):
    """A network with dropout, so that its mode shows in its output."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.dropout = nn.Dropout(0.9)
        with torch.no_grad():
            self.linear.weight.copy_(torch.eye(4) / 2)
            self.linear.bias.zero_()
        self.modes = []

    def forward(self, x, sigma):
        self.modes.append((self.training, self.dropout.training, torch.is_grad_enabled()))
        return self.dropout(self.linear(x.flatten(1))).reshape(x.shape)


def test_it_is_the_integrated_noise():
    found = sample(empirical(TRAIN), seeds=[3, 8], levels=LEVELS)
    start = SeededNoise([3, 8])((1, 2, 2)) * LEVELS[0]
    *_, expected = integrate(euler_step, empirical(TRAIN), start, LEVELS)
    assert torch.equal(found, expected)
    assert found.dtype == torch.float32


def test_closed_forms_need_nothing_else():
    assert sample(empirical(TRAIN), seeds=range(3)).shape == (3, 1, 2, 2)
    assert torch.equal(
        sample(empirical(TRAIN), seeds=range(3)),
        sample(empirical(TRAIN), seeds=range(3), levels=karras_levels(18)),
    )


@pytest.mark.parametrize(
    "known", [{}, {"shape": (1, 2, 2)}, {"levels": LEVELS}], ids=["neither", "shape only", "levels only"]
)
def test_any_other_callable_needs_shape_and_levels(known):
    with pytest.raises(InputError, match=r"need shape=… and levels=…"):
        sample(Net(), seeds=range(3), **known)
    assert sample(Net(), seeds=range(3), shape=(1, 2, 2), levels=LEVELS).shape == (3, 1, 2, 2)


@pytest.mark.parametrize("dropout_mode", [True, False])
@pytest.mark.parametrize("fails", [False, True])
def test_a_network_is_evaluated_and_left_as_it_was(dropout_mode, fails):
    net = Net().train()
    net.dropout.train(dropout_mode)  # a submodule may have a mode of its own
    levels = torch.tensor([1.0, 2.0]) if fails else LEVELS
    if fails:
        with pytest.raises(InputError):
            sample(net, seeds=range(3), shape=(1, 2, 2), levels=levels)
    else:
        sample(net, seeds=range(3), shape=(1, 2, 2), levels=levels)
        assert set(net.modes) == {(False, False, False)}
    assert (net.training, net.linear.training, net.dropout.training) == (True, True, dropout_mode)
    assert all(weight.requires_grad for weight in net.parameters())


def test_labels_are_bound_batch_by_batch():
    points = torch.tensor([-3.0, 0.0, 7.0])

    def by_class(x, sigma, label):
        assert len(x) == len(label)
        return points[label].reshape(-1, 1).expand_as(x)

    labels = torch.tensor([0, 2, 1, 1, 2, 0, 2])
    found = sample(by_class, seeds=range(7), shape=(5,), levels=LEVELS, labels=labels, batch=3)
    assert torch.equal(found, points[labels].reshape(-1, 1).expand(7, 5))


@pytest.mark.parametrize("batch", [None, 2])
def test_start_replaces_the_noise(batch):
    start = torch.randn(3, 1, 2, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found = sample(empirical(TRAIN), seeds=range(3), levels=LEVELS[3:], start=start, batch=batch)
    *_, expected = integrate(euler_step, empirical(TRAIN), start, LEVELS[3:])
    assert found.dtype == torch.float64
    torch.testing.assert_close(found, expected)


def test_a_step_function_is_a_solver():
    def jump(denoiser, x, sigma, sigma_next, noise):
        return denoiser(x, sigma)

    found = sample(empirical(TRAIN), seeds=range(3), levels=LEVELS[-2:], solver=jump)
    assert torch.equal(found, sample(empirical(TRAIN), seeds=range(3), levels=LEVELS[-2:], solver="euler"))


@pytest.mark.parametrize(
    "bad",
    [
        {"seeds": []},
        {"shape": (2, 2)},
        {"solver": "ddim"},
        {"batch": 0},
        {"batch": -3},
        {"levels": torch.tensor([1.0, 2.0])},
        {"labels": torch.zeros(2, dtype=torch.int64)},
        {"start": torch.zeros(2, 1, 2, 2)},
        {"start": torch.zeros(3, 2, 2)},
        {"start": torch.full((3, 1, 2, 2), float("nan"))},
    ],
    ids=lambda bad: f"{next(iter(bad))}",
)
def test_bad_requests_are_refused(bad):
    with pytest.raises(InputError):
        sample(empirical(TRAIN), **{"seeds": range(3), **bad})


def conv_net(width):
    return nn.Sequential(nn.Linear(16, 4 * width), nn.Conv2d(1, width, 3), nn.Conv2d(width, 4 * width, 3))


@pytest.mark.parametrize(
    ("width", "side", "low", "high"),
    [(16, 8, 125, 500), (32, 8, 125, 250), (32, 16, 25, 125), (64, 32, 1, 32)],
)
def test_automatic_batches_lie_where_they_were_measured_to_be_fast(width, side, low, high):
    assert low <= automatic_batch((1, side, side), conv_net(width)) <= high


def test_automatic_batch_of_other_models():
    assert automatic_batch((1, 8, 8), empirical(TRAIN)) == 256
    assert 256 <= automatic_batch((1, 8, 8), nn.Linear(64, 512)) <= 1024
    assert automatic_batch((3, 512, 512), conv_net(64)) == 16
    assert automatic_batch((4,), nn.Linear(4, 4)) == 4096
    assert automatic_batch((4,), nn.Identity()) == 4096


def test_solver_names_need_no_torch():
    import subprocess
    import sys

    code = "import sys, byheart.sampling as s; s.SolverName; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("count", "most", "sizes"), [(500, 384, [250, 250]), (10, 4, [4, 4, 2]), (3, 16, [3])]
)
def test_automatic_batches_are_even(count, most, sizes, monkeypatch):
    seen = []

    def spy(x, sigma):
        seen.append(len(x))
        return x

    monkeypatch.setattr("byheart.sampling.draw.automatic_batch", lambda shape, model: most)
    sample(spy, seeds=range(count), shape=(2,), levels=torch.tensor([1.0, 0.0]))
    assert seen == sizes


def test_a_number_of_seeds_is_no_seeds():
    with pytest.raises(InputError, match=r"seeds=range\(8\)"):
        sample(empirical(TRAIN), seeds=8)


@pytest.mark.parametrize("seeds", [[1.5], "ab"])
def test_seeds_that_are_no_whole_numbers_are_refused(seeds):
    with pytest.raises(InputError, match="whole numbers"):
        sample(empirical(TRAIN), seeds=seeds)


@pytest.mark.parametrize("solver", ["euler", "heun", "ancestral"])
def test_a_model_that_answers_in_another_shape_is_refused(solver):
    with pytest.raises(InputError, match=r"\(2, 1, 4\) with shape \(2, 4\)"):
        sample(lambda x, sigma: x[:, 0], seeds=[0, 1], shape=(1, 4), levels=LEVELS, solver=solver)


def test_levels_that_are_no_tensor_are_refused():
    with pytest.raises(InputError, match="levels as list"):
        sample(empirical(TRAIN), seeds=[0], levels=[1.0, 0.0])
