"""kind = "flow": follow trajectories of a closed form, and record at every level how far they are from the points.

level                 the noise level; `step` counts the records
distance/mean, /median, /max     to the nearest point
within@T, _low, _high            share of trajectories within T of a point; /own: of the point on whose label the trajectory is conditioned
rms                              root mean square distance to the nearest point, per coordinate
ratio/median                     nearest over second nearest distance
cell/kept, _low, _high           share that lies in the Voronoi cell it started in
hull/outside                     the largest distance from the convex hull of the points (up to 3 dimensions)
midpoint/distance                the largest distance to the midpoint of the first two points (start = "hyperplane")
plane/distance                   the median distance from the plane between them
midpoint/before                  midpoint/distance at the last positive level, before the last denoise
escape, escape/error             the level where plane/distance reaches half of a point's, and the difference of that from theory
denoised/distance                the largest distance after one denoise by the points at σ = √c (Tikhonov)
frame/difference                 the largest difference from the process's own equation (own_time), at the last positive level
formula/…                        what theory says of within@T, distance/mean, rms, escape
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor

from byheart._checks import InputError
from byheart._records import Scalar
from byheart.build.closed_form import closed_form
from byheart.denoisers.base import Denoiser
from byheart.denoisers.by_condition import EmpiricalByKernel
from byheart.denoisers.conditional import given
from byheart.denoisers.mixture import empirical
from byheart.denoisers.spec import ConsistencyShrinkage, TikhonovShrinkage
from byheart.executors.local import Tell
from byheart.experiments.kinds.flow.spec import FlowRun
from byheart.experiments.kinds.shared.points import Points, store_points, the_points
from byheart.experiments.kinds.shared.short import Short
from byheart.metrics.memorization import share_within
from byheart.numerics.intervals import proportion
from byheart.numerics.neighbors import Neighbors, nearest
from byheart.random import derive, generator, streams
from byheart.sampling.adaptive import probability_flow, process_flow
from byheart.sampling.solvers import integrate, solver
from byheart.sampling.stochastic import euler_maruyama
from byheart.store.folders import Row, RunFolder
from byheart.theory.terminal import (
    consistency_copies,
    escape_level,
    tikhonov_copies,
    tikhonov_distance,
)

__all__ = ["carry_out", "prepare", "short"]

Record = dict[str, Scalar]

DRAWN = 64
"""Trajectories whose whole path is stored."""

HULL_DIMENSIONS = 3

STRUCTURED = {
    "pair": torch.tensor([[1.0, 0.0], [-1.0, 0.0]], dtype=torch.float64),
    "cross": torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]], dtype=torch.float64),
}


def prepare(run: FlowRun, root: Path) -> Points:
    """Read the points of the run.  Raises InputError for more points than the data have."""
    return the_points(run.data, run.n)


@torch.no_grad()
def carry_out(run: FlowRun, prepared: Points, folder: RunFolder, device: str, tell: Tell) -> None:
    """Carry out the run into its folder, on the CPU."""
    points, dataset = prepared.points, prepared.dataset
    points = points if run.points == "data" else STRUCTURED[run.points]
    store_points(folder, points, dataset, run.points)
    folder.keep_rows(-1)
    levels = run.grid.levels()
    noted = sorted(
        set(torch.linspace(0, len(levels) - 1, run.records, dtype=torch.float32).round().long().tolist())
    )
    start = _start(run, points, float(levels[0]))
    (denoiser, own), first = _denoiser(run, points), nearest(start, points, k=2)
    rows, paths, x = list[Row](), list[Tensor](), start
    for place, state in enumerate(_states(run, denoiser, start, levels)):
        before, x = x, state
        if place in noted:
            near = nearest(x, points, k=2)
            paths.append(x[:DRAWN].float())
            rows.append(
                {"step": place, "level": float(levels[place]), **_record(run, points, x, near, first, own)}
            )
    once = _denoised_once(run, points, x)
    rows[-1] |= _theory(run, points, once)
    if run.start == "hyperplane":
        rows[-1] |= _off_the_plane(run, points, before, rows)
    if run.own_time:
        rows[-1]["frame/difference"] = _difference(run, denoiser, start, before, levels)
    folder.save("samples-0", _stored(points, x, near, once, paths) | {"levels": levels[noted]})
    for row in rows:
        folder.append(row)
        tell({"kind": "row", "run": run.id, "n": run.n, "seed": run.seed, **row})


def short(run: FlowRun, effort: int) -> Short[FlowRun]:
    """Shorten the run to a few steps; of the adaptive solver, which takes as many steps as it needs, to a few trajectories."""
    if run.solver == "adaptive":
        count = min(run.count, 64 * effort)
        return Short(run.model_copy(update={"count": count}), once=run.count / count)
    steps = min(run.grid.steps, 16 * effort)
    grid = run.grid.model_copy(update={"steps": steps})
    records = max(2, round(run.records * steps / run.grid.steps))
    return Short(run.model_copy(update={"grid": grid, "records": records}), once=run.grid.steps / steps)


def _stored(
    points: Tensor, x: Tensor, near: Neighbors, once: Tensor, paths: list[Tensor]
) -> dict[str, Tensor]:
    """Return what is stored of the trajectories: their ends, as samples, and the paths of some trajectories."""
    nearest_row = near.index[:, 0]
    return {
        "samples": x.float(),
        "paths": torch.stack(paths, 1),
        "d1": near.distance[:, 0],
        "d2": near.distance[:, 1],
        "nearest": nearest_row,
        "nearest_images": points[nearest_row].float(),
        "denoised": once.float(),
    }


def _start(run: FlowRun, points: Tensor, level: float) -> Tensor:
    """Draw the first states: (count, *shape) float64."""
    noise: Tensor = streams(run.seed, "start", count=run.count)(tuple(points.shape[1:]), torch.float64)
    if run.start == "noise":
        return level * noise
    rows, a, b = (level * noise).flatten(1), *points[:2].flatten(1)
    normal, middle = (b - a) / (b - a).norm(), (a + b) / 2
    onto = rows - ((rows - middle) @ normal)[:, None] * normal
    # On the side of these two points: beyond the center of all points the plane lies between two other points.
    beyond = nearest(onto, points.flatten(1), k=1).index > 1
    onto = torch.where(beyond, 2 * points.flatten(1).mean(0) - onto, onto)
    if (
        run.points == "cross"
    ):  # the plane is x = y to the last bit: a rounding error would be an offset, and grow
        onto = onto.mean(1, keepdim=True).expand(-1, 2)
    moved: Tensor = onto + run.offset * normal
    return moved.reshape(noise.shape)


def _denoiser(run: FlowRun, points: Tensor) -> tuple[Denoiser, Tensor | None]:
    """Make the denoiser, and choose the point on whose label each trajectory is conditioned."""
    if run.kernel_width is None:
        return closed_form(run.denoiser, points, derive(run.seed, "denoiser")), None
    draws = generator(derive(run.seed, "labels"))
    labels = torch.rand(len(points), 1, generator=draws, dtype=torch.float64)
    own = torch.randint(len(points), (run.count,), generator=draws)
    return given(EmpiricalByKernel(points, labels, run.kernel_width), labels[own]), own


def _states(run: FlowRun, denoiser: Denoiser, start: Tensor, levels: Tensor) -> Iterator[Tensor]:
    if run.solver == "adaptive":
        yield from probability_flow(denoiser, start, levels, rtol=run.rtol, atol=run.rtol)
        return
    noise = streams(run.seed, "solver", count=run.count)
    step = euler_maruyama(run.process) if run.solver == "maruyama" else solver(run.solver)
    yield from integrate(step, denoiser, start, levels, noise)


def _record(
    run: FlowRun, points: Tensor, x: Tensor, near: Neighbors, first: Neighbors, own: Tensor | None
) -> Record:
    distance = near.distance[:, 0]
    kept = proportion(int((near.index[:, 0] == first.index[:, 0]).sum()), len(x))
    record: Record = {
        "count": len(x),
        "distance/mean": float(distance.mean()),
        "distance/median": float(distance.median()),
        "distance/max": float(distance.max()),
        "rms": float((distance.square().mean() / points[0].numel()).sqrt()),
        "ratio/median": float(near.ratio.median()),
        **kept.entries("cell/kept"),
        **_shares(run, distance, ""),
    }
    if own is not None:
        record |= _shares(run, (x - points[own]).flatten(1).norm(dim=1), "/own")
    if run.start == "hyperplane":
        offset = (x - points[:2].mean(0)).flatten(1)
        normal = (points[1] - points[0]).flatten() / (points[1] - points[0]).norm()
        record["midpoint/distance"] = float(offset.norm(dim=1).max())
        record["plane/distance"] = float((offset @ normal).abs().median())
    if (outside := _outside(points.flatten(1), x.flatten(1))) is not None:
        record["hull/outside"] = outside
    return record


def _shares(run: FlowRun, distance: Tensor, where: str) -> Record:
    record: Record = {}
    for tolerance in run.tolerances:
        record |= share_within(distance, tolerance).entries(f"within@{tolerance:g}{where}")
    return record


def _outside(points: Tensor, x: Tensor) -> float | None:
    """Compute the largest violation of a face of the convex hull, which is at most the distance to the hull; None without a hull."""
    from scipy.spatial import ConvexHull, QhullError

    d = points.shape[1]
    if not 2 <= d <= HULL_DIMENSIONS or len(points) <= d:
        return None
    try:
        faces = torch.from_numpy(ConvexHull(points.numpy()).equations)
    except QhullError:  # points in a line, or in a plane
        return None
    return float((x @ faces[:, :-1].T + faces[:, -1]).amax(1).clamp(min=0).max())


def _theory(run: FlowRun, points: Tensor, once: Tensor) -> Record:
    """Compute the predictions of theory, and the distance after one more denoising step; only for the empirical denoiser, to which they apply."""
    d = points[0].numel()
    if run.denoiser.kind != "empirical":
        return {}
    match run.denoiser.shrinkage:
        case TikhonovShrinkage(strength=strength):
            return {
                **{f"formula/within@{tol:g}": tikhonov_copies(tol, strength, d) for tol in run.tolerances},
                "formula/distance/mean": tikhonov_distance(strength, d),
                "formula/rms": math.sqrt(strength),
                "denoised/distance": float(nearest(once, points, k=1).distance.max()),
            }
        case ConsistencyShrinkage(kappa=kappa):
            return {f"formula/within@{tol:g}": consistency_copies(kappa, d) for tol in run.tolerances}
        case None if run.start == "noise":
            return {f"formula/within@{tol:g}": 1.0 for tol in run.tolerances}
    return {}


def _denoised_once(run: FlowRun, points: Tensor, x: Tensor) -> Tensor:
    """Denoise x by the points at the level of Tikhonov's floor, √c; return x itself without a floor."""
    match run.denoiser.shrinkage:
        case TikhonovShrinkage(strength=strength):
            return empirical(points)(x, torch.tensor(math.sqrt(strength), dtype=torch.float64))
    return x


def _difference(run: FlowRun, denoiser: Denoiser, start: Tensor, x: Tensor, levels: Tensor) -> float:
    """Measure the difference between the states x at the last positive level and those of the process's own equation."""
    _check_start(run, float(levels[0]))
    last = float(levels[-2] if levels[-1] == 0 else levels[-1])
    other = process_flow(denoiser, run.process, start, float(levels[0]), last, rtol=run.rtol, atol=run.rtol)
    return float((other - x).abs().max())


def _off_the_plane(run: FlowRun, points: Tensor, before: Tensor, rows: list[Row]) -> Record:
    """Measure the distance to the midpoint before the last denoising step, and the level at which trajectories started off the plane have left it."""
    record: Record = {"midpoint/before": float((before - points[:2].mean(0)).flatten(1).norm(dim=1).max())}
    if not run.offset:
        return record
    half = float((points[0] - points[1]).norm()) / 2
    expected = (
        escape_level(half, run.offset / half) / 2
    )  # half of the final distance: a factor 2 below the level at which trajectories leave
    record["formula/escape"] = expected
    pairs = [(float(row["level"] or 0), float(row["plane/distance"] or 0)) for row in rows]
    inside = [(level, away) for level, away in pairs if level > 0]
    for (above, near), (below, far) in pairwise(inside):
        if near < half / 2 <= far:
            share = (half / 2 - near) / (far - near)
            level = above * (below / above) ** share
            record |= {"escape": level, "escape/error": abs(level / expected - 1)}
    return record


def _check_start(run: FlowRun, level: float) -> None:
    top = float(run.process.level(run.process.t_max))
    if level > top:
        raise InputError(
            got=f"a grid from {level:g} for a process up to {top:g}",
            need="levels within the process, to compare the two equations",
            remedy=f"set grid.high below {top:g}",
        )
