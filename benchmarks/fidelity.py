"""Fidelity and novelty of 5,000 x 768 features (spectrum i^-1/2) against peers: times, and that the values are theirs.

Peers, one thread each: scipy's `sqrtm` for FD, the package `prdc`, the n x n Vendi score (eigenvalues by scipy, as in
the package `vendi-score`), FLD from its definition with
autograd in float32 (peer_fld.py; in float64 its values are compared at 1,000 x 64: float32 is good for two digits).
`prdc` has one k for all four measures; k = 3 for two and 5 for the others, as published and as ours, takes two calls.
Processor seconds, alternated; the slow peers run once.  Five to ten minutes.
"""

import contextlib
import io
import math
import statistics
import time
from collections.abc import Callable

from timing import Row, compare, ratio, report

# isort: split
import numpy as np
import torch
from peer_fld import fld
from prdc import compute_prdc
from scipy.linalg import eigvalsh, sqrtm

from byheart.metrics.fidelity import frechet_floor, kid, sliced_wasserstein
from byheart.metrics.fidelity.eigenvalues import quick_frechet
from byheart.metrics.fidelity.kernel_sums import fast_kid
from byheart.metrics.fidelity.manifold import prdc
from byheart.metrics.novelty import feature_likelihood, vendi_score
from byheart.numerics.moments import moments
from byheart.numerics.neighbors import nearest
from byheart.random import derive, generator

Sets = tuple[torch.Tensor, ...]


def features(n: int, d: int) -> Sets:
    """Samples, held-out and training features of one distribution."""
    draws, scale = generator(0), torch.arange(1, d + 1) ** -0.25
    return tuple(torch.randn(n, d, generator=draws) * scale for _ in range(3))


def scipy_fd(x: torch.Tensor, y: torch.Tensor) -> float:
    """As pytorch-fid and its descendants: means and covariances by numpy, the root of the product."""
    a, b = x.double().numpy(), y.double().numpy()
    shift = a.mean(0) - b.mean(0)
    first, second = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    return float(shift @ shift + first.trace() + second.trace() - 2 * sqrtm(first @ second).real.trace())


def floored_fd(x: torch.Tensor, y: torch.Tensor) -> tuple[float, float]:
    of_reference = moments(y)
    return quick_frechet(moments(x), of_reference), frechet_floor(of_reference.covariance, len(x), len(y))


def whole_vendi(x: torch.Tensor) -> float:
    unit = x.double() / x.double().norm(dim=1, keepdim=True)
    values = torch.from_numpy(eigvalsh((unit @ unit.T / len(x)).numpy()))
    return math.exp(float(torch.special.entr(values.clamp_min(0)).sum()))


def peer_prdc(samples: torch.Tensor, real: torch.Tensor, k: int) -> dict[str, float]:
    with contextlib.redirect_stdout(io.StringIO()):  # it prints
        return dict(compute_prdc(real.numpy(), samples.numpy(), k))


def whole_set(samples: torch.Tensor, heldout: torch.Tensor) -> None:
    """Every measure but FLD: FD and its floor, KID, P/R/D/C, Vendi, sliced Wasserstein, and a neighbor pass."""
    floored_fd(samples, heldout)
    fast_kid(samples, heldout)
    prdc(samples, heldout)
    vendi_score(samples)
    sliced_wasserstein(samples, heldout, projections=100)
    nearest(samples, heldout)


def once(name: str, run: Callable[[], object]) -> list[float]:
    return compare({name: run}, repeats=1, warmup=0, clock=time.process_time)[name]


def equal(name: str, ours: float, theirs: float, within: float = 1e-6) -> Row:
    return Row(
        f"|ours / theirs - 1|, {name}, in millionths", abs(ours / theirs - 1) * 1e6, at_most=within * 1e6
    )


def measure_values(sets: Sets) -> list[Row]:
    samples, heldout, _ = sets
    three, five, ours = peer_prdc(samples, heldout, 3), peer_prdc(samples, heldout, 5), prdc(samples, heldout)
    x, unseen, train = (each.double() for each in features(1000, 64))
    half = torch.randperm(len(train), generator=generator(derive(0, "halves")))
    found, (value, gap) = feature_likelihood(x, train, unseen, seed=0), fld(x, train, unseen, half)
    exact = kid(samples, heldout).value
    return [
        equal("precision", ours.precision.value, three["precision"]),
        equal("recall", ours.recall.value, three["recall"]),
        equal("density", ours.density.value, five["density"]),
        equal("coverage", ours.coverage, five["coverage"]),
        equal("FLD", found.fld, value),
        equal("gap of FLD", found.gap, gap),
        Row(
            "KID, float32 products - float64, in millionths",
            abs(fast_kid(samples, heldout).value - exact) * 1e6,
            1,
        ),
    ]


def measure_times(sets: Sets) -> list[Row]:
    samples, heldout, train = sets
    seconds = compare(
        {
            "prdc, one call": lambda: peer_prdc(samples, heldout, 5),
            "prdc, two calls": lambda: (peer_prdc(samples, heldout, 3), peer_prdc(samples, heldout, 5)),
            "bare products": lambda: [rows @ heldout.T for _ in range(3) for rows in samples.split(1024)],
            "P/R/D/C": lambda: prdc(samples, heldout),
            "FD": lambda: floored_fd(samples, heldout),
            "Vendi": lambda: vendi_score(samples),
            "KID, float64": lambda: kid(samples, heldout),
            "KID": lambda: fast_kid(samples, heldout),
            "all but FLD": lambda: whole_set(samples, heldout),
        },
        repeats=5,
        warmup=1,
        clock=time.process_time,
    )
    seconds["FLD"] = once("FLD", lambda: feature_likelihood(samples, train, heldout, seed=0))
    theirs: dict[str, float] = {}
    half = torch.randperm(len(train), generator=generator(derive(0, "halves")))
    seconds["scipy sqrtm"] = once("FD", lambda: theirs.update(fd=scipy_fd(samples, heldout)))
    seconds["n x n Vendi"] = once("Vendi", lambda: theirs.update(vendi=whole_vendi(samples)))
    seconds["FLD by definition"] = once("FLD", lambda: fld(samples, train, heldout, half))
    for name, values in seconds.items():
        print(f"{name:<20}{statistics.median(values):9.3f} s", flush=True)
    middle = {name: [statistics.median(values)] for name, values in seconds.items()}
    return [
        # Out of reach beside scipy 1.17, whose root takes 0.4 s where the two covariances of either side take 0.1 s at best.
        Row("scipy sqrtm / FD with its floor", ratio(middle["scipy sqrtm"], middle["FD"]), at_least=4),
        Row("n x n / Vendi", ratio(middle["n x n Vendi"], middle["Vendi"]), at_least=50),
        Row("by definition / FLD", ratio(middle["FLD by definition"], middle["FLD"]), at_least=8),
        Row("prdc, two calls / P/R/D/C", ratio(seconds["prdc, two calls"], seconds["P/R/D/C"]), at_least=8),
        # For information: what a single k costs, and how near ours is to its three products alone.
        Row("prdc, one call / P/R/D/C", ratio(seconds["prdc, one call"], seconds["P/R/D/C"])),
        Row("P/R/D/C / bare products", ratio(seconds["P/R/D/C"], seconds["bare products"])),
        Row(
            "all but FLD / prdc, one call",
            ratio(seconds["all but FLD"], seconds["prdc, one call"]),
            at_most=1,
        ),
        equal("FD", floored_fd(samples, heldout)[0], theirs["fd"]),
        equal("Vendi", vendi_score(samples), theirs["vendi"]),
    ]


if __name__ == "__main__":
    torch.set_num_threads(1)
    sets = features(5000, 768)
    report(measure_times(sets) + measure_values(sets))
