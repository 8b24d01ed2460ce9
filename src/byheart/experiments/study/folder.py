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
    """path: root/<study>-<scale>-<digest>; what lies in it is listed in `experiments.conduct`."""

    path: Path

    @property
    def report(self) -> Path:
        """The page."""
        return self.path / "report.html"

    def content(self) -> dict[str, Any]:
        """What study.json says.  Raises InputError if this is no study's folder."""
        return read_json(self.path / "study.json")

    def claims(self) -> list[ClaimRow]:
        """The claims as measured here."""
        return list(read_json(self.path / "claims.json")["claims"])

    def folders(self) -> dict[str, list[RunFolder]]:
        """Arm -> its run folders."""
        root = self.path.parent
        return {arm: [RunFolder(root / run) for run in runs] for arm, runs in self.content()["runs"].items()}
