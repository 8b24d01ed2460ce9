"""Made-up runs of the study s1-crossover, in the words of its kinds: smooth curves of the right kind, nothing measured.

The share of memorized samples passes one half at M = `half` N, the variance falls from `std`² to 0.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from byheart._records import plain_json
from byheart.experiments.study.folder import StudyFolder
from byheart.numerics.intervals import proportion
from byheart.store.folders import RunFolder
from byheart.theory.crossover import excess_true, smallest_snr, snr, times

THRESHOLDS = {"0.5": -0.2, "0.333": 0.0, "0.25": 0.075, "0.2": 0.13}
"""Name of a threshold -> by how much the transition moves with it."""

SHARES = (0.1, 0.3, 0.5, 0.6, 0.7, 0.76, 0.8, 0.84, 0.9, 0.96, 1.0)
SAMPLES = 1000
FACTS = ("byheart", "code", "torch", "numpy", "python", "platform", "threads", "backend", "device", "date")
TRUE_LOSS = 6.5


def mixture(dimension: int = 50, components: int = 12) -> dict[str, Any]:
    return {
        "name": "mixture",
        "standardize": False,
        "mixture": {"dimension": dimension, "components": components},
    }


def templates() -> dict[str, Any]:
    return {
        "name": "templates",
        "standardize": False,
        "templates": {"source": "digits", "side": 8, "components": 4},
    }


def copied(share: float, half: float) -> dict[str, Any]:
    """f_mem at every threshold of one model."""
    row: dict[str, Any] = {"count": SAMPLES}
    for name, shift in THRESHOLDS.items():
        value = 1 / (1 + math.exp(-25 * (share - half - shift)))
        row |= proportion(round(SAMPLES * value), SAMPLES).entries(f"f_mem@{name}")
    return row


def learned_row(share: float, n: int, half: float = 0.8, isotropic: bool = True) -> dict[str, Any]:
    """The record of a trained mixture."""
    variance = 1 - share
    row = {
        "step": 3000,
        "model": "learned",
        "m": max(1, round(share * n)),
        "share": share,
        "variance": variance,
        **copied(share, half),
        "loss/train": TRUE_LOSS * variance**0.5,
        "loss/heldout": TRUE_LOSS * math.exp(2.4 * share**2),
        "loss/eps": 12 + 7 * (half - 0.8),
        "distance/point": 4 * variance,
    }
    if not isotropic:
        return row
    shares = {f"lloyd/{name}": row[name] for name in row if name.startswith("f_mem") and "_" not in name[5:]}
    return row | {"distance/mean": 7 - 3 * variance, "lloyd/variance": 0.98 * variance} | shares


def reference_row(model: str) -> dict[str, Any]:
    """The record of the true or the empirical denoiser."""
    true = model == "true"
    return {
        "step": 3000,
        "model": model,
        **copied(0.0 if true else 1.0, 0.25 if true else 0.5),
        "loss/train": 0.98 * TRUE_LOSS if true else 0.0,
        "loss/heldout": TRUE_LOSS if true else 70.0,
        "loss/eps": 19.9 if true else 0.0,
    }


def mixtures_run(
    seed: int = 0, n: int = 200, shares: Sequence[float] = SHARES, half: float = 0.8, **spec: Any
):
    """Specification and rows of a run of kind `mixtures`."""
    whole = {"kind": "mixtures", "data": mixture(), "n": n, "seed": seed, "shares": [*shares]}
    whole |= {"start": "training", **spec}
    isotropic = whole["data"]["name"] == "mixture"
    rows = [learned_row(share, n, half + 0.004 * seed, isotropic) for share in shares]
    return whole, [*rows, reference_row("true"), reference_row("empirical")]


def losses_run(seed: int = 0, data: Mapping[str, Any] | None = None, dimension: int = 50):
    """Specification and rows of a run of kind `losses`: the ratio is 1 where the theorem holds, and falls below."""
    rows = []
    for step, level in enumerate(snr(times()).tolist()):
        formula = float(excess_true(level, dimension))
        valid = level >= smallest_snr(dimension)
        ratio = (1.0 if valid else level / smallest_snr(dimension)) + 0.004 * (seed - 1)
        factors = {f"factor@{share:g}": 2 - 0.6 * share for share in (0.25, 0.5, 0.75)}
        rows.append(
            {
                "step": step,
                "snr": level,
                "excess/true": ratio * formula,
                "formula/true": formula,
                "ratio/true": ratio,
                "ratio/loss": 1 + 0.01 * (seed - 1),
                "valid": valid,
                **factors,
                **{f"formula/{name}": 0.99 * value for name, value in factors.items()},
            }
        )
    return {"kind": "losses", "data": data or mixture(), "n": 200, "seed": seed}, rows


def training_run(seed: int, width: int, data: Mapping[str, Any], dimension: int, half: float = 1.0):
    """Specification and rows of a run of kind `training`: half memorized at `half` times as many weights as the points have numbers."""
    weights = width * dimension * 2
    f_mem = 1 / (1 + (half * dimension * 50 / weights) ** 2)
    rows = [
        {"step": step, "parameters": weights, "dimension": dimension, "f_mem": share}
        | {"f_mem_low": 0.9 * share, "f_mem_high": min(1.0, 1.1 * share)}
        for step, share in ((1000, f_mem / 2), (20000, f_mem))
    ]
    return {"kind": "training", "data": data, "n": 50, "seed": seed, "model": {"width": width}}, rows


def arms() -> dict[str, list]:
    """Arm -> specifications and rows: the whole study at scale cpu."""
    small = mixture(30, 3)
    cells = [(n, d, k) for n in (50, 100) for d in (30, 60) for k in (3, 12)]
    noise = np.random.default_rng(0).normal(0.8, 0.012, (len(cells), 2))
    starts = {
        "points": ("training", 0.8),
        "fresh": ("population", 1.3),
        "gaussian": ("gaussian", 1.3),
        "pairs": ("pairs", 0.77),
    }
    return {
        "losses": [losses_run(seed) for seed in range(3)],
        "single": [losses_run(seed, mixture(components=1)) for seed in range(3)],
        "coloredlosses": [losses_run(seed, templates(), 3) for seed in range(3)],
        "transition": [mixtures_run(seed) for seed in range(3)],
        "universality": [
            mixtures_run(seed, n, SHARES[3:], half, data=mixture(d, k))
            for (n, d, k), halves in zip(cells, noise, strict=True)
            for seed, half in enumerate(halves.tolist())
        ],
        **{
            arm: [mixtures_run(seed, 50, (0.8,), half, data=small, start=start) for seed in range(4)]
            for arm, (start, half) in starts.items()
        },
        "free": [
            mixtures_run(seed, 50, (0.5, 0.6, 0.8, 1.0), 0.52, data=small, widths="free") for seed in range(4)
        ],
        "colored": [mixtures_run(seed, 50, SHARES, 0.95, data=templates()) for seed in range(3)],
        "mlp": [training_run(seed, width, small, 30) for seed in (0, 1) for width in (4, 8, 16, 32, 64, 128)],
        "unet": [
            training_run(seed, width, templates(), 192, 3.0) for seed in (0, 1) for width in (16, 32, 64, 128)
        ],
    }


def stored(
    root: Path,
    study: Mapping[str, Any],
    claims: Sequence[Mapping[str, Any]],
    runs: Mapping[str, Sequence],
    scale: str = "cpu",
) -> StudyFolder:
    """The folder of a conducted study with these runs: arm -> specifications and rows."""
    names: dict[str, list[str]] = {}
    for arm, found in runs.items():
        names[arm] = [f"{arm}-{place}" for place in range(len(found))]
        for name, (spec, rows) in zip(names[arm], found, strict=True):
            folder = RunFolder(root / name)
            folder.path.mkdir(parents=True)
            folder.start({"spec": spec} | dict.fromkeys(FACTS, "made up"))
            folder.write_record("data", {"name": spec["data"]["name"], "fingerprint": "synthetic"})
            folder.write_record("done", {"seconds": 6.0})
            (folder.path / "rows.jsonl").write_text("".join(plain_json(row) + "\n" for row in rows))
    path = root / f"s1-crossover-{scale}-synthetic"
    path.mkdir()
    record = {
        "study": study,
        "scale": scale,
        "runs": names,
        "command": f"byheart study s1-crossover --scale {scale}",
    }
    (path / "study.json").write_text(plain_json(record))
    write_claims(StudyFolder(path), claims)
    return StudyFolder(path)


def write_claims(folder: StudyFolder, claims: Sequence[Mapping[str, Any]]) -> None:
    (folder.path / "claims.json").write_text(plain_json({"claims": list(claims)}))
