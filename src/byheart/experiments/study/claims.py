"""Claims: published statements, each with the quantity that decides it and the range that accepts it.

The verdict is that of `analysis.verdicts`; a claim that was not measured has no verdict, and `measured` is null.  The committed
record lies in the package, studies/<study>/claims.json: one row per id and scale.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import Field, field_validator

from byheart._records import Spec, plain_json, write_atomic
from byheart.experiments.catalog import RECIPES, study_home

__all__ = [
    "Claim",
    "ClaimRow",
    "best_row",
    "merge_rows",
    "read_record",
    "unmeasured",
    "write_record",
]

ScaleName = Literal["ci", "demo", "cpu", "long", "paper"]

SCALES: tuple[str, ...] = get_args(ScaleName)
"""From the smallest to the largest."""

ClaimRow = dict[str, Any]


class Claim(Spec):
    """A statement of a paper, or of our own, and how it is decided.

    quantity: a name of the documented vocabulary, e.g. exponent/tau_mem@0.1.  arm: the arm of the study whose runs are
    read.  n_min: runs of fewer training images are left out.  target: the published value.  accept: (low, high), either
    end may be open (None).  exact: the quantity has no sampling error, so that no interval is needed.
    """

    id: str = Field(pattern=r"^[A-Z][A-Za-z0-9-]*$")
    paper: str
    figure: str = ""
    statement: str
    quantity: str
    target: float | None = None
    accept: tuple[float | None, float | None]
    scale: ScaleName = "cpu"
    arm: str
    n_min: int = 1
    exact: bool = False

    @field_validator("accept", mode="before")
    @classmethod
    def _open_ends(cls, accept: object) -> object:
        # TOML has no null: a recipe writes inf for an open end.
        if isinstance(accept, list | tuple):
            return tuple(None if isinstance(end, float) and math.isinf(end) else end for end in accept)
        return accept


def unmeasured(claim: Claim) -> ClaimRow:
    """Make the row of a claim that was not measured yet."""
    row = claim.model_dump(mode="json", exclude={"arm", "n_min", "exact"})
    nothing = dict.fromkeys(
        ("measured", "low", "high", "count", "missing", "verdict", "seconds", "date", "version")
    )
    return row | nothing


def read_record(study: str, root: Path = RECIPES) -> list[ClaimRow]:
    """Read the committed rows of a study; there are none if nothing was ever measured."""
    file = study_home(study, root) / "claims.json"
    return list(json.loads(file.read_text())) if file.exists() else []


def merge_rows(old: Iterable[ClaimRow], new: Iterable[ClaimRow]) -> list[ClaimRow]:
    """Merge two records into one row per id and scale, ordered by id and scale.  New rows replace old ones."""
    rows = {(row["id"], row["scale"]): row for row in [*old, *new]}
    return [rows[key] for key in sorted(rows, key=lambda key: (key[0], SCALES.index(key[1])))]


def write_record(study: str, rows: Sequence[ClaimRow], root: Path = RECIPES) -> None:
    """Write the record of a study, one row per line, so that a change of one row changes one line."""
    text = ",\n".join(" " + plain_json(row) for row in rows)
    write_atomic(study_home(study, root) / "claims.json", f"[\n{text}\n]\n")


def best_row(claim: Claim, rows: Iterable[ClaimRow]) -> ClaimRow:
    """Choose the row that the scoreboard shows: at the claim's own scale, else at the largest scale measured, else empty."""
    by_scale = {row["scale"]: row for row in rows if row["id"] == claim.id and row["version"] is not None}
    scales = [claim.scale, *reversed(SCALES)]
    return next((by_scale[scale] for scale in scales if scale in by_scale), unmeasured(claim))
