"""byheart report: the page of a study, from what is stored."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

__all__ = ["report"]


def report(folder: Annotated[Positional[Path], arg(metavar="FOLDER")]) -> int:
    """Write the report of a study again, from what is stored.

    Args:
        folder: What `byheart study` wrote: runs/STUDY-SCALE-….
    """
    from byheart._checks import InputError
    from byheart.studies.pages import write_report

    if not (folder / "study.json").is_file():
        raise InputError(
            got=f"{folder}, which holds no study.json",
            need="the folder that `byheart study` wrote, runs/STUDY-SCALE-…",
            remedy="run the study, or see `byheart ls` for single runs",
        )
    print(write_report(folder))
    return 0
