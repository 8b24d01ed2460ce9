"""A U-Net on square images (2006.11239, appendix B), as small and as fast as the image allows.

    read        3×3 convolution to W channels
    down        per level: residual blocks, then a strided 3×3 convolution to half the side (not after the last)
    middle      residual block, attention, residual block
    up          per level, from the last: one residual block more, each on [h, the matching output of `down`];
                then nearest-neighbor doubling and a 3×3 convolution (not after the first)
    write       GroupNorm, SiLU, 3×3 convolution

    residual block   x + conv(dropout(SiLU(GroupNorm( conv(SiLU(GroupNorm(x))) + time ))))

The network equals that of S3's code and diffusers' UNet2DModel, parameter for parameter.  It differs from S3's network in two
points: SiLU instead of GELU between the two time layers, and heads of one width instead of four heads everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from byheart._checks import InputError
from byheart.models.layers import Conv, Linear, NoiseEmbedding, Sees
from byheart.models.spec import UNetSpec

__all__ = ["UNet"]

WIDEST_CHANNELS_LAST = 32
"""Largest width at which a step is faster with the channels innermost; wider networks keep the pixels innermost."""


FEW_CHANNELS = 4
"""Largest group in which normalizing with the channels innermost is slower than two changes of layout."""


class UNet(nn.Module):
    """The network of `spec` for images of `shape`.

    shape: (c, side, side).  generator: of the weights, on the CPU.
    sees: the meaning of c; "index" under a discrete process.
    Raises InputError for another shape, or a side that the levels cannot halve.
    """

    def __init__(
        self, shape: tuple[int, ...], spec: UNetSpec, generator: Generator, *, sees: Sees = "level"
    ) -> None:
        super().__init__()
        _check_shape(shape, spec)
        width = spec.width
        self.embed = NoiseEmbedding(width // 2, sees)
        self.time = nn.Sequential(
            Linear(width, 4 * width, generator), nn.SiLU(), Linear(4 * width, 4 * width, generator), nn.SiLU()
        )
        self.read = Conv(shape[0], width, 3, generator)
        self._build_levels(spec, generator)
        blocks = [part for part in self.modules() if isinstance(part, _Block)]
        self.times = [block.channels for block in blocks]
        self.project = Linear(4 * width, sum(self.times), generator)
        self.norm = nn.GroupNorm(spec.norm_groups, spec.channels[0], dtype=torch.float32)
        self.write = Conv(spec.channels[0], shape[0], 3, generator)
        # The layout is set last, because the weights do not depend on it.
        self.layout = torch.channels_last if width <= WIDEST_CHANNELS_LAST else torch.contiguous_format
        self.to(memory_format=self.layout)  # type: ignore[call-overload]

    def _build_levels(self, spec: UNetSpec, generator: Generator) -> None:
        head = spec.head_width or max(spec.width, 16)

        def block(inputs: int, outputs: int, attends: bool) -> _Block:
            return _Block(inputs, outputs, spec, head if attends else None, generator)

        channels, last = spec.width, len(spec.channels) - 1
        self.down, self.middle, self.up = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        left = [channels]
        for level, outputs in enumerate(spec.channels):
            for _ in range(spec.blocks):
                self.down.append(block(channels, outputs, level in spec.attentive_levels))
                channels = outputs
                left.append(channels)
            if level < last:
                self.down.append(Conv(channels, channels, 3, generator, stride=2))
                left.append(channels)
        self.middle.extend([block(channels, channels, True), block(channels, channels, False)])
        for level, outputs in reversed(list(enumerate(spec.channels))):
            for _ in range(spec.blocks + 1):
                self.up.append(block(channels + left.pop(), outputs, level in spec.attentive_levels))
                channels = outputs
            if level:
                self.up.append(_Double(channels, generator))

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        """Return the output of the network, (b, *shape).  x: (b, *shape).  c: (b,), or (1,) for all rows."""
        if c.stride(0) == 0:  # one time, expanded to all rows: its embedding is needed once
            c = c[:1]
        times = iter(self.project(self.time(self.embed(c)))[..., None, None].split(self.times, dim=1))
        h = self.read(x).contiguous(memory_format=self.layout)
        left = [h]
        for part in self.down:
            h = _through(part, h, times)
            left.append(h)
        for part in self.middle:
            h = _through(part, h, times)
        for part in self.up:
            h = _through(part, torch.cat([h, left.pop()], dim=1) if isinstance(part, _Block) else h, times)
        output: Tensor = self.write(_active(self.norm, h))
        return output.contiguous()


class _Block(nn.Module):
    """A residual block, followed by attention if head (channels of one head) is given."""

    def __init__(
        self, inputs: int, outputs: int, spec: UNetSpec, head: int | None, generator: Generator
    ) -> None:
        super().__init__()
        self.channels = outputs
        self.norm1, self.norm2 = (
            nn.GroupNorm(spec.norm_groups, inputs, dtype=torch.float32),
            nn.GroupNorm(spec.norm_groups, outputs, dtype=torch.float32),
        )
        self.conv1, self.conv2 = Conv(inputs, outputs, 3, generator), Conv(outputs, outputs, 3, generator)
        self.skip = Conv(inputs, outputs, 1, generator) if inputs != outputs else nn.Identity()
        self.dropout = nn.Dropout2d(spec.dropout)
        self.attention = _Attention(outputs, head, spec.norm_groups, generator) if head else nn.Identity()

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        h = self.conv1(_active(self.norm1, x)).add_(time)
        h = self.conv2(self.dropout(_active(self.norm2, h))).add_(self.skip(x))
        output: Tensor = self.attention(h)
        return output


class _Attention(nn.Module):
    """Every pixel attends to every pixel, in channels // head heads."""

    def __init__(self, channels: int, head: int, groups: int, generator: Generator) -> None:
        super().__init__()
        self.head = head
        self.norm = nn.GroupNorm(groups, channels, dtype=torch.float32)
        self.qkv = Linear(channels, 3 * channels, generator)
        self.out = Linear(channels, channels, generator)

    def forward(self, x: Tensor) -> Tensor:
        pixels = _normalized(self.norm, x).flatten(2).transpose(1, 2)  # (b, side², channels)
        parts = self.qkv(pixels).unflatten(2, (3, -1, self.head))  # (b, side², 3, heads, head)
        q, k, v = parts.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        change: Tensor = self.out(mixed)
        return x + change.transpose(1, 2).reshape(x.shape)


class _Double(nn.Module):
    """A layer that doubles the side of an image."""

    def __init__(self, channels: int, generator: Generator) -> None:
        super().__init__()
        self.conv = Conv(channels, channels, 3, generator)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.conv(functional.interpolate(x, scale_factor=2.0, mode="nearest"))
        return output


def _active(norm: nn.GroupNorm, x: Tensor) -> Tensor:
    """Compute SiLU(norm(x)), in the memory of norm(x) if gradients are off.  x: (b, c, h, w)."""
    return functional.silu(_normalized(norm, x), inplace=not torch.is_grad_enabled())


def _normalized(norm: nn.GroupNorm, x: Tensor) -> Tensor:
    """Compute norm(x) in x's layout.  x: (b, c, h, w)."""
    innermost = x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()
    turn = innermost and norm.num_channels // norm.num_groups <= FEW_CHANNELS
    output: Tensor = norm(x.contiguous() if turn else x)
    return output.contiguous(memory_format=torch.channels_last) if turn else output


def _through(part: nn.Module, h: Tensor, times: Iterator[Tensor]) -> Tensor:
    output: Tensor = part(h, next(times)) if isinstance(part, _Block) else part(h)
    return output


def _check_shape(shape: tuple[int, ...], spec: UNetSpec) -> None:
    factor = 2 ** (len(spec.multipliers) - 1)
    if len(shape) == 3 and shape[1] == shape[2] and shape[1] % factor == 0:
        return
    square = len(shape) == 3 and shape[1] == shape[2]
    raise InputError(
        got=f"samples of shape {tuple(shape)} for a U-Net of {len(spec.multipliers)} levels",
        need=f"square images (c, side, side) with a side divisible by {factor}",
        remedy=f"resize the images to a multiple of {factor} (size=… of the data), or use fewer multipliers"
        if square
        else "crop the images to squares, or use the mlp, which takes any shape",
    )
