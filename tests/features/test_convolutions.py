"""Random convolutions: the stated architecture by hand, its laws, and the kernel that its first layer estimates."""

import math

import pytest
import torch
from torch.nn.functional import conv2d, unfold
from torch.testing import assert_close

from byheart._checks import InputError
from byheart.features.convolutions import random_convolutions


@pytest.fixture(scope="module")
def encoder():
    return random_convolutions(seed=3)


def test_the_architecture_by_hand(encoder):
    images = torch.rand(2, 3, 32, 32)
    x = images
    for layer, weight in enumerate(encoder.weights):
        if layer:
            b, c, h, w = x.shape
            x = x.reshape(b, c, h // 2, 2, w // 2, 2).mean((3, 5))
        side = weight.shape[-1]
        patches = unfold(x, side, padding=side // 2)
        x = (weight.flatten(1) @ patches).clamp_min(0).reshape(len(x), -1, *x.shape[2:])
    assert x.shape == (2, 128, 8, 8)
    quarters = x.reshape(2, 128, 2, 4, 2, 4).mean((3, 5)).flatten(1)
    assert_close(encoder(images), quarters, atol=1e-5, rtol=1e-4)


def test_brightness_scales_the_features(encoder):
    x = torch.rand(3, 1, 32, 32)
    assert_close(encoder(0.25 * x), 0.25 * encoder(x), atol=1e-5, rtol=1e-4)
    assert encoder(torch.zeros(1, 1, 32, 32)).abs().max() == 0


def test_grey_is_rgb_of_equal_channels(encoder):
    x = torch.rand(2, 1, 20, 20)
    assert torch.equal(encoder(x), encoder(x.repeat(1, 3, 1, 1)))
    assert encoder(x).shape == (2, 512)


def test_the_first_layer_estimates_the_arc_cosine_kernel():
    # E 2 relu(w·x) relu(w·y) = |x||y| (sin θ + (π − θ) cos θ) / π for w ~ N(0, I)   (Cho & Saul 2009, order 1)
    x, y = torch.rand(2, 1, 3, 5, 5, generator=torch.Generator().manual_seed(1)).unbind()
    weights = torch.cat([random_convolutions(seed).weights[0] for seed in range(300)])
    products = (conv2d(x, weights).relu() * conv2d(y, weights).relu()).flatten()
    angle = torch.arccos((x * y).sum() / (x.norm() * y.norm()))
    kernel = x.norm() * y.norm() * (angle.sin() + (math.pi - angle) * angle.cos()) / math.pi
    standard_error = products.std() / math.sqrt(len(products))
    assert abs(products.mean() - kernel / 75) < 4 * standard_error  # the variance is 2/fan-in, fan-in 75
    assert standard_error < 0.03 * kernel / 75


def test_the_seed_decides_and_nothing_else():
    x = torch.rand(1, 3, 32, 32)
    one = random_convolutions(1)
    torch.rand(1)
    assert torch.equal(one(x), random_convolutions(1)(x))
    assert not torch.allclose(one(x), random_convolutions(2)(x), atol=0.01)
    assert one.fingerprint == random_convolutions(1).fingerprint != random_convolutions(2).fingerprint
    assert one.name == "random convolutions, seed 1 (RGB, 32×32 bilinear)"


def test_layers_are_drawn_apart(encoder):
    first, second = encoder.weights[0].flatten(), encoder.weights[1].flatten()[: encoder.weights[0].numel()]
    assert abs(float(torch.corrcoef(torch.stack([first, second]))[0, 1])) < 0.1


def test_images_out_of_range_are_refused(encoder):
    with pytest.raises(InputError, match=r"values in \[0, 1\]"):
        encoder(torch.full((1, 1, 8, 8), 2.0))
