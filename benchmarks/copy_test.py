"""The copy test, 32×32 images against 10,000 training images: shortlist over its bare products, whole over shortlist, color over grey, growth with n, memory.

Bare: the shortlist's own products (800 views of 16 samples by 1,024 training images, two grids), nothing else, by the faster
of `torch.mm` and oneDNN's linear.  Whole: orbit ratio, noise ratio, pair fit, windows.  A repetition scores 160 samples; the
statistics treat 16 at a time and rows do not meet, so that 1,000 take 6.25 times as long (the last row checks it).  Images
are smooth random patterns and half of the samples are training images: the work does not depend on what they show.
Thread time, 2 to 6 minutes.
"""

import ctypes
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from timing import Row, compare, faster, ratio, report

# isort: split
import torch
from bare_products import Multiply, mm, onednn
from torch import Tensor

from byheart.metrics.copying.scores import BATCH, CopyTables, copy_scores, copy_tables
from byheart.metrics.copying.shortlist import CANDIDATES
from byheart.numerics.products import product_backend

TRAIN, SAMPLES, FEWER, PRODUCT = 10_000, 160, 48, 1_024
SIZES = (2_500, 5_000, TRAIN)
VIEWS = 50  # of a sample on each grid: 2 flips × 25 shifts


def images(count: int, channels: int, draws: torch.Generator) -> Tensor:
    """Random patterns with the falling spectrum of pictures, in [0, 1]."""
    frequency = torch.hypot(torch.fft.fftfreq(32)[:, None], torch.fft.rfftfreq(32)[None])
    white = torch.randn(count, channels, 32, 32, generator=draws)
    smooth = torch.fft.irfft2(torch.fft.rfft2(white) / (frequency + 0.03), s=(32, 32))
    return (0.5 + 0.2 * smooth / smooth.std((1, 2, 3), keepdim=True)).clamp(0, 1)


def bare(multiply: Multiply, queries: tuple[Tensor, ...], tables: CopyTables) -> None:
    for _ in range(SAMPLES // BATCH):
        for views, rows in zip(queries, tables.orbit.shortlist.rows, strict=True):
            for part in rows.split(PRODUCT):
                multiply(views, part)


def by_batches(part: Callable[[Tensor], object], x: Tensor) -> None:
    for batch in x.split(BATCH):
        part(batch)


def contestants(tables: dict[str, CopyTables], x: dict[str, Tensor]) -> dict[str, Callable[[], object]]:
    """What is timed: the whole at every size and in color, its parts at the largest, and the bare products."""
    large = tables["grey"]
    queries = tuple(torch.randn(BATCH * VIEWS, rows.shape[1]) for rows in large.orbit.shortlist.rows)
    parts = {
        "shortlist": large.orbit.shortlist,
        "orbit ratio": large.orbit,
        "noise ratio": large.noise,
        "pair fit": large.blend,
        "windows": large.local,
    }
    return {
        "products, torch.mm": lambda: bare(mm, queries, large),
        "products, oneDNN": lambda: bare(onednn, queries, large),
        **{name: lambda part=part: by_batches(part, x["grey"]) for name, part in parts.items()},
        **{name: lambda name=name: copy_scores(x[name], tables[name]) for name in tables},
        "fewer samples": lambda: copy_scores(x["grey"][:FEWER], large),
    }


def law(sizes: tuple[int, ...], milliseconds: tuple[float, ...]) -> tuple[float, float, float]:
    """Least squares a + b·n of the cost of a sample, and the largest |deviation| from it, relative."""
    n, cost = torch.tensor(sizes).double(), torch.tensor(milliseconds).double()
    design = torch.stack([torch.ones_like(n), n], 1)
    fit = torch.linalg.lstsq(design, cost[:, None]).solution[:, 0]
    return float(fit[0]), float(fit[1]), float(((design @ fit - cost) / cost).abs().max())


def resident(name: str) -> float:
    """VmRSS, the memory of this process now, or VmHWM, its peak; MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))


def added(run: Callable[[], object]) -> float:
    """MiB that a call adds to what the process holds, at its peak."""
    ctypes.CDLL(None).malloc_trim(0)  # what earlier calls gave back would be taken again unseen
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from here
    kept = run()
    found = resident("VmHWM") - before
    del kept
    return found


def rows(seconds: dict[str, list[float]]) -> list[Row]:
    products = faster(seconds["products, torch.mm"], seconds["products, oneDNN"])
    whole = seconds["grey"]
    names = [*(f"grey, n = {n}" for n in SIZES[:-1]), "grey"]
    costs = tuple(1e3 * statistics.median(seconds[name]) / SAMPLES for name in names)
    start, slope, off = law(SIZES, costs)
    print(f"cost of a sample: {start:.2f} ms + {1e3 * slope:.3f} ms for every 1,000 training images")
    return [
        Row("shortlist / its bare products", ratio(seconds["shortlist"], products), at_most=1.5),
        Row("whole / shortlist", ratio(whole, seconds["shortlist"]), at_most=4),
        Row("color / grey", ratio(seconds["color"], whole), at_most=3),
        Row("cost of a sample against a + b n, largest deviation", off, at_most=0.05),
        Row("… a share of the cost at n = 10,000", start / costs[-1]),
        Row(
            f"cost of a sample, {FEWER} of them / {SAMPLES}",
            ratio(seconds["fewer samples"], whole) * SAMPLES / FEWER,
            at_least=0.9,
            at_most=1.1,
        ),
    ]


def measure() -> list[Row]:
    draws = torch.Generator().manual_seed(0)
    tables, x, found = {}, {}, []
    for name, channels, most in (("grey", 1, 150), ("color", 3, 450)):
        train = images(TRAIN, channels, draws)
        x[name] = torch.cat([images(SAMPLES // 2, channels, draws), train[: SAMPLES // 2]])
        small = copy_tables(train[:64])
        copy_scores(x[name][:BATCH], small)  # libraries loaded, the backend chosen
        start = time.thread_time()
        size = added(lambda name=name, train=train: tables.update({name: copy_tables(train)}))
        took = time.thread_time() - start
        print(f"tables of {TRAIN:,} {name} images: {took:.1f} s, {size:.0f} MiB at the peak", flush=True)
        memory = added(lambda name=name: copy_scores(x[name], tables[name]))
        found.append(Row(f"{name}: MiB that {SAMPLES} samples add to the peak", memory, at_most=most))
        if name == "grey":
            for n in SIZES[:-1]:
                tables[f"grey, n = {n}"], x[f"grey, n = {n}"] = copy_tables(train[:n]), x["grey"]
    seconds = compare(contestants(tables, x), repeats=7, warmup=1, clock=time.thread_time)
    for name, values in seconds.items():
        of = FEWER if name == "fewer samples" else SAMPLES
        print(f"{name:<20}{1e3 * statistics.median(values) / of:8.2f} ms a sample")
    return rows(seconds) + found


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(f"backend chosen on this machine: {product_backend()}; shortlist of {CANDIDATES}")
    with torch.no_grad():
        report(measure())
