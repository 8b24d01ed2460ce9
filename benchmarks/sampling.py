"""Sampling with DDIM: 3 of 50 steps for 1,000 images (the cost is linear in the steps), equal networks and weights.

    diffusers    UNet2DModel and DDIMScheduler in its usual loop, at its best batch size
    automatic    `sample` with the batch size it chooses, against its best batch size

One thread, processor time, contestants alternating, medians; exit code 1 if a bar is missed.

    python benchmarks/sampling.py [ROUNDS]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from timing import Row, compare, faster, ratio, report

# isort: split

import torch
from diffusers import DDIMScheduler
from peer import copy_weights, diffusers_unet, published_unet

from byheart.models import ProcessModel
from byheart.noise import DDPM, process_levels
from byheart.random import SeededNoise
from byheart.sampling import sample

IMAGES, STEPS, OF = 1000, 3, 50
BATCHES = (125, 250, 1000)  # smaller ones are slower, here and there
# (side, width) -> least advantage over diffusers
AGAINST_DIFFUSERS = {(8, 16): 1.08, (8, 32): 1.08, (16, 32): 1.05}
AUTOMATIC = 1.1


def our_loop(network: torch.nn.Module, side: int, batch: int | None) -> Callable[[], torch.Tensor]:
    denoiser, levels = ProcessModel(network, DDPM()), process_levels(DDPM(), OF)[: STEPS + 1]
    return lambda: sample(denoiser, seeds=range(IMAGES), shape=(1, side, side), levels=levels, batch=batch)


def diffusers_loop(network: Any, side: int, batch: int) -> Callable[[], torch.Tensor]:
    scheduler = DDIMScheduler(beta_schedule="linear", clip_sample=False)
    scheduler.set_timesteps(OF)

    @torch.no_grad()
    def run() -> torch.Tensor:
        parts = []
        for x in torch.split(SeededNoise(range(IMAGES))((1, side, side)), batch):
            for t in scheduler.timesteps[:STEPS]:
                x = scheduler.step(network(x, t).sample, t, x).prev_sample
            parts.append(x)
        return torch.cat(parts)

    return run


def rows(rounds: int) -> list[Row]:
    found = []
    for (side, width), bar in AGAINST_DIFFUSERS.items():
        theirs, ours = diffusers_unet(width, side).eval(), published_unet(width, side).eval()
        copy_weights(theirs, ours)
        runs = {f"ours {batch}": our_loop(ours, side, batch) for batch in BATCHES}
        runs |= {f"diffusers {batch}": diffusers_loop(theirs, side, batch) for batch in BATCHES}
        seconds = compare(runs | {"automatic": our_loop(ours, side, None)}, rounds, 1, time.process_time)
        peer, best = (
            faster(*(seconds[name] for name in runs if who in name)) for who in ("diffusers", "ours")
        )
        name = f"{side}x{side}, W {width}"
        found.append(Row(f"diffusers / ours, {name}", ratio(peer, seconds["automatic"]), at_least=bar))
        found.append(
            Row(f"automatic / best batch, {name}", ratio(seconds["automatic"], best), at_most=AUTOMATIC)
        )
    return found


if __name__ == "__main__":
    report(rows(*map(int, sys.argv[1:] or ["7"])))
