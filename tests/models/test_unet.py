"""The U-Net: its size, its parts against their definitions, what it takes and what it refuses."""

import runpy
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional

from byheart._checks import InputError
from byheart.models import UNet, UNetSpec
from byheart.models.layers import Conv
from byheart.models.unet import _normalized
from byheart.random import generator

PUBLISHED = {"multipliers": (1, 2, 4), "blocks": 2, "attention": (1, 2), "dropout": 0.1, "groups": 8}


def unet(shape=(1, 8, 8), seed=0, **settings):
    return UNet(shape, UNetSpec(**{"width": 16} | settings), generator(seed))


def batch(shape=(1, 8, 8), size=3):
    draws = generator(2)
    return torch.randn(size, *shape, generator=draws), torch.randn(size, generator=draws)


def parameters(network):
    return sum(weight.numel() for weight in network.parameters())


@pytest.mark.parametrize(("width", "count"), [(8, 255_089), (16, 1_010_657), (32, 4_023_233)])
def test_parameters_of_the_published_network(width, count):
    assert parameters(unet((1, 32, 32), width=width, **PUBLISHED)) == count


def test_the_default_is_a_sixth_of_it():
    assert parameters(UNet((1, 8, 8), UNetSpec(), generator(0))) == 651_041


@pytest.mark.parametrize("side", [8, 16])  # down to 2×2, where convolutions are products of whole images
@pytest.mark.parametrize("width", [16, 64], ids=["channels last", "channels first"])
def test_it_answers_as_the_network_of_diffusers(width, side):
    peer = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "peer.py"))
    theirs, ours = peer["diffusers_unet"](width, side).eval(), peer["published_unet"](width, side).eval()
    peer["copy_weights"](theirs, ours)
    x, t = torch.randn(4, 1, side, side, generator=generator(0)), torch.tensor([0, 40, 500, 999])
    with torch.no_grad():
        torch.testing.assert_close(ours(x, t.float()), theirs(x, t).sample, rtol=0, atol=1e-5)


def test_attention_is_multihead_attention():
    network = unet(groups=8)
    ours, channels = network.middle[0].attention, 32
    theirs = nn.MultiheadAttention(channels, channels // 16, batch_first=True)
    theirs.load_state_dict(
        {
            "in_proj_weight": ours.qkv.weight,
            "in_proj_bias": ours.qkv.bias,
            "out_proj.weight": ours.out.weight,
            "out_proj.bias": ours.out.bias,
        }
    )
    x = torch.randn(3, channels, 4, 4, generator=generator(0))
    pixels = functional.group_norm(x, 8).flatten(2).transpose(1, 2)
    change = theirs(pixels, pixels, pixels)[0].transpose(1, 2).reshape(x.shape)
    torch.testing.assert_close(ours(x), x + change, rtol=1e-4, atol=1e-5)


def test_a_block_is_its_formula():
    block = unet(groups=8).down[2]  # 16 -> 32 channels, on the second level
    x, time = (
        torch.randn(3, 16, 4, 4, generator=generator(0)),
        torch.randn(3, 32, 1, 1, generator=generator(1)),
    )
    h = functional.conv2d(functional.silu(functional.group_norm(x, 8)), block.conv1.weight, padding=1)
    h = h + block.conv1.bias.reshape(-1, 1, 1) + time
    h = functional.conv2d(functional.silu(functional.group_norm(h, 8)), block.conv2.weight, padding=1)
    h = h + block.conv2.bias.reshape(-1, 1, 1)
    skip = functional.conv2d(x, block.skip.weight, block.skip.bias)
    torch.testing.assert_close(block(x, time), skip + h, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "settings"),
    [
        ((1, 8, 8), {}),
        ((3, 12, 12), {}),
        ((1, 8, 8), {"multipliers": (2,), "attention": (0,)}),
        ((3, 16, 16), PUBLISHED),
        ((1, 8, 8), {"width": 64, "head_width": 32}),
        ((1, 4, 4), {"width": 8, "groups": 4, "multipliers": (1, 1, 2)}),
    ],
)
def test_every_weight_takes_part(shape, settings):
    network, (x, c) = unet(shape, **settings), batch(shape)
    output = network(x, c)
    assert output.shape == x.shape and output.is_contiguous()
    output.square().sum().backward()
    idle = [
        name for name, weight in network.named_parameters() if weight.grad is None or not weight.grad.any()
    ]
    # A key's bias moves all scores of a query alike, so that part of the joint bias is rightly without effect.
    assert [name for name in idle if "norm" not in name] == []


def test_rows_are_independent_and_may_share_a_level():
    network, (x, c) = unet(), batch(size=4)
    alone = torch.cat([network(x[i : i + 1], c[i : i + 1]) for i in range(4)])
    torch.testing.assert_close(network(x, c), alone, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(network(x, c[:1]), network(x, c[:1].expand(4)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("width", [16, 64], ids=["channels last", "channels first"])
def test_gradients_change_the_way_but_not_the_answer(width):
    network, (x, c) = unet(width=width, **PUBLISHED).eval(), batch(size=4)
    with torch.no_grad():
        found = network(x, c)
    torch.testing.assert_close(found, network(x, c).detach(), rtol=1e-4, atol=1e-5)


def test_weights_come_from_the_generator_only():
    before = torch.get_rng_state()
    first, second, other = (unet(seed=seed).state_dict() for seed in (3, 3, 4))
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["read.weight"], other["read.weight"])


def test_dropout_drops_whole_channels_in_training_only():
    network, (x, c) = unet(dropout=0.5), batch()
    still = network.eval()
    assert torch.equal(still(x, c), still(x, c))
    dropout = network.train().down[0].dropout
    with torch.random.fork_rng():
        dropped = dropout(torch.ones(64, 16, 4, 4))
    per_channel = dropped.flatten(2)
    assert torch.equal(per_channel.amin(2), per_channel.amax(2))
    assert set(dropped.unique().tolist()) == {0.0, 2.0}


@pytest.mark.parametrize(
    ("shape", "levels", "remedy"),
    [
        ((1, 10, 10), 3, "multiple of 4"),
        ((1, 8, 6), 2, "crop the images to squares"),
        ((64,), 2, "mlp"),
        ((1, 7, 7), 2, "fewer multipliers"),
    ],
)
def test_shapes_it_cannot_halve_are_refused(shape, levels, remedy):
    with pytest.raises(InputError, match=remedy):
        unet(shape, multipliers=(1,) * levels)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("image", [(2, 2), (2, 4), (4, 2)])
def test_a_convolution_is_that_of_torch(image, size, stride):
    conv = Conv(3, 5, size, generator(0), stride=stride)
    x = torch.randn(4, 3, *image, generator=generator(1))
    with torch.no_grad():
        wanted = functional.conv2d(x, conv.weight, conv.bias, stride, size // 2)
        torch.testing.assert_close(conv(x), wanted, rtol=1e-4, atol=1e-5)


def test_fresh_convolutions_have_the_usual_spread():
    conv, bound = Conv(32, 64, 3, generator(0)), (32 * 9) ** -0.5
    assert conv.weight.abs().max() <= bound and conv.bias.abs().max() <= bound
    torch.testing.assert_close(conv.weight.std().item(), bound / 3**0.5, rtol=0.02, atol=0)


def test_rows_that_share_a_level_by_chance_keep_theirs():
    network, (x, _) = unet(), batch(size=4)
    c = torch.tensor([0.3, 0.3, -1.0, 2.0])
    alone = torch.cat([network(x[i : i + 1], c[i : i + 1]) for i in range(4)])
    torch.testing.assert_close(network(x, c), alone, rtol=1e-4, atol=1e-5)


def test_one_time_for_all_rows_is_embedded_once():
    network, (x, c), rows = unet(), batch(size=4), []
    network.embed.register_forward_pre_hook(lambda _, inputs: rows.append(len(inputs[0])))
    network(x, c[:1].expand(4))
    network(x, c)
    assert rows == [1, 4]


def test_dropout_stands_between_the_activation_and_the_second_convolution():
    block, seen = unet(dropout=0.5, groups=8).down[2].eval(), {}
    block.dropout.register_forward_pre_hook(lambda _, inputs: seen.update(h=inputs[0].clone()))
    x = torch.randn(3, 16, 4, 4, generator=generator(0))
    time = torch.randn(3, 32, 1, 1, generator=generator(1))
    block(x, time)
    h = block.conv1(functional.silu(functional.group_norm(x, 8))) + time
    wanted = functional.silu(functional.group_norm(h, 8))
    torch.testing.assert_close(seen["h"], wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("groups", "turns"), [(8, True), (2, False)])  # 2 or 8 channels a group
def test_norms_of_few_channels_change_their_layout_and_back(groups, turns):
    norm, seen = nn.GroupNorm(groups, 16), []
    norm.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].is_contiguous()))
    x = torch.randn(3, 16, 4, 4, generator=generator(0)).contiguous(memory_format=torch.channels_last)
    assert _normalized(norm, x).is_contiguous(memory_format=torch.channels_last) and seen == [turns]
