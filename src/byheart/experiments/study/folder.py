"""The folder of a conducted study, for reading."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from byheart._checks import InputError
from byheart.experiments.study.claims import ClaimRow
from byheart.store.damage import damaged
from byheart.store.folders import RunFolder, read_json

__all__ = ["StudyFolder"]


@dataclass(frozen=True)
class StudyFolder:
    """The folder of a conducted study.

    path: root/<study>-<scale>-<digest>; the files in that folder are listed in `experiments.study.conduct`.
    """

    path: Path

    @property
    def report(self) -> Path:
        """Return the path of the page."""
        return self.path / "report.html"

    def content(self) -> dict[str, Any]:
        """Read study.json.  Raises InputError if this is no study's folder."""
        return read_json(self.path / "study.json")

    def claims(self) -> list[ClaimRow]:
        """Read the claims as the runs of this study measured them."""
        return list(read_json(self.path / "claims.json")["claims"])

    def folders(self) -> dict[str, list[RunFolder]]:
        """Return arm -> folders of the arm's runs; without damaged or missing runs, and without arms that have no other run.

        Raises InputError if no run is left.
        """
        missing = self._missing()
        whole = {arm: [run for run in runs if run.id not in missing] for arm, runs in self._every().items()}
        if missing and not any(whole.values()):
            raise next(iter(missing.values()))
        return {arm: runs for arm, runs in whole.items() if runs}

    def left_out(self) -> list[str]:
        """Write a sentence for each run that is damaged or missing, and therefore left out."""
        return [
            f"run {name} is left out: {error.got}. To have it again: {error.remedy}."
            for name, error in self._missing().items()
        ]

    def _missing(self) -> dict[str, InputError]:
        runs = [run for runs in self._every().values() for run in runs]
        broken = damaged(runs)
        gone = {run.id: _gone(run) for run in runs if run.id not in broken and not run.begun}
        return broken | gone

    def _every(self) -> dict[str, list[RunFolder]]:
        root = self.path.parent
        return {arm: [RunFolder(root / run) for run in runs] for arm, runs in self.content()["runs"].items()}


def _gone(run: RunFolder) -> InputError:
    return InputError(
        got=f"no run in {run.path}",
        need="the run that the study made there",
        remedy="run the study again, which makes it anew",
    )
