"""What a long command says while it works: bars and an ETA in a terminal, plain lines elsewhere; on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal

from byheart._checks import printable

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

__all__ = ["Job", "Ledger", "progress", "words"]

Event = dict[str, Any]
PLAIN_SECONDS = 30.0


@dataclass
class Job:
    """What is known of one run.  seconds: of work behind `step`, interruptions not counted."""

    label: str
    arm: str
    steps: int
    step: int = 0
    seconds: float = 0.0
    note: str = ""
    state: Literal["waiting", "running", "done"] = "waiting"

    @property
    def left(self) -> int:
        """Steps that remain."""
        return 0 if self.state == "done" else self.steps - self.step


class Ledger:
    """The runs of a command as their events tell of them.  workers: how many are carried out at a time."""

    def __init__(self, workers: int) -> None:
        self.workers = max(1, workers)
        self.jobs: dict[str, Job] = {}

    def hear(self, event: Event) -> None:
        """Take note of an event."""
        match event["kind"]:
            case "plan":
                for run in event["runs"]:
                    settings = f", {run['settings']}" if run.get("settings") else ""
                    label = f"{run['arm']}  n = {run['n']}, seed {run['seed']}{settings}"
                    self.jobs[run["run"]] = Job(label, run["arm"], run["steps"])
            case "start":
                job = self._job(event)
                job.state, job.step = "running", event.get("step", 0)
            case "progress":
                job = self._job(event)
                job.step, job.seconds = event["step"], event["seconds"]
            case "row":
                if event.get("f_mem") is not None:
                    self._job(event).note = f"f_mem {event['f_mem']:.2f}"
            case "done":
                self._job(event).state = "done"

    def resumption(self, event: Event) -> str | None:
        """What a `start` says of a run that goes on; None for any other event."""
        if event["kind"] != "start" or not event.get("step"):
            return None
        return f"{self._job(event).label}: goes on from step {event['step']} of {event['steps']}"

    def _job(self, event: Event) -> Job:
        label = f"n = {event.get('n')}, seed {event.get('seed')}"
        return self.jobs.setdefault(event["run"], Job(label, "", int(event.get("steps", 0))))

    @property
    def done(self) -> int:
        """Runs that are whole."""
        return sum(job.state == "done" for job in self.jobs.values())

    @property
    def fraction(self) -> float:
        """Share of all steps that lie behind; of the runs, where none takes steps."""
        total = sum(job.steps for job in self.jobs.values())
        if total == 0:
            return self.done / max(1, len(self.jobs))
        return 1 - sum(job.left for job in self.jobs.values()) / total

    @property
    def eta(self) -> float | None:
        """Seconds left: every run's steps at the pace of its arm, the runs shared out among the workers."""
        paces = {job.arm: self._pace(job.arm) for job in self.jobs.values()}
        known = [pace for pace in paces.values() if pace is not None]
        if not known:
            return None
        usual = sum(known) / len(known)
        seconds = [job.left * (paces[job.arm] or usual) for job in self.jobs.values()]
        return max(sum(seconds) / self.workers, max(seconds))

    def _pace(self, arm: str) -> float | None:
        timed = [job for job in self.jobs.values() if job.arm == arm and job.seconds > 0 and job.step > 0]
        return sum(job.seconds for job in timed) / sum(job.step for job in timed) if timed else None

    def summary(self) -> str:
        """`3 of 12 runs, 41 %, 3 min 20 s left`."""
        left = "" if self.eta is None else f", {words(self.eta)} left"
        return f"{self.done} of {len(self.jobs)} runs, {self.fraction:.0%}{left}"


def words(seconds: float) -> str:
    """A duration for people: 40 s, 3 min 20 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


@contextmanager
def progress(workers: int) -> Iterator[Callable[[Event], None]]:
    """A listener for events, for as long as the work lasts."""
    if not sys.stderr.isatty():
        yield _Lines(workers).tell
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %  {task.fields[note]}"),
    )
    with Progress(*columns, console=Console(stderr=True), refresh_per_second=2, transient=True) as bars:
        yield _Bars(workers, bars).tell


class _Lines:
    """Plain lines: runs as they begin and end, and every half minute how far all of it is."""

    def __init__(self, workers: int) -> None:
        self._ledger, self._spoke = Ledger(workers), monotonic()

    def tell(self, event: Event) -> None:
        self._ledger.hear(event)
        match event["kind"]:
            case "plan":
                self._say(f"{len(event['runs'])} runs, {self._ledger.workers} at a time")
            case "notice":
                self._say(f"note: {event['text']}")
            case "start" if (text := self._ledger.resumption(event)) is not None:
                self._say(text)
            case "done":
                job = self._ledger.jobs[event["run"]]
                state = "was done before" if event["cached"] else f"done  {job.note}"
                self._say(f"{job.label}: {state}  ({self._ledger.summary()})")
            case "progress" if monotonic() - self._spoke > PLAIN_SECONDS:
                self._say(self._ledger.summary())

    def _say(self, line: str) -> None:
        self._spoke = monotonic()
        print(printable(line), file=sys.stderr, flush=True)


class _Bars:
    """One bar a running run, and one for all of them with the time left."""

    def __init__(self, workers: int, bars: Progress) -> None:
        self._ledger, self._bars = Ledger(workers), bars
        self._all = bars.add_task("all runs", total=1.0, note="")
        self._of: dict[str, TaskID] = {}

    def tell(self, event: Event) -> None:
        self._ledger.hear(event)
        text = f"note: {event['text']}" if event["kind"] == "notice" else self._ledger.resumption(event)
        if text is not None:
            self._bars.console.print(printable(text), markup=False, highlight=False)
        if "run" in event:
            self._show(event["run"])
        self._bars.update(self._all, completed=self._ledger.fraction, note=self._ledger.summary())

    def _show(self, run: str) -> None:
        job = self._ledger.jobs[run]
        if job.state == "done":
            if run in self._of:
                self._bars.remove_task(self._of.pop(run))
            return
        if run not in self._of:
            self._of[run] = self._bars.add_task(job.label, total=max(1, job.steps), note="")
        self._bars.update(self._of[run], completed=job.step, note=job.note)
