"""A residual multilayer perceptron on flat samples, which is small and fast and memorizes within minutes.

    h  = Linear(d, W)(x) + Linear(2·frequencies, W)(embedding of c)
    h += Linear(SiLU(Linear(LayerNorm(h))))          in every block
    output = Linear(W, d)(SiLU(h)),  zero at first

With width W = 512 and d = 64 the network has 1,662,016 parameters.
"""

from __future__ import annotations

from math import prod

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from byheart.models.layers import Linear, NoiseEmbedding, Sees
from byheart.models.spec import MLPSpec

__all__ = ["MLP"]


class MLP(nn.Module):
    """The network of `spec` for samples of `shape`.

    shape: *shape of one sample, any.  generator: of the weights, on the CPU.
    sees: the meaning of c; "index" under a discrete process.
    """

    def __init__(
        self, shape: tuple[int, ...], spec: MLPSpec, generator: Generator, *, sees: Sees = "level"
    ) -> None:
        super().__init__()
        size, width = prod(shape), spec.width
        self.read = Linear(size, width, generator)
        self.embed = NoiseEmbedding(spec.frequencies, sees)
        self.project = Linear(2 * spec.frequencies, width, generator)
        self.blocks = nn.ModuleList(_Block(width, generator) for _ in range(spec.blocks))
        self.write = Linear(width, size, generator)
        # At first the denoiser returns its skip connection alone, at every level.
        nn.init.zeros_(self.write.weight)
        nn.init.zeros_(self.write.bias)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        """Return the output of the network, (b, *shape).  x: (b, *shape).  c: (b,), or (1,) for all rows."""
        h = self.read(x.flatten(1)) + self.project(self.embed(c))
        for block in self.blocks:
            h = block(h)
        output: Tensor = self.write(functional.silu(h))
        return output.reshape(x.shape)


class _Block(nn.Module):
    def __init__(self, width: int, generator: Generator) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, dtype=torch.float32)
        self.rise = Linear(width, width, generator)
        self.fall = Linear(width, width, generator)

    def forward(self, h: Tensor) -> Tensor:
        change: Tensor = self.fall(functional.silu(self.rise(self.norm(h))))
        return h + change
