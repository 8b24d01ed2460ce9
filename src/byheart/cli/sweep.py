"""byheart sweep: every combination of settings in a TOML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from byheart.cli.options import Device, Root, Workers, cores

__all__ = ["sweep"]

EXECUTORS = ("local",)


def sweep(
    file: Annotated[Positional[Path], arg(metavar="FILE.toml")],
    *,
    executor: str = "local",
    device: Device = "auto",
    workers: Workers = None,
    root: Root = Path("runs"),
    dry_run: bool = False,
) -> int:
    """Run every combination of settings in a TOML file.

    Whole runs are kept; the same command goes on with the others.

    Args:
        file: The sweep: `name`, `[base]` settings of a run, and a `[grid]` over some of them.
        executor: Where the runs are carried out: local (processes of this machine).
        device: Where to train.
        workers: Runs at a time; by default one for every core, or one on a GPU.
        root: Where the runs are kept.
        dry_run: Say what would be done and about how long it takes; write nothing.
    """
    from byheart._checks import unknown
    from byheart.experiments.sweeps.sweep import Sweep

    if executor not in EXECUTORS:
        raise unknown("executor", executor, EXECUTORS, remedy="leave --executor out")
    recipe, count = Sweep.from_toml(file), cores(workers, device)
    runs = recipe.runs()
    if dry_run:
        from byheart.cli.plan import show_plan

        show_plan({recipe.name: runs}, root, count, device)
        return 0
    from byheart.cli.progress import progress
    from byheart.experiments.runs.execute import announced, execute_all, failures

    with progress(count) as tell:
        tell(announced({recipe.name: runs}))
        outcomes = execute_all(runs, root, workers=count, device=device, tell=tell)
    if (error := failures(outcomes, runs)) is not None:
        raise error
    print(f"{len(runs)} runs in {root}: see `byheart ls --root {root}`")
    return 0
