"""Execution of runs into their folders: complete runs are kept, interrupted runs continue with the same bits."""

from __future__ import annotations

import platform
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from byheart._checks import InputError, of_file
from byheart._version import __version__
from byheart.executors.local import Event, Outcome, Tell, run_all
from byheart.experiments.runs.cautions import cautions
from byheart.experiments.runs.differences import differences
from byheart.experiments.runs.footprint import check_runs
from byheart.experiments.runs.run import Run, kind_of
from byheart.experiments.version import run_code
from byheart.store.damage import damage
from byheart.store.folders import RunFolder

__all__ = ["execute", "execute_all"]


def silent(event: Event) -> None:
    """Ignore an event."""


def aloud(event: Event) -> None:
    """Ignore an event, but turn a notice into a warning."""
    if event["kind"] == "notice":
        warnings.warn(event["text"], stacklevel=3)


def announced(arms: Mapping[str, Sequence[Run]]) -> Event:
    """Make the event that lists the runs of each arm, and the settings in which these runs differ."""
    outline = [
        {**_outline(run), "arm": arm, "settings": settings}
        for arm, runs in arms.items()
        for run, settings in zip(
            runs, differences([run.model_dump(mode="json") for run in runs]), strict=True
        )
    ]
    return {"kind": "plan", "runs": outline}


def _outline(run: Run) -> dict[str, Any]:
    return {"run": run.id, "n": run.n, "seed": run.seed, "steps": run.steps}


def _step_so_far(folder: RunFolder) -> int:
    """Read the step of the stored state, from which a run goes on; 0 if no state is stored."""
    return int(folder.metadata("state")["step"]) if folder.has("state") else 0


def execute(run: Run, root: Path | str = "runs", *, device: str = "auto", tell: Tell = silent) -> RunFolder:
    """Carry out a run and return its folder, root/<id>.

    A complete run is kept, unless the user's files have changed since: then the run is moved to root/.stale and
    carried out again.  An interrupted run continues from its last state, with the same bits as without the interruption (on
    the same machine and versions).
    device: auto, cpu or cuda.  tell: receives events (`start`, `progress`, `row`, `done`).
    Raises InputError if the data, the shapes or the device do not fit, if another process holds the run, or if a file of the
    run is damaged.
    """
    folder = RunFolder(Path(root) / run.id)
    if (defect := damage(folder)) is not None:
        raise defect
    _set_aside_if_data_changed(run, folder, tell)
    if folder.done:
        tell({"kind": "done", "run": run.id, "n": run.n, "seed": run.seed, "cached": True})
        return folder
    check_runs([run], device)
    kind = kind_of(run)
    # Before a folder is made, so that data that do not fit leave no folder behind.
    with _as_begun(folder.header() if folder.exists else {}):
        prepared = kind.prepare(run, Path(root))
    with folder.locked():
        began, before = perf_counter(), float(folder.read_record("clock").get("seconds", 0.0))
        header = folder.header() if folder.exists else _start(folder, run, device)
        _check_code(folder, header, run_code(run.kind))
        tell({"kind": "start", **_outline(run), "step": _step_so_far(folder)})
        with _as_begun(header):
            kind.carry_out(run, prepared, folder, header["device"], tell)
        folder.start({**header, "data": folder.read_record("data")})
        folder.write_record("done", {"seconds": before + perf_counter() - began, "date": _now()})
        tell({"kind": "done", "run": run.id, "cached": False})
    return folder


def execute_all(
    runs: Sequence[Run],
    root: Path | str = "runs",
    *,
    workers: int = 1,
    device: str = "auto",
    tell: Tell = aloud,
) -> list[Outcome[RunFolder]]:
    """Carry out many runs, `workers` at a time.  Returns the outcomes in the order of the runs; a run that fails does not stop the others.

    tell: receives the events of `execute`; at the end, once, a `notice` for everything that makes the numbers misleading.
    """
    different = list(
        {run.id: run for run in runs}.values()
    )  # equal runs share a folder: one execution is enough
    outcomes = run_all(partial(_work, str(root), device), different, workers=workers, tell=tell)
    for text in cautions([outcome.value for outcome in outcomes if outcome.value is not None]):
        tell({"kind": "notice", "text": text})
    ended = {run.id: outcome for run, outcome in zip(different, outcomes, strict=True)}
    return [replace(ended[run.id], index=index) for index, run in enumerate(runs)]


def _work(root: str, device: str, run: Run, tell: Tell) -> RunFolder:
    with without_duplicates_warnings():
        return execute(run, root, device=device, tell=tell)


@contextmanager
def without_duplicates_warnings() -> Iterator[None]:
    """Silence Python's warnings about images that repeat: a single caution tells of them for all runs."""
    from byheart.metrics.memorization import DuplicatesWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DuplicatesWarning)
        yield


def _start(folder: RunFolder, run: Run, device: str) -> dict[str, Any]:
    from byheart.build.network import device as find_device

    header = {
        "spec": run.model_dump(mode="json"),
        "device": find_device(device).type,
        "code": run_code(run.kind),
        **_facts(folder.path.parent),
        "date": _now(),
    }
    folder.start(header)
    return folder.header()


def _check_code(folder: RunFolder, header: dict[str, Any], now: str) -> None:
    if (began := header.get("code")) not in (None, now):
        raise InputError(
            got=f"run {folder.id}, begun by other code ({began}, now {now})",
            need="one version of the code from the first step to the last",
            remedy=f"finish it with the version that began it, or delete {folder.path} to begin anew",
        )


def _set_aside_if_data_changed(run: Run, folder: RunFolder, tell: Tell) -> None:
    # Data that byheart contains or draws itself do not change.
    if not folder.done or run.data.path is None:
        return
    from byheart.experiments.kinds.shared.split import data_fingerprint

    before = str(folder.read_record("data").get("fingerprint"))
    if before != data_fingerprint(run.data):
        with folder.locked():
            moved_to = folder.set_aside(before[:12])
        tell({"kind": "notice", "text": f"run {folder.id} saw other data: kept in {moved_to}, made again"})


@contextmanager
def _as_begun(header: Mapping[str, Any]) -> Iterator[None]:
    """Set the product backend and the number of threads that the run began with: both decide how sums are rounded."""
    import torch

    from byheart.numerics.products import use_backend

    before = torch.get_num_threads()
    if "backend" in header:
        use_backend(header["backend"])
    torch.set_num_threads(header.get("threads", before))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _facts(root: Path) -> dict[str, Any]:
    import numpy
    import torch

    from byheart.numerics.products import product_backend
    from byheart.store.choices import settled

    backend = settled(root, f"products torch {torch.__version__}", product_backend)
    return {
        "byheart": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "platform": f"{sys.platform} {platform.machine()}",
        "threads": torch.get_num_threads(),
        "backend": backend,
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def failures(outcomes: Sequence[Outcome[RunFolder]], runs: Sequence[Run]) -> InputError | None:
    """Make one error of all runs that failed: their number and the first failure; None if every run is whole."""
    failed = [(runs[outcome.index], outcome) for outcome in outcomes if outcome.error is not None]
    if not failed:
        return None
    run, first = failed[0]
    if len(failed) == len(runs) and isinstance(first.error, InputError):
        return first.error
    reason = _reason(first)
    which = (
        f"{len(failed)} of {len(runs)} runs that failed (first: n = {run.n}, seed {run.seed}: {reason.got})"
    )
    again = "run the same command again: whole runs are kept, the others are resumed"
    refusal = InputError(got=which, need=reason.need, remedy=f"{reason.remedy}. Then {again}")
    if first.trace:
        refusal.add_note(first.trace)  # of the worker: Python shows a note below the error
    return refusal


def _reason(outcome: Outcome[RunFolder]) -> InputError:
    """Say why a run failed, and what helps."""
    error = outcome.error
    text = f"{type(error).__name__}: {error}"
    match error:
        case InputError():
            return error
        case OSError() if error.filename is not None:
            return of_file(error)
        case BrokenExecutor():
            got, need = str(error), "worker processes that live until their runs are whole"
            return InputError(
                got=got, need=need, remedy="if memory is short, work on fewer at a time: --workers 1"
            )
        case MemoryError():
            return InputError(got=text, need="more memory", remedy="work on fewer at a time: --workers 1")
        case _:
            return InputError(got=text, need="every run whole", remedy="--debug shows where it happened")
