"""One training step of the U-Net, against diffusers and against its own bare products.

    diffusers    UNet2DModel of equal architecture, parameters and heads, torch's default Adam
    bare         every convolution and linear of the network alone, forward and backward, in its faster layout

One thread, processor time, contestants alternating, medians; exit code 1 if a bar is missed.

    python benchmarks/unet_step.py [ROUNDS]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from timing import Row, compare, ratio, report

# isort: split

import torch
from peer import diffusers_unet, published_unet
from torch import Tensor, nn
from torch.nn import functional

from byheart.models.layers import Conv, Linear
from byheart.numerics import products
from byheart.random import generator
from byheart.training import Training
from byheart.training.optimizers import optimizer

# (side, batch, width) -> least advantage over diffusers
AGAINST_DIFFUSERS = {
    (8, 128, 16): 1.10,
    (8, 128, 32): 1.05,
    (16, 64, 16): 1.0,
    (16, 64, 32): 1.0,
    (32, 32, 16): 1.0,
    (32, 32, 32): 1.0,
}
# (side, batch, width) -> most time over the bare products
AGAINST_BARE = {(8, 128, 16): 2.1, (8, 128, 32): 1.5, (8, 128, 64): 1.3}


def step(
    model: nn.Module,
    forward: Callable[[Tensor, Tensor], Tensor],
    optimizer: torch.optim.Optimizer,
    batch: int,
    side: int,
) -> Callable[[], None]:
    """A training step on random images."""
    source = generator(1)
    x, target = torch.randn(2, batch, 1, side, side, generator=source)
    t = torch.randint(1000, (batch,), generator=source)

    def run() -> None:
        optimizer.zero_grad()
        functional.mse_loss(forward(x, t), target).backward()
        optimizer.step()

    return run


def our_step(width: int, side: int, batch: int) -> Callable[[], None]:
    ours = published_unet(width, side)
    return step(ours, ours, optimizer(ours, Training(steps=1, lr=1e-4)), batch, side)


def peer_step(width: int, side: int, batch: int) -> Callable[[], None]:
    theirs = diffusers_unet(width, side)
    return step(
        theirs, lambda x, t: theirs(x, t).sample, torch.optim.Adam(theirs.parameters(), 1e-4), batch, side
    )


def bare_seconds(width: int, side: int, batch: int, rounds: int) -> float:
    """Sum over all convolutions and linears of the median time of each, forward and backward."""
    calls: dict[tuple[object, ...], list[int]] = {}
    network = published_unet(width, side)
    for part in network.modules():
        if isinstance(part, Conv | Linear):
            part.register_forward_hook(
                lambda part, inputs, _: calls.setdefault(_key(part, inputs[0]), []).append(1)
            )
    network(torch.randn(batch, 1, side, side), torch.zeros(batch))
    return sum(len(times) * _bare(key, rounds) for key, times in calls.items())


def _key(part: nn.Module, x: Tensor) -> tuple[object, ...]:
    stride = part.stride if isinstance(part, Conv) else 0
    return tuple(x.shape), tuple(part.weight.shape), stride, x.requires_grad


def _bare(key: tuple[object, ...], rounds: int) -> float:
    x_shape, w_shape, stride, needs_x = key
    contestants = {}
    layouts = (torch.contiguous_format, torch.channels_last) if stride else (None,)
    for layout in layouts:
        x, w = torch.randn(x_shape), torch.randn(w_shape)
        if layout is not None:
            x, w = x.contiguous(memory_format=layout), w.contiguous(memory_format=layout)
        contestants[str(layout)] = _product(x.requires_grad_(bool(needs_x)), w.requires_grad_(), int(stride))
    seconds = compare(contestants, repeats=rounds, clock=time.process_time)
    return min(sorted(times)[len(times) // 2] for times in seconds.values())


def _product(x: Tensor, w: Tensor, stride: int) -> Callable[[], object]:
    bias = torch.zeros(len(w), requires_grad=True)

    def forward() -> Tensor:
        return (
            functional.conv2d(x, w, bias, stride, w.shape[-1] // 2) if stride else products.linear(x, w, bias)
        )

    inputs, grad = ([x] if x.requires_grad else []) + [w, bias], torch.ones_like(forward())
    return lambda: torch.autograd.grad(forward(), inputs, grad)


def rows(rounds: int) -> list[Row]:
    found = []
    for (side, batch, width), bar in AGAINST_DIFFUSERS.items():
        contestants = {"ours": our_step(width, side, batch), "diffusers": peer_step(width, side, batch)}
        seconds = compare(contestants, repeats=rounds, clock=time.process_time)
        name = f"{side}x{side}, batch {batch}, W {width}"
        found.append(
            Row(f"diffusers / ours, {name}", ratio(seconds["diffusers"], seconds["ours"]), at_least=bar)
        )
    for (side, batch, width), bar in AGAINST_BARE.items():
        seconds = compare({"ours": our_step(width, side, batch)}, repeats=rounds, clock=time.process_time)
        whole = sorted(seconds["ours"])[rounds // 2]
        name = f"{side}x{side}, batch {batch}, W {width}"
        found.append(
            Row(f"ours / bare, {name}", whole / bare_seconds(width, side, batch, rounds), at_most=bar)
        )
    return found


if __name__ == "__main__":
    report(rows(*map(int, sys.argv[1:] or ["9"])))
