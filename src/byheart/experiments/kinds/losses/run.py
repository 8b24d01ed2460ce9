"""kind = "losses": training losses of closed forms at every level of S1's grid, against their approximations.

By orthogonality the loss of any denoiser D exceeds that of the empirical one, D_N, by E‖D − D_N‖²: the runs average this excess
over the same noisy points for all denoisers, summed over coordinates.  With t the time of S1's process, ψ = 1/σ² and C as in theory/partial.py

level, t, snr              σ, t and ψ; `step` counts the levels from the noisiest
loss/empirical             E‖D_N − x₀‖²
excess/true                of the true denoiser;   formula/true: Σ λ/(1 + ψ λ), of the components' covariances
ratio/true                 their ratio;   ratio/loss: the same of E‖D − x₀‖² itself, exactly 1 for one component at every level
excess/partial@S           of a denoiser that stores M = S·N points, drawn anew at every level
factor@S                   C = excess / ((1 − M/N) tr Σ);   formula/factor@S: for isotropic components of this K and d
ratio/factor@S             their ratio
orthogonality              largest relative error of this identity, over all denoisers, pointwise
valid                      whether ψ ≥ log²r / r with r the rank of a component: the range of S1's theorems
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from byheart._records import Scalar
from byheart.data.spec import MixtureData
from byheart.denoisers.base import Denoiser
from byheart.denoisers.mixture import MixtureDenoiser, empirical, partial
from byheart.executors.local import Tell
from byheart.experiments.kinds.losses.spec import LossesRun
from byheart.experiments.kinds.shared.drawn import Drawn, drawn, store_drawn
from byheart.experiments.kinds.shared.short import Short
from byheart.noise.process import S1Process
from byheart.noise.s1 import s1_levels
from byheart.random import derive, generator
from byheart.store.folders import RunFolder
from byheart.theory.crossover import excess_spectrum, smallest_snr
from byheart.theory.partial import finite_factor

__all__ = ["carry_out", "level_record", "prepare", "short"]

Record = dict[str, Scalar]


def prepare(run: LossesRun, root: Path) -> Drawn:
    """Draw the points of the run."""
    return drawn(run.data, run.n, 1, run.seed)


@torch.no_grad()
def carry_out(run: LossesRun, points: Drawn, folder: RunFolder, device: str, tell: Tell) -> None:
    """Carry out the run into its folder, on the CPU."""
    store_drawn(folder, run.data, points)
    folder.keep_rows(-1)
    for step, level in enumerate(s1_levels(run.grid).tolist()):
        row: Record = {"step": step, **level_record(run, points, step, level)}
        folder.append(row)
        tell({"kind": "row", "run": run.id, "n": run.n, "seed": run.seed, **row})


def short(run: LossesRun, effort: int) -> Short[LossesRun]:
    """Shorten the run to a few levels."""
    grid = min(run.grid, 2 * effort)
    return Short(run.model_copy(update={"grid": grid}), once=run.grid / grid)


def level_record(run: LossesRun, points: Drawn, step: int, level: float) -> Record:
    """Compute the record of one level, the step-th."""
    train, sigma = points.train.double(), torch.tensor(level, dtype=torch.float64)
    memorizer, noise = empirical(train), generator(derive(run.seed, "noise", step))
    source = torch.arange(run.n).repeat(run.draws)
    x = train[source] + level * torch.randn(len(source), *train.shape[1:], generator=noise, dtype=train.dtype)
    best = memorizer(x, sigma)
    snr, total = level**-2, float(points.variances.sum(1).mean())
    stored = {share: max(1, round(share * run.n)) for share in run.shares}
    others: dict[str, Denoiser] = {"true": points.truth}
    for share, m in stored.items():
        others[f"partial@{share:g}"] = partial(train, m, derive(run.seed, "stored", step, m))
    denoised = {name: other(x, sigma) for name, other in others.items()}
    excess = {name: _square(other - best) for name, other in denoised.items()}
    formula = float(excess_spectrum(snr, points.variances))
    row: Record = {
        "level": level,
        "t": float(S1Process().time(level)),
        "snr": snr,
        "loss/empirical": _square(best - train[source]),
        **{f"excess/{name}": value for name, value in excess.items()},
        "formula/true": formula,
        "ratio/true": excess["true"] / formula,
        "ratio/loss": (excess["true"] + _square(best - train[source])) / formula,
        "orthogonality": _orthogonality(memorizer, x, sigma, best, list(denoised.values())),
        "valid": snr >= smallest_snr(points.variances.shape[1]),
    }
    for share, m in stored.items():
        if m < run.n:
            row |= _factor(run, f"{share:g}", excess[f"partial@{share:g}"] / ((1 - m / run.n) * total), m)
    return row


def _factor(run: LossesRun, share: str, factor: float, m: int) -> Record:
    """Compute C of m stored points; the formula is for isotropic components."""
    row: Record = {f"factor@{share}": factor}
    if run.data.name == "mixture":
        settings = run.data.mixture or MixtureData()
        # S1's means have distances ‖μ − μ'‖² ≈ 2d, whatever the width of the components.
        exact = finite_factor(settings.dimension, m, settings.components, separation=2 / settings.std**2)
        row |= {f"formula/factor@{share}": exact, f"ratio/factor@{share}": factor / exact}
    return row


def _square(x: Tensor) -> float:
    """Compute the mean squared length of rows."""
    return float(x.flatten(1).square().sum(1).mean())


def _orthogonality(
    memorizer: MixtureDenoiser, x: Tensor, sigma: Tensor, best: Tensor, denoised: list[Tensor]
) -> float:
    """Find the largest relative error of Σᵢ rᵢ‖D − x⁽ⁱ⁾‖² = ‖D − D_N‖² + Σᵢ rᵢ‖D_N − x⁽ⁱ⁾‖² over denoisers and some rows."""
    rows = slice(0, 64)
    shares = memorizer.responsibilities(x[rows], sigma)
    centers = memorizer.centers.flatten(1)

    def spread(y: Tensor) -> Tensor:
        return (shares * (y.flatten(1)[rows, None] - centers).square().sum(2)).sum(1)

    least, worst = spread(best), 0.0
    for other in denoised:
        left, right = spread(other), (other - best).flatten(1)[rows].square().sum(1) + least
        worst = max(worst, float(((left - right).abs() / left.clamp(min=1e-300)).max()))
    return worst
