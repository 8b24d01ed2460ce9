"""Layers whose weights come from a generator that is handed in; the global random state is never read.

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
"""How a network is told about the noise: c = log(σ)/2 or a time of order 1, or a time index up to 1,000."""


class Linear(nn.Module):
    """x · weightᵀ + bias by the faster product of this machine.  x: (*, inputs).  Returns (*, outputs)."""

    def __init__(self, inputs: int, outputs: int, generator: Generator) -> None:
        super().__init__()
        self.weight = _uniform((outputs, inputs), inputs, generator)
        self.bias = _uniform((outputs,), inputs, generator)

    def forward(self, x: Tensor) -> Tensor:
        return products.linear(x, self.weight, self.bias)


class Conv(nn.Module):
    """A convolution that pads to keep the side, or to divide it by `stride`.  x: (b, inputs, h, w)."""

    def __init__(
        self, inputs: int, outputs: int, size: int, generator: Generator, *, stride: int = 1
    ) -> None:
        super().__init__()
        self.weight = _uniform((outputs, inputs, size, size), inputs * size**2, generator)
        self.bias = _uniform((outputs,), inputs * size**2, generator)
        self.stride, self.padding = stride, size // 2

    def forward(self, x: Tensor) -> Tensor:
        return functional.conv2d(x, self.weight, self.bias, self.stride, self.padding)


class NoiseEmbedding(nn.Module):
    """sin and cos of c at `count` frequencies in equal ratios.  c: (b,).  Returns (b, 2·count).

    sees: "level" has frequencies .25 … 8, for c of order 1; "index" has 1 … 1e-4, the table of 2006.11239.
    """

    frequencies: Tensor

    def __init__(self, count: int, sees: Sees) -> None:
        super().__init__()
        first, last = (0.25, 8.0) if sees == "level" else (1.0, 1e-4)
        powers = torch.linspace(math.log(first), math.log(last), count)
        self.register_buffer("frequencies", powers.exp(), persistent=False)

    def forward(self, c: Tensor) -> Tensor:
        angles = c[:, None] * self.frequencies
        return torch.cat([angles.sin(), angles.cos()], dim=1)


def _uniform(shape: tuple[int, ...], fan_in: int, generator: Generator) -> nn.Parameter:
    bound = 1 / math.sqrt(fan_in)
    return nn.Parameter(torch.empty(shape).uniform_(-bound, bound, generator=generator))
