"""The scoreboard of claims: what was measured, by which code, and what is due."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from byheart.experiments.study.claims import (
    ClaimRow,
    best_row,
    read_record,
    unmeasured,
)
from byheart.experiments.study.due import studies, versions_now
from byheart.experiments.study.recipe import Study
from byheart.report.citations import AUTHORS

__all__ = ["Standing", "all_rows", "contradicted", "scoreboard", "standings"]

OURS = "byheart"


@dataclass(frozen=True)
class Standing:
    """How many claims of one paper came out how.

    paper: the letter of the paper, or `byheart` for our own claims.  number: the paper's number on arXiv, empty for ours.
    """

    paper: str
    number: str
    reproduced: int
    contradicted: int
    unresolved: int
    unmeasured: int

    @property
    def line(self) -> str:
        """Say in one line how the claims of the paper came out."""
        of = self.reproduced + self.contradicted + self.unresolved + self.unmeasured
        parts = [f"{self.reproduced} of {of} reproduced", f"{self.contradicted} contradicted"]
        parts += [f"{self.unresolved} unresolved"]
        parts += [f"{self.unmeasured} not measured"] if self.unmeasured else []
        return f"{self.name}: {', '.join(parts)}"

    @property
    def name(self) -> str:
        """Name the paper for people: `S3, Bonnaire et al. 2025 (arXiv 2505.17638)`."""
        if self.paper == OURS:
            return "byheart's own claims"
        authors = f", {AUTHORS[self.number]}" if self.number in AUTHORS else ""
        return f"{self.paper}{authors} (arXiv {self.number})"


def standings() -> list[Standing]:
    """Count how the claims of each paper came out, by the rows that the scoreboard shows.

    Returns one Standing per paper, in the order of the papers' letters; our own claims come last.
    """
    numbers: dict[str, str] = {}
    verdicts: dict[str, list[str | None]] = {}
    for study in studies():
        recorded = read_record(study.name)
        for claim in study.claims:
            numbers[claim.paper] = "" if claim.paper == OURS else study.paper
            verdicts.setdefault(claim.paper, []).append(best_row(claim, recorded)["verdict"])
    papers = sorted(verdicts, key=lambda paper: (paper == OURS, paper))
    return [_standing(paper, numbers[paper], verdicts[paper]) for paper in papers]


def _standing(paper: str, number: str, verdicts: Iterable[str | None]) -> Standing:
    counts = Counter(verdicts)
    return Standing(
        paper, number, counts["reproduced"], counts["contradicted"], counts["unresolved"], counts[None]
    )


def scoreboard() -> list[ClaimRow]:
    """List one row per claim: at the claim's own scale, else at the largest scale measured, else with `measured: null`.

    The entry `current` of a row says whether the code that the row depends on is still the same; it is None where nothing
    was measured.
    """
    return [row for study in studies() for row in _rows_of(study)]


def _rows_of(study: Study) -> list[ClaimRow]:
    recorded = read_record(study.name)
    rows = [best_row(claim, recorded) for claim in study.claims]
    measured = {row["scale"] for row in rows if row["version"] is not None}
    now = {scale: versions_now(study, scale) for scale in measured}
    current = [
        None if row["version"] is None else row["version"] == now[row["scale"]].get(row["id"]) for row in rows
    ]
    return [row | {"current": is_current} for row, is_current in zip(rows, current, strict=True)]


def contradicted() -> list[str]:
    """List the ids of the claims that are contradicted, by the rows that the scoreboard shows."""
    rows = (best_row(claim, read_record(study.name)) for study in studies() for claim in study.claims)
    return [str(row["id"]) for row in rows if row["verdict"] == "contradicted"]


def all_rows() -> list[ClaimRow]:
    """List every row of the records, one per id and scale, and an empty row for each claim that nobody measured."""
    rows = []
    for study in studies():
        recorded = read_record(study.name)
        measured = {row["id"] for row in recorded}
        rows += [*recorded, *(unmeasured(claim) for claim in study.claims if claim.id not in measured)]
    return rows
