"""The scoreboard of claims: what was measured, by which code, and what is due."""

from __future__ import annotations

from byheart.experiments.study.claims import (
    ClaimRow,
    best_row,
    read_record,
    unmeasured,
)
from byheart.experiments.study.due import studies, version_now

__all__ = ["all_rows", "scoreboard"]


def scoreboard() -> list[ClaimRow]:
    """One row an id: at its own scale, else at the largest scale measured, else `measured: null`.

    `current` says whether the code that the row depends on is still the same; None where nothing was measured.
    """
    return [
        row
        | {
            "current": None
            if row["version"] is None
            else row["version"] == version_now(study, claim, row["scale"])
        }
        for study in studies()
        for claim in study.claims
        for row in [best_row(claim, read_record(study.name))]
    ]


def all_rows() -> list[ClaimRow]:
    """Every row of the record, one per id and scale, and an empty one for each claim that nobody measured."""
    rows = []
    for study in studies():
        recorded = read_record(study.name)
        known = {row["id"] for row in recorded}
        rows += [*recorded, *(unmeasured(claim) for claim in study.claims if claim.id not in known)]
    return rows
