"""Tables of a page, as text: what stands in which cell is decided here, how it looks in the template."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from byheart.analysis.collapse_quality import Collapse
from byheart.analysis.scaling import Exponent
from byheart.report.content import GEN, MEM, SPLIT, Onsets, RunContent

__all__ = [
    "ClaimLine",
    "Table",
    "claim_lines",
    "collapse_table",
    "crossing_table",
    "exponent_table",
    "interval",
    "number",
    "reference_table",
]

HEADS = {GEN: "good (tau_gen)", SPLIT: "losses part (tau_split)", MEM: "copies (tau_mem)"}
SIGNS = {"reproduced": "✓", "contradicted": "✗", "unresolved": "?"}


@dataclass(frozen=True)
class Table:
    """name: for readers who do not see it.  columns: heads.  rows: as many cells each; words stand left, numbers right."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class ClaimLine:
    """One claim as it is shown.  verdict: reproduced, contradicted, unresolved, or `not measured`."""

    id: str
    statement: str
    source: str
    target: str
    accept: str
    measured: str
    verdict: str
    sign: str


def number(value: object) -> str:
    """A number with at most three significant digits and a true minus; a dash for none."""
    return _text(value, "g")


def interval(value: object, low: object, high: object) -> str:
    """`1.10 [1.00, 1.21]`, or the value alone where it has no interval, or is exact."""
    bounds = [_text(low, "#g"), _text(high, "#g")]
    exact = bounds[0] == bounds[1] == _text(value, "#g")
    return _text(value, "#g") if "–" in bounds or exact else f"{_text(value, '#g')} [{', '.join(bounds)}]"


def _text(value: object, style: str) -> str:
    if not isinstance(value, int | float) or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    plain = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:{style[:-1]}.3{style[-1]}}"
    return plain.removesuffix(".").replace("-", "−")


def crossing_table(crossings: Sequence[Onsets], rules: Sequence[str]) -> Table:
    """When, a row a run; columns: those of the rules that any run has."""
    used = [rule for rule in rules if any(rule in found.times for found in crossings)]
    rows = sorted(crossings, key=lambda found: (found.n, found.seed))
    cells = (
        (f"{found.n:,}", str(found.seed), *(str(found.times.get(rule, "–")) for rule in used))
        for found in rows
    )
    return Table("Times of each run", ("n", "seed", *(HEADS.get(rule, rule) for rule in used)), tuple(cells))


def exponent_table(exponents: Sequence[Exponent]) -> Table:
    """The fitted power laws."""
    columns = ("time", "exponent a in ∝ nᵃ [95 %]", "n", "runs", "did not come")
    rows = (
        (
            fit.definition,
            _exponent(fit),
            _sizes(fit.sizes),
            str(fit.count),
            str(fit.missing),
        )
        for fit in exponents
    )
    return Table("Fitted exponents", columns, tuple(rows))


def _sizes(sizes: Sequence[int]) -> str:
    return " ".join(f"{n:,}" for n in sizes)


def _exponent(fit: Exponent) -> str:
    if fit.value != fit.value:
        return "–"
    return f"{fit.value:.2f} [{fit.low:.2f}, {fit.high:.2f}]".replace("-", "−")


def collapse_table(collapses: Mapping[str, Collapse]) -> Table:
    """The spread of the curves before and after the time is divided by n."""
    columns = ("curves", "spread over step", "spread over step / n", "before / after [95 %]", "n", "runs")
    rows = (
        (
            name,
            number(c.before),
            number(c.after),
            interval(c.ratio, c.low, c.high),
            _sizes(c.sizes),
            str(c.count),
        )
        for name, c in collapses.items()
    )
    return Table("Collapse in tau / n", columns, tuple(rows))


REFERENCES = {
    "f_mem/empirical": "f_mem of the empirical denoiser",
    "f_mem/heldout": "f_mem of held-out images",
    "ratio/heldout_median": "their median d₁/d₂",
    "fd/train": "FD of the training set",
    "fd/floor": "FD of real images (null)",
}


def reference_table(runs: Sequence[RunContent]) -> Table:
    """What the records are read against: the copier, images that cannot be copies, the training set, real images."""
    used = [name for name in REFERENCES if any(name in run.references for run in runs)]
    rows = (
        (f"{run.n:,}", str(run.seed), *(_with_band(run, name) for name in used))
        for run in sorted(runs, key=lambda run: (run.n, run.seed))
    )
    columns = ("n", "seed", *(REFERENCES[name] for name in used))
    return Table("References", columns, tuple(rows) if used else ())


def _with_band(run: RunContent, name: str) -> str:
    record = run.references
    return interval(record.get(name), record.get(f"{name}_low"), record.get(f"{name}_high"))


def claim_lines(claims: Sequence[Mapping[str, Any]]) -> list[ClaimLine]:
    """The rows of the scoreboard, with what was measured and what it says."""
    return [_claim_line(row) for row in claims]


def _source(paper: str | None, figure: str | None) -> str:
    """`S1, figures 1 and 7`."""
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
