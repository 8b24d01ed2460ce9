"""byheart ls: the runs at hand."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

from tyro.conf import arg

from byheart._checks import InputError, printable
from byheart.cli.options import Root
from byheart.cli.tables import show
from byheart.report.words import plain_number

if TYPE_CHECKING:
    from byheart.store.folders import RunFolder

__all__ = ["ls"]


def ls(
    *,
    root: Root = Path("runs"),
    table: Annotated[Optional[Path], arg(metavar="FILE.csv|jsonl|parquet")] = None,
) -> int:
    """List the runs, or export their records as one table.

    A run with a file that cannot be read is listed as damaged, with the file and what to do about it; a table leaves it out.

    Args:
        root: Where the runs are kept.
        table: Write every record of every run to this file instead.
    """
    from byheart.store.damage import damaged
    from byheart.store.folders import list_runs

    folders = list_runs(root)
    broken = damaged(folders)
    sound = [folder for folder in folders if folder.id not in broken]
    if table is not None:
        from byheart.cli.outputs import check_outputs

        check_outputs({"--table": table})
        from byheart.store import tables

        for name, error in broken.items():
            print(f"warning: run {name} is left out: {error.got}; {error.remedy}", file=sys.stderr)
        rows = tables.table(sound)
        tables.export(rows, table)
        print(f"{len(rows)} records of {len(sound)} runs: {table}")
    elif folders:
        columns = ("run", "kind", "data", "n", "seed", "step", "f_mem", "state", "settings that differ")
        lines = [[*_line(folder), own] for folder, own in zip(sound, _settings(sound), strict=True)]
        lines += [
            [
                folder.id,
                *_description(folder),
                "–",
                "–",
                "damaged",
                f"{broken[folder.id].got}; {broken[folder.id].remedy}",
            ]
            for folder in folders
            if folder.id in broken
        ]
        show(columns, sorted(lines), last_wraps=True)
    else:
        print(f"no runs in {printable(str(root))}; the first: byheart study onset --scale demo")
    return 0


LONGEST = 80  # characters of settings in a line


def _settings(folders: Sequence[RunFolder]) -> list[str]:
    """What tells each run from the others of its kind, cut where it is long."""
    from byheart.experiments.runs.differences import differences

    specs = [folder.header()["spec"] for folder in folders]
    found = dict[int, str]()
    for kind in {spec["kind"] for spec in specs}:
        places = [place for place, spec in enumerate(specs) if spec["kind"] == kind]
        found |= dict(zip(places, differences([specs[place] for place in places]), strict=True))
    return [text if len(text) <= LONGEST else text[: LONGEST - 1] + "…" for _, text in sorted(found.items())]


def _description(folder: RunFolder) -> list[str]:
    """Say what a run is: kind, data, n and seed; a dash for each of these that its description does not tell."""
    try:
        spec = folder.header()["spec"]
        return [spec["kind"], spec.get("data", {}).get("name", "–"), str(spec["n"]), str(spec["seed"])]
    except (InputError, LookupError, TypeError, AttributeError):  # the description itself is damaged
        return ["–"] * 4


def _line(folder: RunFolder) -> list[str]:
    spec, rows = folder.header()["spec"], folder.rows()
    last = rows[-1] if rows else {}
    steps = spec.get("training", {}).get("steps", 0)
    return [
        folder.id,
        *_description(folder),
        f"{last.get('step', 0)}/{steps}" if steps else "–",
        plain_number(last.get("f_mem")),
        "whole" if folder.done else "cut off or running",
    ]
