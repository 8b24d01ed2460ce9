"""The exact empirical denoiser at n = 50,000, d = 3,072, 64 queries, against its own two products and per-query broadcasting.

Bare: the faster of `torch.mm` and oneDNN's linear on the same chunks, nothing else.  Twelve noise levels, one thread.  A few minutes.

Dense form: no column is left out.  Memory: what a call adds to the process's peak.
"""

import time
from pathlib import Path

from timing import Row, compare, faster, ratio, report

# isort: split
import torch
from bare_products import Multiply, mm, onednn
from torch import Tensor

from byheart.denoisers import MixtureDenoiser, empirical_bytes
from byheart.numerics import softmax
from byheart.numerics.products import product_backend

POINTS, DIMENSION, QUERIES, CHUNK, LATENT = 50_000, 3_072, 64, 2_048, 32
SIGMAS = torch.logspace(-1.7, 1.3, 12).tolist()  # 0.02 … 20
FEW = 0.02
"""A column matters if it weighs more than e⁻³⁰ of the leading one in some row."""


def bare(multiply: Multiply, queries: Tensor, train: Tensor) -> None:
    weights = torch.rand(len(queries), CHUNK, dtype=train.dtype)
    for rows in train.split(CHUNK):
        multiply(queries, rows)
        multiply(weights[:, : len(rows)], rows.T)


def broadcasting(queries: Tensor, train: Tensor, sigma: float) -> Tensor:
    """What the formula says, a query at a time."""
    found = []
    for query in queries:
        logits = -(query - train).square().sum(1) / (2 * sigma**2)
        found.append(logits.softmax(0) @ train)
    return torch.stack(found)


def images(draws: torch.Generator) -> Tensor:
    """Points of few latent dimensions, clipped to [−1, 1]."""
    latent = torch.randn(POINTS, LATENT, generator=draws)
    return (latent @ torch.randn(LATENT, DIMENSION, generator=draws) / LATENT**0.5).clamp(-1, 1)


def share_that_matters(denoiser: MixtureDenoiser, x: Tensor, sigma: Tensor) -> float:
    weights = denoiser.responsibilities(x, sigma)
    return float((weights / weights.amax(1, keepdim=True) > torch.tensor(-30.0).exp()).any(0).float().mean())


def measure(train: Tensor, draws: torch.Generator) -> list[Row]:
    denoiser = MixtureDenoiser(train, precision="float32", chunk=CHUNK)
    rows, dense_ratios, sparse = [], [], []
    worst, most = 0.0, 0.0
    for value in SIGMAS:
        sigma = torch.tensor(value)
        x = train[:QUERIES] + sigma * torch.randn(QUERIES, DIMENSION, generator=draws)

        def dense(x: Tensor = x, sigma: Tensor = sigma) -> Tensor:
            before = softmax.SPARSE_WEIGHT[torch.float32]
            softmax.SPARSE_WEIGHT[torch.float32] = -1.0  # no column weighs less: none is left out
            try:
                return denoiser(x, sigma)
            finally:
                softmax.SPARSE_WEIGHT[torch.float32] = before

        with torch.no_grad():
            seconds = compare(
                {
                    "torch.mm": lambda x=x: bare(mm, x, train),
                    "oneDNN": lambda x=x: bare(onednn, x, train),
                    "ours": lambda x=x, sigma=sigma: denoiser(x, sigma),
                    "dense": dense,
                },
                repeats=5,
                warmup=1,
                clock=time.process_time,
            )
            few = share_that_matters(denoiser, x, sigma)
        products = faster(seconds["torch.mm"], seconds["oneDNN"])
        ours, whole = ratio(seconds["ours"], products), ratio(seconds["dense"], products)
        print(
            f"sigma {value:7.3f}: {few:6.1%} of the columns matter, ours {ours:.2f}, dense {whole:.2f} x bare",
            flush=True,
        )
        worst, most = max(worst, ours), max(most, whole)
        dense_ratios.append(whole)
        if few < FEW:
            sparse.append(ours)
    rows.append(Row("float32, largest of 12 sigmas / bare", worst, at_most=1.2))
    rows.append(Row("float32 dense form, largest / bare", most, at_most=1.2))
    rows.append(
        Row(
            "float32 dense form, slowest / fastest sigma (of bare)",
            max(dense_ratios) / min(dense_ratios),
            at_most=1.15,
        )
    )
    if sparse:
        rows.append(Row("float32 where under 2 % of the columns matter / bare", max(sparse), at_most=0.6))
    return rows


def against_broadcasting(train: Tensor, draws: torch.Generator) -> Row:
    denoiser = MixtureDenoiser(train, precision="float32", chunk=CHUNK)
    x = train[:QUERIES] + torch.randn(QUERIES, DIMENSION, generator=draws)
    seconds = compare(
        {
            "ours": lambda: denoiser(x, torch.tensor(1.0)),
            "broadcasting, 4 of 64": lambda: broadcasting(x[:4], train, 1.0),
        },
        repeats=3,
        warmup=1,
        clock=time.process_time,
    )
    gain = ratio(seconds["broadcasting, 4 of 64"], seconds["ours"]) * QUERIES / 4
    return Row("per-query broadcasting / ours", gain, at_least=100)


def in_float64(train: Tensor, draws: torch.Generator) -> Row:
    points = train.double()
    denoiser = MixtureDenoiser(points, chunk=CHUNK)
    x = points[:QUERIES] + 8 * torch.randn(QUERIES, DIMENSION, generator=draws)
    seconds = compare(
        {"ours": lambda: denoiser(x, torch.tensor(8.0)), "bare": lambda: bare(mm, x, points)},
        repeats=3,
        warmup=1,
        clock=time.process_time,
    )
    return Row("float64 / bare float64", ratio(seconds["ours"], seconds["bare"]), at_most=1.2)


def resident(name: str) -> float:
    """VmRSS, the memory of this process now, or VmHWM, its peak; MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))


def memory(train: Tensor, draws: torch.Generator) -> list[Row]:
    """MiB that calls need beside the data and their squares."""
    x = train[:QUERIES] + torch.randn(QUERIES, DIMENSION, generator=draws)
    packed = ((train + 1) * 127.5).round().to(torch.uint8)
    rows = []
    for name, denoiser in (
        ("float32", MixtureDenoiser(train, precision="float32", chunk=CHUNK)),
        ("float64", MixtureDenoiser(train, chunk=CHUNK)),
        ("bytes", empirical_bytes(packed, 2 / 255, -1.0, precision="float32")),
    ):
        before = resident("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from here
        for sigma in (0.02, 1.0, 20.0):
            denoiser(x, torch.tensor(sigma))
        added = resident("VmHWM") - before
        rows.append(Row(f"{name}: MiB added to the peak", added, at_most=143))  # 150 MB
    return rows


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(f"backend chosen on this machine: {product_backend()}")
    generator = torch.Generator().manual_seed(0)
    data = images(generator)
    with torch.no_grad():
        found = [
            *memory(data, generator),
            *measure(data, generator),
            in_float64(data, generator),
            against_broadcasting(data, generator),
        ]
    report(found)
