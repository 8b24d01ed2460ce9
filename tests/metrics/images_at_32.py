"""Images of 32 × 32 for the tests of copying: smooth random ones, and digits and Fashion-MNIST in a black frame."""

import pytest
import torch
from torch.nn.functional import interpolate, pad

from byheart.data import idx, named
from byheart.data.spec import Data
from byheart.random import generator

needs_fashion_mnist = pytest.mark.skipif(
    idx.find_idx(named.FASHION_MNIST) is None, reason="needs Debian's dataset-fashion-mnist"
)


def images(n, channels=1, seed=0):
    """Smooth random images with some grain, (n, channels, 32, 32) in [0, 1]."""
    draws = generator(seed)
    smooth = interpolate(torch.rand(n, channels, 6, 6, generator=draws), 32, mode="bilinear")
    return (0.9 * smooth + 0.1 * torch.rand(n, channels, 32, 32, generator=draws)).clamp(0, 1)


def digits():
    """All digits enlarged to 28 × 28, in a black frame: (n, 1, 32, 32) in [0, 1]."""
    found = named.load(Data(name="digits"))
    small = found.to_pixels(found.images).float().clamp(0, 1)
    large = interpolate(small, size=28, mode="bicubic", align_corners=False)
    return pad(large.clamp(0, 1), (2, 2, 2, 2))


def fashion_mnist(train, heldout):
    """The first images for training and the next as held out, (train, 1, 32, 32) and (heldout, 1, 32, 32) in [0, 1]."""
    values = idx.read_mnist(named.FASHION_MNIST).values[: train + heldout].copy()
    pixels = torch.from_numpy(values).view(-1, 1, 28, 28)
    return pad(pixels / 255, (2, 2, 2, 2)).split([train, heldout])
