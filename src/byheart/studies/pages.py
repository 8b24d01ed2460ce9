"""The page of a conducted study: which one it is, the recipe says (`page`)."""

from __future__ import annotations

from pathlib import Path

from byheart.experiments.study.folder import StudyFolder
from byheart.experiments.study.recipe import Study

__all__ = ["write_report"]


def write_report(path: Path | str) -> Path:
    """Write the page of a conducted study, and what goes with it, from what is stored; returns the page's path.

    Raises InputError if the folder holds no study.
    """
    folder = StudyFolder(Path(path))
    match Study.model_validate(folder.content()["study"]).page:
        case "onset":
            from byheart.studies.onset.gather import write_onset

            write_onset(folder)
        case "regularization":
            from byheart.studies.s2_regularization.gather import write_regularization

            write_regularization(folder)
        case "planted":
            from byheart.studies.audit_planted.gather import write_planted

            write_planted(folder)
        case "crossover":
            from byheart.studies.s1_crossover.gather import write_crossover

            write_crossover(folder)
    return folder.report
