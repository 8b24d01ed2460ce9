"""Exact nearest neighbors at full size: 10,000 x 50,000 x 3072, k = 2, against its own products; memory; exact copies.

Bare: the faster of `torch.mm` and oneDNN's linear on the same tiles, nothing else.  Memory is the growth of the
process's peak over what it held before the search.  About five minutes on a quiet core.
"""

import resource
import statistics
import time
from pathlib import Path

from timing import Row, compare, faster, ratio, report

# isort: split
import torch
from bare_products import all_pairs, mm, onednn

from byheart.numerics.neighbors import nearest
from byheart.numerics.products import product_backend

QUERIES, REFERENCE, DIMENSION, COPIES = 10_000, 50_000, 3_072, 100


def held() -> float:
    """Megabytes of memory that the process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def extra_memory(queries: torch.Tensor, reference: torch.Tensor) -> tuple[float, float]:
    """Megabytes beyond those of the inputs at the search's peak, and the largest distance of the copies."""
    nearest(queries[:8], reference[:64])  # libraries loaded, the backend chosen
    before = held()
    found = nearest(queries, reference)
    # A peak from before the search can only make this larger.
    return max(0.0, peak() - before), float(found.distance[:COPIES, 0].max())


def measure() -> list[Row]:
    generator = torch.Generator().manual_seed(0)
    reference = torch.rand(REFERENCE, DIMENSION, generator=generator)
    queries = torch.rand(QUERIES, DIMENSION, generator=generator)
    queries[:COPIES] = reference[:: REFERENCE // COPIES]
    memory, farthest = extra_memory(queries, reference)
    seconds = compare(
        {
            "torch.mm": lambda: all_pairs(mm, queries, reference),
            "ours": lambda: nearest(queries, reference),
            "oneDNN": lambda: all_pairs(onednn, queries, reference),
        },
        repeats=3,
        warmup=0,
        clock=time.process_time,
    )
    for name, values in seconds.items():
        print(f"{name:<14}{statistics.median(values):8.3f} s")
    products = faster(seconds["torch.mm"], seconds["oneDNN"])
    return [
        Row("ours / bare products", ratio(seconds["ours"], products), at_most=1.1),
        Row("extra memory, MB", memory, at_most=600),
        Row("largest distance of a copy", farthest, at_most=0),
    ]


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(f"backend chosen on this machine: {product_backend()}")
    report(measure())
