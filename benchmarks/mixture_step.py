"""One training step of S1's mixture, against the published form in the same framework, and against its bare products.

    explicit    differences from every mean, (rows, M, d), and autograd, as the official code has them (there: vmap in JAX)
    bare        the five matrix products of the step, in chunks of the same size

d = 50, N = 200, M = 160, 100 noises a point; the rows are drawn beforehand for all.  Memory is the growth of the process's
peak over the rows themselves, each contestant in a process of its own.
One thread, contestants alternating, medians; exit code 1 if a bar is missed.

    python benchmarks/mixture_step.py [ROUNDS]
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from timing import Row, compare, ratio, report

# isort: split

import torch
from torch import Tensor

from byheart.data.mixture import isotropic_mixture
from byheart.random import generator
from byheart.training.mixture_spec import mixture_recipe
from byheart.training.mixture_step import CELLS_AT_ONCE, Noisy, isotropic_gradient
from byheart.training.mixtures import noisy_draw

D, K, N, M = 50, 12, 200, 160


def problem(draws: int = 100) -> tuple[Tensor, Tensor, Noisy]:
    """Means (M, d), std (), and the rows of a step."""
    points = isotropic_mixture(K, D, 1.0, seed=0).sample(N, generator(0))
    recipe = mixture_recipe("official")
    alphas, sigmas = (
        table.float() for table in (recipe.process.alpha(recipe.grid()), recipe.process.sigma(recipe.grid()))
    )
    return points[:M], torch.tensor(0.4), noisy_draw(points, alphas, sigmas, draws, generator(1))


def explicit(means: Tensor, std: Tensor, noisy: Noisy) -> tuple[Tensor, Tensor, Tensor]:
    means, std = means.clone().requires_grad_(), std.clone().requires_grad_()
    alpha, sigma = noisy.alpha[:, None], noisy.sigma[:, None]
    v = (alpha * std) ** 2 + sigma**2
    difference = noisy.x[:, None] - alpha[..., None] * means
    shares = (-difference.square().sum(2) / (2 * v)).softmax(1)
    answer = sigma / v * (shares[..., None] * difference).sum(1)
    loss = (answer - noisy.noise).square().sum(1).mean()
    return loss.detach(), *torch.autograd.grad(loss, (means, std))


def ours(means: Tensor, std: Tensor, noisy: Noisy) -> tuple[Tensor, Tensor, Tensor]:
    found = isotropic_gradient({"means": means[None], "std": std[None]}, None, noisy)
    return found.loss[0], found.parameters["means"][0], found.parameters["std"][0]


def bare(means: Tensor, std: Tensor, noisy: Noisy) -> None:
    """Five products of these sizes: logits, mean, slopes by the shares, and two for the slopes by the means."""
    for part in noisy.parts(CELLS_AT_ONCE // M):
        x, shares = part.noise, part.noise @ means.T
        answer = shares @ means
        slopes = answer @ means.T
        shares.T @ answer, slopes.T @ x


CONTESTANTS: dict[str, Callable[[Tensor, Tensor, Noisy], object]] = {
    "ours": ours,
    "explicit": explicit,
    "bare": bare,
}


def growth(name: str) -> int:
    """Bytes by which a contestant raises the peak of a process that holds the rows."""
    means, std, noisy = problem()
    small = Noisy(noisy.extended[:400], noisy.noise[:400], noisy.alpha[:400], noisy.sigma[:400])
    CONTESTANTS[name](means, std, small)  # what is loaded at the first call is no contestant's
    before = peak()
    CONTESTANTS[name](means, std, noisy)
    return peak() - before


def peak() -> int:
    """The largest resident size of this process in bytes (Linux; getrusage would begin with the parent's)."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(r"VmHWM:\s+(\d+) kB", status)[1])


def growth_alone(name: str) -> int:
    command = [sys.executable, __file__, "--growth", name]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def rows(rounds: int) -> list[Row]:
    arguments = problem()
    for found, expected in zip(ours(*arguments), explicit(*arguments), strict=True):
        assert float((found - expected).abs().max() / expected.abs().max()) < 1e-4
    slow = {name: lambda name=name: CONTESTANTS[name](*arguments) for name in ("ours", "explicit")}
    quick = {name: lambda name=name: CONTESTANTS[name](*arguments) for name in ("ours", "bare")}
    against, alone = compare(slow, repeats=3, warmup=1), compare(quick, repeats=rounds)
    memory = {name: growth_alone(name) for name in ("ours", "explicit")}
    milliseconds = 1e3 * sorted(alone["ours"])[rounds // 2]
    return [
        Row("explicit / ours", ratio(against["explicit"], against["ours"]), at_least=10.0),
        Row("memory: ours / explicit", memory["ours"] / memory["explicit"], at_most=0.05),
        Row("ours / five bare products", ratio(alone["ours"], alone["bare"])),
        Row("ours, ms", milliseconds),
        Row("explicit, MB", memory["explicit"] / 1e6),
        Row("ours, MB", memory["ours"] / 1e6),
    ]


if __name__ == "__main__":
    torch.set_num_threads(1)
    if sys.argv[1:2] == ["--growth"]:
        print(growth(sys.argv[2]))
    else:
        report(rows(*map(int, sys.argv[1:] or ["9"])))
