"""Tables of a page, as text: what stands in which cell is decided here, how it looks in the template."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from byheart.report.words import distinct_ends, interval, listed, number, plural

__all__ = [
    "ClaimLine",
    "Table",
    "claim_lines",
    "tally",
]

VERDICTS = ("reproduced", "contradicted", "unresolved", "not measured")
FEW = 3  # unresolved claims that a sentence names
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


def tally(claims: Sequence[Mapping[str, Any]]) -> str:
    """Say how many claims came out with which verdict, and name those that are contradicted; "" without claims."""
    if not claims:
        return ""
    counts = Counter(str(row.get("verdict") or "not measured") for row in claims)
    if counts["reproduced"] == len(claims) > 1:
        return f"All {len(claims)} claims are reproduced."
    parts = [
        f"{counts[verdict]} {'is' if counts[verdict] == 1 else 'are'} {verdict}{_named(claims, verdict)}"
        for verdict in VERDICTS
        if counts[verdict]
    ]
    return f"Of {plural(len(claims), 'claim')}, {listed(parts)}."


def _named(claims: Sequence[Mapping[str, Any]], verdict: str) -> str:
    """List in brackets the ids of the claims with this verdict, where a reader should look at these claims."""
    ids = [str(row["id"]) for row in claims if (row.get("verdict") or "not measured") == verdict]
    shown = verdict == "contradicted" or (verdict == "unresolved" and len(ids) <= FEW)
    return f" ({listed(ids)})" if shown else ""


def _source(paper: str | None, figure: str | None) -> str:
    """Name the source of a claim: `S1, figures 1 and 7`, or `S2, “abstract”` where that has no number."""
    if not figure or not figure[0].isdigit():
        plates = figure and f"“{figure}”"
    else:
        plates = f"figures {figure}" if " and " in figure else f"figure {figure}"
    return ", ".join(filter(None, (paper, plates)))


def _claim_line(row: Mapping[str, Any]) -> ClaimLine:
    low, high = (end.replace("-", "−") for end in distinct_ends(*(row.get("accept") or (None, None))))
    verdict = row.get("verdict") or "not measured"
    return ClaimLine(
        id=str(row["id"]),
        statement=str(row.get("statement", "")),
        source=_source(row.get("paper"), row.get("figure")),
        target=number(row.get("target")),
        accept=f"[{low or '−∞'}, {high or '∞'}]",
        measured=interval(row.get("measured"), row.get("low"), row.get("high")),
        verdict=verdict,
        sign=SIGNS.get(verdict, "–"),
    )
