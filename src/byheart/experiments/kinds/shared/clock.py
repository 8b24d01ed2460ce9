"""The clock of a training run: when to speak, when to save, and how long it took, interruptions included."""

from __future__ import annotations

from time import perf_counter

from byheart.executors.local import Tell
from byheart.store.folders import RunFolder

__all__ = ["Clock"]

TELL_SECONDS = 0.5
CHECKPOINT_SECONDS = 120.0


class Clock:
    """When to speak and when to save between evaluations; seconds add up over interruptions."""

    def __init__(self, folder: RunFolder, run: str, steps: int, tell: Tell) -> None:
        self._folder, self._run, self._steps, self._tell = folder, run, steps, tell
        self._before = float(folder.read_record("clock").get("seconds", 0.0))
        self._began = self._spoke = self._saved = perf_counter()

    def checkpoint_due(self) -> bool:
        """Whether the last checkpoint is long ago."""
        return perf_counter() - self._saved > CHECKPOINT_SECONDS

    def saved(self) -> None:
        """A checkpoint was written: note the time so far."""
        self._saved = perf_counter()
        self._folder.write_record("clock", {"seconds": self._before + self._saved - self._began})

    def tell(self, step: int) -> None:
        """Say how far it is, twice a second."""
        if perf_counter() - self._spoke > TELL_SECONDS or step == self._steps:
            self._spoke = perf_counter()
            seconds = self._before + self._spoke - self._began
            self._tell(
                {"kind": "progress", "run": self._run, "step": step, "steps": self._steps, "seconds": seconds}
            )
