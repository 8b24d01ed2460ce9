"""kind = "collapse": own weights, clones, Jacobian traces and theory, one record per noise level, from the highest level down.

level, relative        the noise level, and the same in units of r_c/data
own_weight, _low, _high          mean posterior weight on the training point from which the noisy point was made
agreement, _low, _high           share of pairs of clones, parted at this level, that end at the same training point
n_eff                  median effective number of points of the posterior
information            log n − mean entropy of the posterior, over log n: 1 if the posterior is on a single point
trace, _low, _high     mean trace of the empirical denoiser's Jacobian
formula/trace          Σ λ/(λ + r²) over the spectrum: the trace of a Gaussian population's Wiener filter

and in the last record the numbers that do not depend on the level: r_c/data (with its interval), r_c/spectrum, r_s, switch/median,
switch/q05, switch/q95 (of the last change of the nearest training point, in units of r_c/data), n, dimension,
and unit, the RMS of the points about their mean: one training unit.
"""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor

from byheart._records import Scalar
from byheart.denoisers.mixture import MixtureDenoiser, empirical
from byheart.executors.local import Tell
from byheart.experiments.kinds.collapse.spec import BOTTOM, CollapseRun
from byheart.experiments.kinds.shared.points import Points, check_distinct, store_points, the_points
from byheart.experiments.kinds.shared.short import Short
from byheart.metrics.collapse import clone_agreement, collapse_level, jacobian_trace, last_switch
from byheart.noise.levels import geometric_levels
from byheart.numerics.intervals import mean_interval
from byheart.numerics.neighbors import nearest
from byheart.random import SeededNoise, derive, generator, streams
from byheart.sampling.solvers import ancestral_step, integrate
from byheart.store.folders import RunFolder
from byheart.theory.collapse import collapse_level as level_of_spectrum
from byheart.theory.collapse import degrees_of_freedom, speciation_level

__all__ = ["carry_out", "prepare", "short"]

Record = dict[str, Scalar]

TOP = 8.0  # in units of r_c: above this level the nearest point is arbitrary


def prepare(run: CollapseRun, root: Path) -> Points:
    """Read the points of the run.  Raises InputError for more points than the data have, and for points that repeat."""
    prepared = the_points(run.data, run.n)
    check_distinct(prepared.points)
    return prepared


@torch.no_grad()
def carry_out(run: CollapseRun, prepared: Points, folder: RunFolder, device: str, tell: Tell) -> None:
    """Carry out the run into its folder, on the CPU."""
    points, dataset = prepared.points, prepared.dataset
    store_points(folder, points, dataset)
    folder.keep_rows(-1)
    memorizer, spectrum = empirical(points), _spectrum(points)
    r_c = collapse_level(points, seed=derive(run.seed, "own weight"))
    for step, relative in enumerate(run.levels):
        level = relative * r_c.value
        row: Record = {
            "step": step,
            "level": level,
            "relative": relative,
            **_posterior(run, memorizer, level),
            **_clones(run, memorizer, level, r_c.value * BOTTOM),
            "formula/trace": degrees_of_freedom(spectrum.numpy(), level),
        }
        if step == len(run.levels) - 1:
            row |= _summary(run, memorizer, spectrum, r_c.value)
            row |= r_c.entries("r_c/data")
        folder.append(row)
        tell({"kind": "row", "run": run.id, "n": run.n, "seed": run.seed, **row})


def _posterior(run: CollapseRun, memorizer: MixtureDenoiser, level: float) -> Record:
    """Measure the posterior of noisy training points."""
    points = memorizer.centers
    source = _rows(run, "posterior", len(points), min(run.images, len(points)))
    x = points[source] + level * _noise(run, "posterior", len(source), points)
    sigma = torch.tensor(level, dtype=torch.float64)
    found = memorizer.posterior(x, sigma, source=source)
    own, trace = mean_interval(_of(found.own)), mean_interval(_of(jacobian_trace(memorizer, x, sigma)))
    return {
        "count": len(source),
        "own_weight": own.value,
        "own_weight_low": max(own.low, 0.0),
        "own_weight_high": min(own.high, 1.0),
        "n_eff": float(found.n_eff.median()),
        "information": 1 - float(found.entropy.mean()) / math.log(len(points)),
        **trace.entries("trace"),
    }


def _clones(run: CollapseRun, memorizer: MixtureDenoiser, level: float, bottom: float) -> Record:
    """Measure how often two samples that are continued separately from this level end at the same point."""
    points = memorizer.centers
    source = _rows(run, "start", len(points), run.clones)
    start = points[source] + level * _noise(run, "start", run.clones, points)
    ends = [_end(run, memorizer, start, level, bottom, clone) for clone in ("first", "second")]
    share = clone_agreement(*ends)
    return {**share.entries("agreement"), "agreement_count": share.count}


def _end(
    run: CollapseRun, memorizer: MixtureDenoiser, start: Tensor, level: float, bottom: float, clone: str
) -> Tensor:
    """Find the training point (b,) nearest to the end of the reverse SDE from `start`."""
    *_, end = integrate(ancestral_step, memorizer, start, _walk(run, level, bottom), _streams(run, clone))
    return nearest(end, memorizer.centers, k=1).index[:, 0]


def _summary(run: CollapseRun, memorizer: MixtureDenoiser, spectrum: Tensor, r_c: float) -> Record:
    """Compute the numbers that do not depend on the level."""
    points, levels = memorizer.centers, _walk(run, TOP * r_c, BOTTOM * r_c)
    source = _rows(run, "switch", len(points), run.clones)
    start = points[source] + levels[0] * _noise(run, "switch", run.clones, points)
    index = torch.stack(
        [
            nearest(x, points, k=1).index[:, 0]
            for x in integrate(ancestral_step, memorizer, start, levels, _streams(run, "switch"))
        ]
    )
    switch = last_switch(index[:-1], levels[:-1].to(index.device)).double() / r_c
    values = spectrum.numpy()
    return {
        "n": len(points),
        "unit": float((points - points.mean(0)).square().mean().sqrt()),
        "dimension": points[0].numel(),
        "r_c/spectrum": level_of_spectrum(values, len(points)),
        "r_s": speciation_level(values),
        "switch/median": float(switch.median()),
        "switch/q05": float(switch.quantile(0.05)),
        "switch/q95": float(switch.quantile(0.95)),
    }


def short(run: CollapseRun, effort: int) -> Short[CollapseRun]:
    """Shorten the run to a few clones and images."""
    clones = min(run.clones, 16 * effort)
    less = run.clones / clones
    images = max(2, round(run.images / less))
    return Short(run.model_copy(update={"clones": clones, "images": images}), once=less)


def _walk(run: CollapseRun, high: float, low: float) -> Tensor:
    steps = max(2, math.ceil(run.steps_each * math.log2(high / low)))
    return geometric_levels(steps, low, high)


def _spectrum(points: Tensor) -> Tensor:
    """Compute the eigenvalues of the covariance of the points: (d,)."""
    rows = points.flatten(1)
    variances: Tensor = torch.linalg.eigvalsh(torch.cov(rows.T).reshape(rows.shape[1], -1)).clamp(min=0)
    return variances


def _rows(run: CollapseRun, name: str, count: int, most: int) -> Tensor:
    """Choose points at random by the run's seed: each point once before any is chosen again."""
    draws = generator(derive(run.seed, name, "rows"))
    rounds = [torch.randperm(count, generator=draws) for _ in range(-(-most // count))]
    return torch.cat(rounds)[:most]


def _noise(run: CollapseRun, name: str, count: int, points: Tensor) -> Tensor:
    noise: Tensor = streams(run.seed, name, count=count)(tuple(points.shape[1:]), torch.float64)
    return noise


def _streams(run: CollapseRun, name: str) -> SeededNoise:
    return streams(run.seed, name, "solver", count=run.clones)


def _of(values: Tensor | None) -> list[float]:
    return [] if values is None else values.tolist()
