"""A conducted study on disk, as it is read again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from byheart.experiments.study.claims import ClaimRow
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
        """Name the file of the page."""
        return self.path / "report.html"

    def content(self) -> dict[str, Any]:
        """Read study.json.  Raises InputError if this is no study's folder."""
        return read_json(self.path / "study.json")

    def claims(self) -> list[ClaimRow]:
        """Read the claims as the runs of this study measured them."""
        return list(read_json(self.path / "claims.json")["claims"])

    def folders(self) -> dict[str, list[RunFolder]]:
        """Return arm -> folders of the arm's runs."""
        root = self.path.parent
        return {arm: [RunFolder(root / run) for run in runs] for arm, runs in self.content()["runs"].items()}
