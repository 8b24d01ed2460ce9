"""Layers whose weights come from a generator that is passed in; the global random state is never read.

Weights and biases are uniform in ±1/√fan_in, torch's own default.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from byheart.numerics import products

__all__ = ["Conv", "Linear", "NoiseEmbedding", "Sees"]

Sees = Literal["level", "index"]
"""The noise input of a network: c = log(σ)/2 or a time of order 1 ("level"), or a time index up to 1,000 ("index")."""


class Linear(nn.Module):
    """x · weightᵀ + bias, by the faster product of this machine.  x: (*, inputs).  Returns (*, outputs)."""

    def __init__(self, inputs: int, outputs: int, generator: Generator) -> None:
        super().__init__()
        self.weight = _uniform((outputs, inputs), inputs, generator)
        self.bias = _uniform((outputs,), inputs, generator)

    def forward(self, x: Tensor) -> Tensor:
        return products.linear(x, self.weight, self.bias)


class Conv(nn.Module):
    """A convolution with padding that keeps the side of the image, or divides the side by `stride`.  x: (b, inputs, h, w)."""

    def __init__(
        self, inputs: int, outputs: int, size: int, generator: Generator, *, stride: int = 1
    ) -> None:
        super().__init__()
        self.weight = _uniform((outputs, inputs, size, size), inputs * size**2, generator)
        self.bias = _uniform((outputs,), inputs * size**2, generator)
        self.stride, self.padding = stride, size // 2

    def forward(self, x: Tensor) -> Tensor:
        if self._is_dense(x):
            return _on_two_by_two(x, self.weight, self.bias)
        return functional.conv2d(x, self.weight, self.bias, self.stride, self.padding)

    def _is_dense(self, x: Tensor) -> bool:
        """Say whether the images are 2×2 and a matrix is faster than the convolution.

        On 2×2 images a 3×3 convolution links every pixel to every other, and more than half of its work is padding.  A matrix of these
        links is up to a third faster; with gradients the two tie.
        """
        small = x.shape[2:] == (2, 2) and self.stride == 1 and self.padding == 1
        return small and x.device.type == "cpu" and not torch.is_grad_enabled()


class NoiseEmbedding(nn.Module):
    """sin and cos of c at `count` frequencies in equal ratios.  c: (b,).  Returns (b, 2·count).

    sees: "level" takes frequencies .25 … 8, for c of order 1; "index" takes 1 … 1e-4, the table of 2006.11239.
    """

    frequencies: Tensor

    def __init__(self, count: int, sees: Sees) -> None:
        super().__init__()
        first, last = (0.25, 8.0) if sees == "level" else (1.0, 1e-4)
        powers = torch.linspace(math.log(first), math.log(last), count, dtype=torch.float32)
        self.register_buffer("frequencies", powers.exp(), persistent=False)

    def forward(self, c: Tensor) -> Tensor:
        angles = c[:, None] * self.frequencies
        return torch.cat([angles.sin(), angles.cos()], dim=1)


def _on_two_by_two(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Compute a padded 3×3 convolution of (b, inputs, 2, 2) as one product of flat images, the channels innermost."""
    # Seen from output pixel (i, j), input pixel (k, l) lies under weight (1 + k − i, 1 + l − j).
    links = torch.stack([weight[:, :, 1 - i : 3 - i, 1 - j : 3 - j] for i in (0, 1) for j in (0, 1)])
    matrix = links.permute(0, 1, 3, 4, 2).reshape(4 * len(weight), -1)
    flat = x.permute(0, 2, 3, 1).reshape(len(x), -1)
    return products.linear(flat, matrix, bias.repeat(4)).view(len(x), 2, 2, -1).permute(0, 3, 1, 2)


def _uniform(shape: tuple[int, ...], fan_in: int, generator: Generator) -> nn.Parameter:
    bound = 1 / math.sqrt(fan_in)
    return nn.Parameter(torch.empty(shape, dtype=torch.float32).uniform_(-bound, bound, generator=generator))
