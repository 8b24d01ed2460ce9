"""What --dry-run prints: the runs, and a timed estimate of how long they take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from byheart.cli.progress import words
from byheart.cli.tables import show

if TYPE_CHECKING:
    from byheart.experiments.run import Run

__all__ = ["show_plan"]


def show_plan(arms: Mapping[str, Sequence[Run]], root: Path, workers: int, device: str) -> None:
    """Print every run with its estimated time.  arms: name -> its runs."""
    from byheart.experiments.estimate import estimate
    from byheart.store.folders import RunFolder

    runs = [(arm, run, RunFolder(root / run.id).done) for arm, found in arms.items() for run in found]
    waiting = [run for _, run, done in runs if not done]
    expected = estimate(waiting, workers=workers, device=device)
    seconds = iter(expected.seconds)
    rows = [
        (arm, run.id, str(run.n), str(run.seed), str(run.steps), "done" if done else words(next(seconds)))
        for arm, run, done in runs
    ]
    show(("arm", "run", "n", "seed", "steps", "time"), rows)
    print(f"\n{len(waiting)} of {len(runs)} runs to do, {workers} at a time: about {words(expected.wall)}.")
    print("Timed on a few steps just now; nothing was written.")
