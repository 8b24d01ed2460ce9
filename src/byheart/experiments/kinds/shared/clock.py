"""The clock of a training run: when to report, when to save, and the time so far, over all interruptions."""

from __future__ import annotations

from time import perf_counter

from byheart.executors.local import Tell
from byheart.store.folders import RunFolder

__all__ = ["Clock"]

TELL_SECONDS = 0.5
CHECKPOINT_SECONDS = 120.0


class Clock:
    """Decides when to report and when to save between evaluations; seconds add up over interruptions."""

    def __init__(self, folder: RunFolder, run: str, steps: int, tell: Tell) -> None:
        self._folder, self._run, self._steps, self._tell = folder, run, steps, tell
        self._before = float(folder.read_record("clock").get("seconds", 0.0))
        self._began = self._spoke = self._saved = perf_counter()

    def checkpoint_due(self) -> bool:
        """Say whether a new checkpoint is due."""
        return perf_counter() - self._saved > CHECKPOINT_SECONDS

    def saved(self) -> None:
        """Note that a checkpoint was written now, and the time so far."""
        self._saved = perf_counter()
        self._folder.write_record("clock", {"seconds": self._before + self._saved - self._began})

    def tell(self, step: int) -> None:
        """Report the progress, at most twice per second."""
        if perf_counter() - self._spoke > TELL_SECONDS or step == self._steps:
            self._spoke = perf_counter()
            seconds = self._before + self._spoke - self._began
            self._tell(
                {"kind": "progress", "run": self._run, "step": step, "steps": self._steps, "seconds": seconds}
            )
