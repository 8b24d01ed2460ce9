"""How long will it take?  A few real steps and one real evaluation of every kind of run, scaled."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from time import perf_counter
from typing import TYPE_CHECKING

from byheart.data.spec import Data
from byheart.denoisers.spec import ClosedForm
from byheart.evaluation.measures import LossGap
from byheart.experiments.runs.execute import without_duplicates_warnings
from byheart.experiments.runs.footprint import check_runs
from byheart.experiments.runs.run import (
    AuditRun,
    ClosedFormRun,
    CollapseRun,
    FlowRun,
    LossesRun,
    MixturesRun,
    Run,
    TrainingRun,
)

if TYPE_CHECKING:
    from byheart.data.dataset import Split
    from byheart.denoisers.base import Denoiser
    from byheart.evaluation.plan import Plan

__all__ = ["Estimate", "estimate", "makespan"]

WARM_STEPS, TIMED_STEPS, TIMED_SAMPLES, TIMED_SCORES = 5, 20, 64, 16
PATIENCE = 5.0
"""Seconds for the steps of one configuration, and for its evaluation: what would take longer is timed in part."""


@dataclass(frozen=True)
class Estimate:
    """seconds: of each run, on one thread, in the order asked.  wall: until the last of `workers` has ended.

    repeated: training images that repeat an earlier one, and shared: held-out images that are also trained on, at most.
    """

    seconds: tuple[float, ...]
    workers: int
    repeated: int = 0
    shared: int = 0

    @property
    def wall(self) -> float:
        """Seconds until everything is done."""
        return makespan(self.seconds, self.workers)


def estimate(runs: Sequence[Run], *, workers: int = 1, device: str = "auto") -> Estimate:
    """Time a few steps and one evaluation of every distinct configuration and scale them to the runs.

    Nothing is written.  The estimate holds for an otherwise idle machine.
    Raises InputError for what would stop the runs themselves.
    """
    known: dict[object, _Timed] = {}
    seconds = []
    for run in runs:
        key = _cost_key(run)
        if key not in known:
            with one_thread(), without_duplicates_warnings():
                known[key] = _timed(run, device)
        count = len(run.schedule.steps(run.steps)) if isinstance(run, TrainingRun) else 1
        seconds.append(run.steps * known[key].step + count * known[key].evaluation)
    repeated = max((timed.repeated for timed in known.values()), default=0)
    shared = max((timed.shared for timed in known.values()), default=0)
    return Estimate(tuple(seconds), workers, repeated, shared)


@dataclass(frozen=True)
class _Timed:
    """Seconds of one step and of one evaluation, and what is wrong with the images (see Estimate)."""

    step: float
    evaluation: float
    repeated: int = 0
    shared: int = 0


def makespan(seconds: Sequence[float], workers: int) -> float:
    """Seconds until work of these lengths is done, each next piece going to the first free worker."""
    busy = [0.0] * max(1, workers)
    for length in seconds:
        heapq.heapreplace(busy, busy[0] + length)
    return max(busy)


@contextmanager
def one_thread() -> Iterator[None]:
    """One torch thread, as every worker has; the number of before afterwards."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _cost_key(run: Run) -> object:
    settings = run.model_dump(mode="json", exclude={"n", "seed", "schedule"})
    settings.get("training", {}).pop("steps", None)
    return repr(sorted(settings.items())), min(run.n, run.training.batch) if isinstance(
        run, TrainingRun
    ) else run.n


def _timed(run: Run, device: str) -> _Timed:
    from byheart.build.closed_form import closed_form
    from byheart.build.network import device as find_device
    from byheart.experiments.kinds.shared.split import the_split
    from byheart.metrics.memorization import count_duplicates

    place = find_device(device).type
    if isinstance(run, AuditRun):
        return _Timed(0.0, _timed_scores(run))
    check_runs([run], place)
    if isinstance(run, LossesRun):
        return _Timed(0.0, _timed_levels(run))
    if isinstance(run, MixturesRun):
        return _timed_mixtures(run)
    if isinstance(run, FlowRun):
        calls = run.grid.steps * CALLS.get(run.solver, 1)
        return _Timed(0.0, _timed_calls(run.data, run.n, run.denoiser, run.count, calls))
    if isinstance(run, CollapseRun):
        octaves = sum(math.log2(20 * level) for level in run.levels) * 2 + 8
        calls = round(octaves * run.steps_each)
        return _Timed(0.0, _timed_calls(run.data, run.n, ClosedForm(), run.clones, calls))
    split = the_split(run.data, run.n, run.seed, place)
    step, denoiser = 0.0, None
    if isinstance(run, ClosedFormRun):
        denoiser = closed_form(run.denoiser, split.train, 0)
    else:
        step, denoiser = _timed_training(run, split, place)
    evaluation = _timed_evaluation(denoiser, split, run.plan)
    return _Timed(step, evaluation, count_duplicates(split.train), split.overlap)


def _timed_training(run: TrainingRun, split: Split, place: str) -> tuple[float, Denoiser]:
    """Seconds of one step, and the denoiser after these few."""
    from byheart.experiments.kinds.training.run import begin_training

    short = run.training.model_copy(update={"steps": WARM_STEPS + TIMED_STEPS})
    _, ema, states = begin_training(run.model_copy(update={"training": short}), split, place)
    next(states)  # the state before the first step
    times = [perf_counter()]
    for state in states:
        ema.update(state.step, state.model)
        times.append(perf_counter())
        if times[-1] - times[0] > PATIENCE:
            break
    warm = min(WARM_STEPS, len(times) - 2)
    return (times[-1] - times[warm]) / (len(times) - 1 - warm), ema.model


CALLS = {"heun": 2, "adaptive": 20}
"""Calls of the denoiser a step of the grid, where it is not one; about, for the adaptive solver."""


def _timed_calls(data: Data, n: int, spec: ClosedForm, rows: int, calls: int) -> float:
    """Seconds of so many calls of a closed form for so many rows, one of them timed."""
    import torch

    from byheart.build.closed_form import closed_form
    from byheart.experiments.kinds.shared.points import the_points

    points, _ = the_points(data, n)
    denoiser = closed_form(spec, points, 0)
    x = points[torch.arange(rows) % len(points)] + 1.0
    denoiser(x, torch.tensor(1.0))
    began = perf_counter()
    denoiser(x, torch.tensor(1.0))
    return (perf_counter() - began) * calls


def _timed_levels(run: LossesRun) -> float:
    """Seconds of a run over levels, one of which is timed."""
    from byheart.experiments.kinds.losses.run import level_record
    from byheart.experiments.kinds.shared.drawn import drawn

    points = drawn(run.data, run.n, 1, run.seed)
    began = perf_counter()
    level_record(run, points, 0, 1.0)
    return (perf_counter() - began) * run.grid


def _timed_mixtures(run: MixturesRun) -> _Timed:
    """Seconds of a step of all mixtures together, and of their measurement, of which the largest model's is timed."""
    from byheart.experiments.kinds.mixtures.run import Measure, begin_mixtures
    from byheart.experiments.kinds.shared.drawn import drawn

    points = drawn(run.data, run.n, run.heldout, run.seed)
    states = begin_mixtures(run, points)
    last, times = next(states), [perf_counter()]
    for state in islice(states, WARM_STEPS + TIMED_STEPS):
        last = state
        times.append(perf_counter())
        if times[-1] - times[0] > PATIENCE:
            break
    warm = min(WARM_STEPS, len(times) - 2)
    step = (times[-1] - times[warm]) / (len(times) - 1 - warm)
    few = run.model_copy(update={"samples": min(run.samples, TIMED_SAMPLES)})
    began = perf_counter()
    Measure(few, points).record(last.cell(len(run.models) - 1))
    once = perf_counter() - began
    return _Timed(step, once * (len(run.models) + 2) * run.samples / few.samples)


def _timed_scores(run: AuditRun) -> float:
    """Seconds of a planted benchmark: a sample is timed against n images of noise, which cost as much as any other."""
    import torch

    from byheart.metrics.copying.scores import copy_scores, copy_tables
    from byheart.random import generator

    n = run.n if run.doubled == "no" else 2 * run.n
    channels = 3 if run.population.startswith("clipart") else 1
    draws = generator(0)
    tables = copy_tables(torch.rand(n, channels, 32, 32, generator=draws))
    x = torch.rand(TIMED_SCORES, channels, 32, 32, generator=draws)
    copy_scores(x, tables)
    began = perf_counter()
    copy_scores(x, tables)
    return (perf_counter() - began) / len(x) * run.samples


def _timed_evaluation(denoiser: Denoiser, split: Split, plan: Plan) -> float:
    """Seconds of one evaluation, from one of few samples and one of twice as many: the rest of it does not grow.

    Where even that takes too long, it is reckoned from the time of one call of the denoiser.
    """
    from byheart.evaluation.measure import measure

    def seconds(samples: int) -> float:
        began = perf_counter()
        measure(denoiser, split, plan.model_copy(update={"samples": samples}))
        return perf_counter() - began

    drawn = plan.samples if plan.draws else 0
    few = min(drawn, TIMED_SAMPLES)
    row = _timed_row(denoiser, split, few or TIMED_SAMPLES)
    losses = sum(each.calls(len(split.heldout)) for each in plan.measures if isinstance(each, LossGap))
    if row * (few * plan.grid.steps + losses) > PATIENCE:
        return row * (drawn * plan.grid.steps + losses)
    once = seconds(few)
    if few == drawn:
        return once
    return once + max(0.0, seconds(2 * few) - once) / few * (drawn - few)


def _timed_row(denoiser: Denoiser, split: Split, rows: int) -> float:
    """Seconds of the denoiser for one of so many noisy images."""
    import torch

    from byheart.evaluation.measure import leaving_no_trace

    x = split.heldout[:rows]
    began = perf_counter()
    with torch.no_grad(), leaving_no_trace(denoiser, x.device):
        denoiser(x, x.new_ones(()))
    return (perf_counter() - began) / len(x)
