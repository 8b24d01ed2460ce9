"""Estimates of the time that runs take: a shortened run is carried out, and its time scaled to the whole run."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from byheart._records import canonical_json
from byheart.experiments.kinds.shared.short import Short
from byheart.experiments.runs.execute import silent, without_duplicates_warnings
from byheart.experiments.runs.footprint import check_runs
from byheart.experiments.runs.run import Run, kind_of
from byheart.store.folders import RunFolder

__all__ = ["Estimate", "Time", "estimate", "extrapolated", "makespan"]

EFFORTS = (1, 8, 64)
ENOUGH = 0.5
"""Seconds that a shortened run must take for a reliable estimate; if it takes less, a longer one is timed."""
PATIENCE = 10.0
"""Seconds of a shortened run beyond which it is not run a second time."""


@dataclass(frozen=True)
class Estimate:
    """Estimated times.  seconds: of each run, on one thread, in the given order.  wall: until the last of `workers` has ended.

    repeated: training images that repeat an earlier one, and shared: held-out images that are also trained on, at most.
    """

    seconds: tuple[float, ...]
    workers: int
    repeated: int = 0
    shared: int = 0

    @property
    def wall(self) -> float:
        """Return the seconds until all runs are done."""
        return makespan(self.seconds, self.workers)


def estimate(runs: Sequence[Run], *, workers: int = 1, device: str = "auto") -> Estimate:
    """Carry out a shortened run of every distinct configuration, and scale its time to the whole runs.

    No files are kept.  The estimate holds for an otherwise idle machine.
    Raises InputError for settings and data for which the runs themselves would raise it.
    """
    from byheart.build.network import device as find_device

    where = find_device(device).type
    check_runs(runs, where)
    timed = _Timings(where)
    with one_thread(), without_duplicates_warnings():
        seconds = tuple(timed.seconds(run) for run in runs)
    return Estimate(seconds, workers, timed.repeated, timed.shared)


def makespan(seconds: Sequence[float], workers: int) -> float:
    """Compute the seconds until work of these lengths is done, if each next piece goes to the first free worker."""
    busy = [0.0] * max(1, workers)
    for length in seconds:
        heapq.heapreplace(busy, busy[0] + length)
    return max(busy)


@contextmanager
def one_thread() -> Iterator[None]:
    """Use one torch thread, as every worker does, and restore the former number afterwards."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@dataclass(frozen=True)
class Time:
    """Seconds of a shortened run, of its steps and evaluations (its clock), and of its evaluations alone."""

    seconds: float
    clock: float
    rows: float

    @property
    def parts(self) -> tuple[float, float, float]:
        """Return the seconds of the work that is done once, of the steps, and of the evaluations."""
        return max(0.0, self.seconds - self.clock), max(0.0, self.clock - self.rows), self.rows


def extrapolated(taken: Sequence[tuple[Short[Run], Time]]) -> float:
    """Compute the seconds of the whole run from the last two shortened ones, part by part, along a line.

    So work that does not grow with the run, such as building a network, is not multiplied.  The time of a single shortened run is scaled.
    """
    short, time = taken[-1]
    if len(taken) == 1:
        return short.whole(time.seconds, time.clock, time.rows)
    before, sooner = taken[-2]
    shares = zip(_shares(before), _shares(short), sooner.parts, time.parts, strict=True)
    return sum(_on_a_line(*part) for part in shares)


def _shares(short: Short[Run]) -> tuple[float, float, float]:
    """Compute which share of every part of the whole run a shortened run does."""
    return 1 / short.once, 1 / short.step, 1 / short.evaluation


def _on_a_line(less: float, more: float, sooner: float, later: float) -> float:
    """Compute the seconds of a whole part from the seconds of two shares of the part."""
    if more <= less:
        return later / more
    slope = max(0.0, (later - sooner) / (more - less))
    return later + slope * (1 - more)


class _Timings:
    """Times of shortened runs, each measured once; runs that differ only in the seed share a time.

    repeated, shared: as in Estimate, of the runs that were timed.
    """

    def __init__(self, device: str) -> None:
        self.repeated = self.shared = 0
        self._device = device
        self._known: dict[str, Time] = {}
        self._warm: set[str] = set()

    def seconds(self, run: Run) -> float:
        """Estimate the seconds of a run from two shortened ones, the second long enough to be reliable."""
        taken: list[tuple[Short[Run], Time]] = []
        for effort in EFFORTS:
            short = kind_of(run).short(run, effort)
            taken.append((short, self._time(short)))
            seconds = taken[-1][1].seconds
            if short.run == run or seconds > PATIENCE or (len(taken) > 1 and seconds >= ENOUGH):
                break
        return extrapolated(taken)

    def _time(self, short: Short[Run]) -> Time:
        key = canonical_json(short.run.model_copy(update={"seed": 0}))
        if key not in self._known:
            self._known[key] = self._measure(short)
            if short.run.kind not in self._warm and self._known[key].seconds < PATIENCE:
                self._known[key] = self._measure(short)  # the first run of a kind also pays for imports
            self._warm.add(short.run.kind)
        return self._known[key]

    def _measure(self, short: Short[Run]) -> Time:
        kind = kind_of(short.run)
        with TemporaryDirectory() as root:
            prepared = kind.prepare(short.run, Path(root)) if short.prepared is None else short.prepared
            self._look_at(prepared)
            folder = RunFolder(Path(root) / short.run.id)
            folder.path.mkdir()
            began = perf_counter()
            kind.carry_out(short.run, prepared, folder, self._device, silent)
            seconds = perf_counter() - began
            rows = sum(float(row.get("seconds") or 0.0) for row in folder.rows())
            return Time(seconds, float(folder.read_record("clock").get("seconds", rows)), rows)

    def _look_at(self, prepared: object) -> None:
        from byheart.data.dataset import Split
        from byheart.metrics.memorization import count_duplicates

        if isinstance(prepared, Split):
            self.repeated = max(self.repeated, count_duplicates(prepared.train))
            self.shared = max(self.shared, prepared.overlap)
