"""Tables of a page, as text: what stands in which cell is decided here, how it looks in the template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from byheart.report.words import interval, number

__all__ = [
    "ClaimLine",
    "Table",
    "claim_lines",
]

SIGNS = {"reproduced": "✓", "contradicted": "✗", "unresolved": "?"}


@dataclass(frozen=True)
class Table:
    """A table of text.  name: for readers who do not see the table.  columns: heads.

    rows: one cell for every column; words stand left, numbers right.
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class ClaimLine:
    """One claim as the page shows the claim.  verdict: reproduced, contradicted, unresolved, or `not measured`."""

    id: str
    statement: str
    source: str
    target: str
    accept: str
    measured: str
    verdict: str
    sign: str


def claim_lines(claims: Sequence[Mapping[str, Any]]) -> list[ClaimLine]:
    """Make a line of every row of the scoreboard: what was measured, and the verdict."""
    return [_claim_line(row) for row in claims]


def _source(paper: str | None, figure: str | None) -> str:
    """Name the source of a claim: `S1, figures 1 and 7`."""
    plates = "" if not figure else f"figures {figure}" if " and " in figure else f"figure {figure}"
    return ", ".join(filter(None, (paper, plates)))


def _claim_line(row: Mapping[str, Any]) -> ClaimLine:
    low, high = row.get("accept") or (None, None)
    verdict = row.get("verdict") or "not measured"
    return ClaimLine(
        id=str(row["id"]),
        statement=str(row.get("statement", "")),
        source=_source(row.get("paper"), row.get("figure")),
        target=number(row.get("target")),
        accept=f"[{'−∞' if low is None else number(low)}, {'∞' if high is None else number(high)}]",
        measured=interval(row.get("measured"), row.get("low"), row.get("high")),
        verdict=verdict,
        sign=SIGNS.get(verdict, "–"),
    )
