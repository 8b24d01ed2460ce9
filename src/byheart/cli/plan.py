"""What --dry-run prints: the runs, and a timed estimate of how long they take."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from byheart.cli.progress import words
from byheart.cli.tables import show

if TYPE_CHECKING:
    from byheart.experiments.runs.run import Run

__all__ = ["show_plan"]


def show_plan(arms: Mapping[str, Sequence[Run]], root: Path, workers: int, device: str) -> None:
    """Print every run with its estimated time.  arms: name -> its runs."""
    from byheart.experiments.runs.cautions import of_images
    from byheart.experiments.runs.differences import differences
    from byheart.experiments.runs.estimate import estimate
    from byheart.store.folders import RunFolder

    runs = [(arm, run, RunFolder(root / run.id).done) for arm, found in arms.items() for run in found]
    waiting = [run for _, run, done in runs if not done]
    print("timing a few steps of each configuration …", file=sys.stderr, flush=True)
    expected = estimate(waiting, workers=workers, device=device)
    seconds = iter(expected.seconds)
    settings = [
        own for found in arms.values() for own in differences([run.model_dump(mode="json") for run in found])
    ]
    rows = [
        (
            arm,
            run.id,
            str(run.n),
            str(run.seed),
            str(run.steps),
            "done" if done else words(next(seconds)),
            own,
        )
        for (arm, run, done), own in zip(runs, settings, strict=True)
    ]
    columns = ("arm", "run", "n", "seed", "steps", "time", "settings that differ")
    width = len(columns) if any(settings) else len(columns) - 1
    show(columns[:width], [row[:width] for row in rows], last_wraps=any(settings))
    print(f"\n{len(waiting)} of {len(runs)} runs to do, {workers} at a time: about {words(expected.wall)}.")
    print("Timed on a few steps just now, on one core: runs beside each other are up to half as slow again.")
    for text in of_images(expected.repeated, expected.shared):
        print(f"note: {text}")
    print("Nothing was written.")
