"""Exact nearest neighbors, 2,000 x 60,000 x 784, k = 2 with float64 re-rank, against its own products and peers.

Bare: the faster of `torch.mm` and oneDNN's linear on the same tiles, nothing else.  Peers: faiss-cpu's flat index
and scikit-learn's brute force (float32, no re-rank), one thread each.  A few minutes.
"""

import statistics
import time

from timing import Row, compare, faster, ratio, report

# isort: split
import faiss
import torch
from bare_products import CHUNK, all_pairs, mm, onednn
from sklearn.neighbors import NearestNeighbors

from byheart.numerics.neighbors import nearest
from byheart.numerics.products import product_backend

QUERIES, REFERENCE, DIMENSION = 2_000, 60_000, 784


def chunked_topk(queries: torch.Tensor, reference: torch.Tensor, k: int) -> torch.Tensor:
    """What an attentive programmer writes: no centering, no re-rank, and wrong near zero."""
    halves, best = reference.square().sum(1) / -2, []
    for start in range(0, len(reference), CHUNK):
        part = slice(start, start + CHUNK)
        best.append(torch.addmm(halves[part], queries, reference[part].T).topk(k).values)
    return torch.cat(best, 1).topk(k).values


def measure() -> list[Row]:
    generator = torch.Generator().manual_seed(0)
    queries = torch.rand(QUERIES, DIMENSION, generator=generator)
    reference = torch.rand(REFERENCE, DIMENSION, generator=generator)
    flat = faiss.IndexFlatL2(DIMENSION)
    flat.add(reference.numpy())
    brute = NearestNeighbors(n_neighbors=2, algorithm="brute").fit(reference.numpy())
    seconds = compare(
        {
            "torch.mm": lambda: all_pairs(mm, queries, reference),
            "ours": lambda: nearest(queries, reference),
            "oneDNN": lambda: all_pairs(onednn, queries, reference),
            "ours, k = 12": lambda: nearest(queries, reference, k=12),
            "faiss": lambda: flat.search(queries.numpy(), 2),
            "plain": lambda: chunked_topk(queries, reference, 2),
            "scikit-learn": lambda: brute.kneighbors(queries.numpy()),
        },
        repeats=7,
        warmup=1,
        clock=time.process_time,
    )
    for name, values in seconds.items():
        print(f"{name:<14}{statistics.median(values):8.3f} s")
    products, ours = faster(seconds["torch.mm"], seconds["oneDNN"]), seconds["ours"]
    faiss_bare, sklearn_bare = ratio(seconds["faiss"], products), ratio(seconds["scikit-learn"], products)
    return [
        Row("ours / bare products", ratio(ours, products), at_most=1.2),
        Row("ours with k = 12 / bare products", ratio(seconds["ours, k = 12"], products), at_most=1.35),
        Row("faiss-cpu flat / ours", ratio(seconds["faiss"], ours), at_least=1.5),
        Row(
            "scikit-learn brute / ours",
            ratio(seconds["scikit-learn"], ours),
            at_least=3.3,
        ),
        Row("chunked torch.mm + topk / ours", ratio(seconds["plain"], ours)),
        # A peer near 1 multiplies as fast as torch does here: no search that computes the products can then reach the bar.
        Row("faiss-cpu flat / bare products", faiss_bare),
        Row("scikit-learn brute / bare products", sklearn_bare),
    ]


if __name__ == "__main__":
    torch.set_num_threads(1)
    faiss.omp_set_num_threads(1)
    print(f"backend chosen on this machine: {product_backend()}")
    report(measure())
