"""The residual perceptron of the digits recipe."""

import pytest
import torch
from torch.nn import functional

from byheart.models import MLP, MLPSpec
from byheart.random import generator

SHAPE = (1, 8, 8)


def mlp(width=32, seed=0, **settings):
    network = MLP(SHAPE, MLPSpec(width=width, **settings), generator(seed))
    # Zero at first: an output to look at.
    torch.nn.init.normal_(network.write.weight, generator=generator(1))
    return network


def batch(size=5):
    draws = generator(2)
    return torch.randn(size, *SHAPE, generator=draws), torch.randn(size, generator=draws)


@pytest.mark.parametrize(("width", "parameters"), [(512, 1_662_016), (256, 437_824), (128, 120_640)])
def test_parameters_of_the_recipe(width, parameters):
    network = MLP(SHAPE, MLPSpec(width=width), generator(0))
    assert sum(weight.numel() for weight in network.parameters()) == parameters


def test_it_is_the_network_of_the_recipe():
    # Written out from its definition, in other operations.
    network, (x, c) = mlp(blocks=2), batch()
    w = network.state_dict()

    def linear(name, h):
        return h @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    def silu(h):
        return h / (1 + (-h).exp())

    angles = c[:, None] * 0.25 * 32 ** (torch.arange(16) / 15)
    h = linear("read", x.reshape(5, 64)) + linear("project", torch.cat([angles.sin(), angles.cos()], 1))
    for block in ("blocks.0", "blocks.1"):
        centered = h - h.mean(1, keepdim=True)
        normal = centered / (centered.square().mean(1, keepdim=True) + 1e-5).sqrt()
        h = h + linear(f"{block}.fall", silu(linear(f"{block}.rise", normal)))
    torch.testing.assert_close(network(x, c), linear("write", silu(h)).reshape(x.shape), rtol=1e-4, atol=1e-5)


def test_it_answers_nothing_at_first():
    network, (x, c) = MLP(SHAPE, MLPSpec(width=32), generator(0)), batch()
    assert torch.equal(network(x, c), torch.zeros_like(x))


def test_one_level_for_all_rows():
    network, (x, c) = mlp(), batch()
    torch.testing.assert_close(network(x, c[:1]), network(x, c[:1].expand(5)))


def test_an_index_is_seen_by_slow_waves():
    # 16 frequencies from 1 to 1e-4: indices 900 and 999 differ, as they do not for a level's frequencies in order.
    index = MLP(SHAPE, MLPSpec(width=32), generator(0), sees="index").embed
    t = torch.tensor([900.0, 999.0])
    expected = torch.sin(t[:, None] * 10 ** (-4 * torch.arange(16) / 15))
    torch.testing.assert_close(index(t)[:, :16], expected, rtol=0, atol=1e-3)


def test_weights_come_from_the_generator_only():
    before = torch.get_rng_state()
    first, second, other = (MLP(SHAPE, MLPSpec(width=32), generator(seed)).state_dict() for seed in (3, 3, 4))
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["read.weight"], other["read.weight"])


def test_fresh_weights_have_the_usual_spread():
    weight = MLP(SHAPE, MLPSpec(width=512, blocks=1), generator(0)).blocks[0].rise.weight
    torch.testing.assert_close(weight.std(), torch.tensor(512**-0.5 / 3**0.5), rtol=0.01, atol=0)
    assert weight.abs().max() <= 512**-0.5


def test_second_derivatives_exist():
    network, (x, c) = mlp(), batch(2)
    hessian = torch.autograd.functional.hessian(lambda x: functional.silu(network(x, c[:2])).sum(), x)
    assert hessian.isfinite().all() and hessian.abs().max() > 0
