"""Records of an onset study: curves through the times that runs on the digits had.

Digits, width 512, seeds 0 and 1; at n = 32 … 256.  Between these points curves are linear in log step.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from byheart.analysis.collapse_quality import Series, collapse
from byheart.analysis.scaling import exponent
from byheart.analysis.timescales import tau_gen, tau_mem, tau_split
from byheart.numerics.intervals import proportion
from byheart.studies.onset.content import GEN, MEM, SPLIT, OnsetContent, Onsets, RunContent, Strip

F_MEM = {  # n -> steps where f_mem reaches .05, .1, .3, .5, and its last value, a pair of seeds each
    32: [(366, 343), (421, 395), (586, 584), (835, 985), (0.74, 0.66)],
    64: [(439, 403), (513, 500), (826, 751), (1265, 1117), (0.81, 0.77)],
    128: [(888, 864), (1123, 1021), (1872, 1885), (3144, 3333), (0.68, 0.67)],
    256: [(1702, 1951), (2277, 2408), (4675, 4595), (10032, 9187), (0.55, 0.57)],
}
GAP = {  # n -> steps where the loss gap at sigma 0.5 reaches .05, .1, .15
    32: [(153, 149), (205, 199), (275, 258)],
    64: [(143, 145), (215, 221), (304, 312)],
    128: [(244, 234), (430, 422), (653, 666)],
    256: [(491, 466), (930, 940), (1676, 1709)],
}
TAU_GEN = {32: (154, 157), 64: (111, 112), 128: (143, 134), 256: (165, 151)}
FD_MIN = {32: (12.2, 13.6), 64: (9.0, 9.0), 128: (5.5, 5.0), 256: (3.5, 3.0)}
FD_FIRST, SAMPLES, IMAGES_ERROR = 24.0, 500, 0.004


def schedule(last: int, count: int = 16, first: int = 40) -> list[int]:
    return [round(first * (last / first) ** (i / (count - 1))) for i in range(count)]


def through(steps: Sequence[float], x: Sequence[float], y: Sequence[float]) -> list[float]:
    return list(np.interp(np.log(steps), np.log(x), y))


def rows(n: int, seed: int, steps: Sequence[int] | None = None) -> list[dict[str, Any]]:
    """Flat records of one run at the steps (default: 16 log-spaced ones)."""
    last = 48 * n
    steps = schedule(last) if steps is None else steps
    reached, (final) = [pair[seed] for pair in F_MEM[n][:4]], F_MEM[n][4][seed]
    f_mem = through(steps, [0.6 * reached[0], *reached, last], [0, 0.05, 0.1, 0.3, 0.5, final])
    parted = [pair[seed] for pair in GAP[n]]
    gap = through(steps, [0.5 * parted[0], *parted, last], [0.01, 0.05, 0.1, 0.15, 0.22])
    bottom = FD_MIN[n][seed]
    level = bottom + 0.1 * (FD_FIRST - bottom)
    good = TAU_GEN[n][seed]
    fd = through(steps, [40, good, 2 * good, last], [FD_FIRST, level, bottom, bottom])
    return [record(*values) for values in zip(steps, f_mem, gap, fd, strict=True)]


def record(step: int, f_mem: float, gap: float, fd: float) -> dict[str, Any]:
    share = proportion(round(f_mem * SAMPLES), SAMPLES)
    return {
        "step": step,
        "f_mem": f_mem,
        "f_mem_low": min(share.low, f_mem),
        "f_mem_high": max(share.high, f_mem),
        "f_mem_count": SAMPLES,
        "gap@0.5": gap,
        "gap_low@0.5": gap - 2 * IMAGES_ERROR,
        "gap_high@0.5": gap + 2 * IMAGES_ERROR,
        "fd": fd,
    }


def references(n: int) -> dict[str, Any]:
    floor = proportion(0, 700)
    return {
        "f_mem/empirical": 1.0,
        "f_mem/heldout": floor.value,
        "f_mem/heldout_low": floor.low,
        "f_mem/heldout_high": floor.high,
        "f_mem/heldout_count": 700,
        "ratio/heldout_median": 0.91,
        "fd/train": {32: 15.4, 64: 8.35, 128: 5.35, 256: 2.55}[n],
        "fd/floor": 0.98,
    }


def run(n: int, seed: int) -> RunContent:
    return RunContent(f"{n:04x}{seed:08x}", n, seed, rows(n, seed), references(n))


def onsets(run: RunContent) -> Onsets:
    times = {GEN: tau_gen(run.rows), SPLIT: tau_split(run.rows), MEM: tau_mem(run.rows)}
    times |= {"tau_mem@0.05": tau_mem(run.rows, 0.05), "tau_mem@0.5": tau_mem(run.rows, 0.5)}
    return Onsets(run.n, run.seed, times)


def strip(n: int, seed: int = 0, *, samples: int = 4, side: int = 8, channels: int | None = None) -> Strip:
    """Noise that turns into a pattern; the ratio falls below 1/3 in the last two steps of the first sample."""
    steps = schedule(48 * n, count=6)
    shape = (samples, side, side) if channels is None else (samples, side, side, channels)
    noise = np.random.default_rng(seed).integers(0, 256, shape)
    pattern = np.broadcast_to(np.linspace(0, 255, side)[:, None], (side, side))
    nearest = np.broadcast_to(pattern if channels is None else pattern[..., None], shape).astype(np.uint8)
    share = np.linspace(0, 1, len(steps))
    images = np.stack([(1 - part) * noise + part * nearest for part in share], axis=1).astype(np.uint8)
    ratios = np.full((samples, len(steps)), 0.9)
    ratios[0, -2:] = 0.31, 0.02
    return Strip(n, seed, steps, images, nearest, ratios)


CLAIMS = [
    {
        "id": "S3-A",
        "paper": "S3",
        "figure": "2 left",
        "statement": "tau_mem grows like n: copies appear after a number of steps proportional to the training set size",
        "quantity": "exponent/tau_mem@0.1",
        "target": 1,
        "accept": [0.8, 1.2],
        "scale": "demo",
        "measured": 1.104,
        "low": 1.001,
        "high": 1.198,
        "count": 6,
        "verdict": "reproduced",
    },
    {
        "id": "B-S3-C-factor",
        "paper": "byheart",
        "figure": "",
        "statement": "over tau/n the curves of f_mem lie at least 1.5 times closer together",
        "quantity": "collapse/f_mem",
        "target": None,
        "accept": [1.5, None],
        "scale": "demo",
        "measured": 2.3,
        "low": 1.1,
        "high": 4.7,
        "count": 6,
        "verdict": "unresolved",
    },
    {
        "id": "S3-X",
        "paper": "S3",
        "statement": "not yet measured",
        "accept": [None, 0],
        "measured": None,
        "verdict": None,
    },
]


def content(
    sizes: Sequence[int] = (32, 64, 128, 256), seeds: Sequence[int] = (0, 1), **changes: Any
) -> OnsetContent:
    """The whole page of a demo."""
    runs = [run(n, seed) for n in sizes for seed in seeds]
    times = [onsets(one) for one in runs]
    large = [found for found in times if found.n >= 64]
    fits = [
        exponent([f.n for f in used], [f.times[rule].step for f in used], [f.seed for f in used], rule)
        for rule, used in ((MEM, large), (SPLIT, large), (GEN, times), ("tau_mem@0.5", large))
    ]
    series = {
        name: [
            Series(r.n, r.seed, [row["step"] for row in r.rows], [row[name] for row in r.rows])
            for r in runs
            if r.n >= 64
        ]
        for name in ("f_mem", "gap@0.5")
    }
    whole = {
        "title": "When does a diffusion model start to copy?",
        "scale": "demo",
        "data_name": "digits",
        "runs": runs,
        "crossings": times,
        "exponents": fits,
        "collapses": {name: collapse(curves) for name, curves in series.items()},
        "claims": CLAIMS,
        "strips": [strip(n) for n in sizes],
        "facts": {
            "samples": "500 an evaluation, Euler, 18 levels 20 … 0.02",
            "network": "mlp, width 512, 3 blocks",
        },
        "provenance": {"byheart": "0.1.0", "torch": "2.13.0", "threads": 1, "data": "digits " + 64 * "a"},
        "command": "byheart study onset --scale demo",
    }
    return OnsetContent(**(whole | changes))
