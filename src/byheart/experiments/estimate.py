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
from byheart.experiments.run import ClosedFormRun, CollapseRun, FlowRun, Run, TrainingRun

if TYPE_CHECKING:
    from byheart.data.dataset import Split
    from byheart.denoisers.base import Denoiser
    from byheart.evaluation.plan import Plan

__all__ = ["Estimate", "estimate", "makespan"]

WARM_STEPS, TIMED_STEPS, TIMED_SAMPLES = 5, 20, 64


@dataclass(frozen=True)
class Estimate:
    """seconds: of each run, on one thread, in the order asked.  wall: until the last of `workers` has ended."""

    seconds: tuple[float, ...]
    workers: int

    @property
    def wall(self) -> float:
        """Seconds until everything is done."""
        return makespan(self.seconds, self.workers)


def estimate(runs: Sequence[Run], *, workers: int = 1, device: str = "auto") -> Estimate:
    """Time a few steps and one evaluation of every distinct configuration and scale them to the runs.

    Nothing is written.  The estimate holds for an otherwise idle machine.
    Raises InputError for what would stop the runs themselves.
    """
    known: dict[object, tuple[float, float]] = {}
    seconds = []
    for run in runs:
        key = _cost_key(run)
        if key not in known:
            with one_thread():
                known[key] = _timed(run, device)
        step, evaluation = known[key]
        count = len(run.schedule.steps(run.steps)) if isinstance(run, TrainingRun) else 1
        seconds.append(run.steps * step + count * evaluation)
    return Estimate(tuple(seconds), workers)


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


def _timed(run: Run, device: str) -> tuple[float, float]:
    """Seconds of one step and of one evaluation."""
    from byheart.build.closed_form import closed_form
    from byheart.build.network import device as find_device
    from byheart.experiments.kinds.split import the_split
    from byheart.experiments.kinds.training import begin_training

    place = find_device(device).type
    if isinstance(run, FlowRun):
        return 0.0, _timed_calls(
            run.data, run.n, run.denoiser, run.count, run.grid.steps * CALLS.get(run.solver, 1)
        )
    if isinstance(run, CollapseRun):
        octaves = sum(math.log2(20 * level) for level in run.levels) * 2 + 8
        return 0.0, _timed_calls(run.data, run.n, ClosedForm(), run.clones, round(octaves * run.steps_each))
    split = the_split(run.data, run.n, run.seed, place)
    if isinstance(run, ClosedFormRun):
        return 0.0, _timed_evaluation(closed_form(run.denoiser, split.train, 0), split, run.plan)
    short = run.model_copy(
        update={"training": run.training.model_copy(update={"steps": WARM_STEPS + TIMED_STEPS})}
    )
    state, ema, states = begin_training(short, split, place)
    began = perf_counter()
    for state in islice(states, WARM_STEPS, None):
        if state.step == WARM_STEPS:
            began = perf_counter()
        ema.update(state.step, state.model)
    step = (perf_counter() - began) / TIMED_STEPS
    return step, _timed_evaluation(ema.model, split, run.plan)


CALLS = {"heun": 2, "adaptive": 20}
"""Calls of the denoiser a step of the grid, where it is not one; about, for the adaptive solver."""


def _timed_calls(data: Data, n: int, spec: ClosedForm, rows: int, calls: int) -> float:
    """Seconds of so many calls of a closed form for so many rows, one of them timed."""
    import torch

    from byheart.build.closed_form import closed_form
    from byheart.experiments.kinds.points import the_points

    points, _ = the_points(data, n)
    denoiser = closed_form(spec, points, 0)
    x = points[torch.arange(rows) % len(points)] + 1.0
    denoiser(x, torch.tensor(1.0))
    began = perf_counter()
    denoiser(x, torch.tensor(1.0))
    return (perf_counter() - began) * calls


def _timed_evaluation(denoiser: Denoiser, split: Split, plan: Plan) -> float:
    """Seconds of one evaluation, from one of few samples and one of twice as many: the rest of it does not grow."""
    from byheart.evaluation.measure import measure

    def seconds(samples: int) -> float:
        began = perf_counter()
        measure(denoiser, split, plan.model_copy(update={"samples": samples}))
        return perf_counter() - began

    few = min(plan.samples, TIMED_SAMPLES)
    once = seconds(few)
    if few == plan.samples:
        return once
    return once + max(0.0, seconds(2 * few) - once) / few * (plan.samples - few)
