"""Float32 products through `byheart.numerics.products` against the faster of the two backends."""

import time
from collections.abc import Callable
from functools import partial

from timing import Row, compare, faster, ratio, report

# isort: split
import torch
from bare_products import mm, onednn
from torch.nn import functional

from byheart.numerics.products import linear, matmul_t, product_backend

SHAPES = [(256, 256, 256), (512, 512, 512), (1024, 1024, 1024), (2048, 2048, 2048), (1024, 4096, 784)]


def timed(contestants: dict[str, Callable[[], object]], operations: float) -> dict[str, list[float]]:
    """compare(), each contestant repeated to about 30 ms a turn: less is lost in the clock on a shared machine."""
    times = max(1, round(3e9 / operations))

    def repeat(run: Callable[[], object]) -> None:
        for _ in range(times):
            run()

    turns = {name: partial(repeat, run) for name, run in contestants.items()}
    return compare(turns, repeats=15, clock=time.process_time)


def product(m: int, n: int, d: int) -> Row:
    x, w = torch.randn(m, d), torch.randn(n, d)
    contestants = {
        "torch.mm": lambda: mm(x, w),
        "ours": lambda: matmul_t(x, w),
        "oneDNN": lambda: onednn(x, w),
    }
    seconds = timed(contestants, 2 * m * n * d)
    rate = ratio(faster(seconds["torch.mm"], seconds["oneDNN"]), seconds["ours"])
    return Row(f"product {m} x {n} x {d}: rate / faster backend", rate, at_least=0.9)


def training_linear(m: int, n: int, d: int) -> Row:
    """Forward and backward, as a training step has them."""
    x, w, b = (torch.randn(shape, requires_grad=True) for shape in ((m, d), (n, d), (n,)))
    contestants = {
        "torch": lambda: torch.autograd.grad(functional.linear(x, w, b).sum(), (x, w, b)),
        "ours": lambda: torch.autograd.grad(linear(x, w, b).sum(), (x, w, b)),
    }
    seconds = timed(contestants, 6 * m * n * d)
    rate = ratio(seconds["torch"], seconds["ours"])
    return Row(f"linear {m} x {n} x {d}, with gradients: rate / torch", rate, at_least=0.9)


def choice() -> Row:
    """What the automatic choice had to choose from."""
    x, w = torch.randn(512, 512), torch.randn(512, 512)
    seconds = timed({"blas": lambda: mm(x, w), "onednn": lambda: onednn(x, w)}, 2 * 512**3)
    return Row("oneDNN's rate / torch.mm's at 512", ratio(seconds["blas"], seconds["onednn"]))


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(f"backend chosen on this machine: {product_backend()}")
    report([choice(), *(product(*shape) for shape in SHAPES), training_linear(1024, 512, 512)])
