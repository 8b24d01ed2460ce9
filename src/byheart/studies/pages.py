"""The page of a conducted study: the folder of the study that the recipe names as its `page` writes it."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from byheart.experiments.catalog import study_home
from byheart.experiments.study.folder import StudyFolder
from byheart.experiments.study.recipe import Study

__all__ = ["write_report"]


class Gatherer(Protocol):
    """What the module `gather` of every study offers."""

    def write_page(self, folder: StudyFolder) -> None:
        """Write report.html of a conducted study, and what goes with it, from what is stored."""


def write_report(path: Path | str) -> Path:
    """Write the page of a conducted study, and what goes with it, from what is stored; return the path of the page.

    Raises InputError if the folder holds no study.
    """
    folder = StudyFolder(Path(path))
    page = Study.model_validate(folder.content()["study"]).page
    gather = cast(Gatherer, import_module(f"byheart.studies.{study_home(page).name}.gather"))
    gather.write_page(folder)
    return folder.report
