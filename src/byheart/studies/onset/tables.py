"""Tables of the onset study's page, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from byheart.analysis.collapse_quality import Collapse
from byheart.analysis.scaling import Exponent
from byheart.numerics.intervals import Interval
from byheart.report.tables import Table
from byheart.report.words import interval, number
from byheart.studies.onset.content import GEN, MEM, SPLIT, Onsets, RunContent

__all__ = ["collapse_table", "crossing_table", "exponent_table", "reference_table"]

HEADS = {GEN: "FD down (tau_gen)", SPLIT: "losses differ (tau_split)", MEM: "10 % copies (tau_mem)"}


def crossing_table(crossings: Sequence[Onsets], rules: Sequence[str]) -> Table:
    """Tabulate the times, a row a run; the columns are the rules that any run has."""
    used = [rule for rule in rules if any(rule in found.times for found in crossings)]
    rows = sorted(crossings, key=lambda found: (found.n, found.seed))
    cells = (
        (f"{found.n:,}", str(found.seed), *(str(found.times.get(rule, "–")) for rule in used))
        for found in rows
    )
    return Table("Times of each run", ("n", "seed", *(HEADS.get(rule, rule) for rule in used)), tuple(cells))


def exponent_table(exponents: Sequence[Exponent]) -> Table:
    """Tabulate the fitted power laws, each with the interval given these seeds and the one over seeds."""
    columns = (
        "time",
        "exponent a in ∝ nᵃ [95 %, given these seeds]",
        "mean over seeds [95 %]",
        "n",
        "runs",
        "runs without the event",
    )
    rows = (
        (
            fit.definition,
            _signed(fit.value, fit.low, fit.high),
            _over_seeds(fit.over_seeds),
            _sizes(fit.sizes),
            str(fit.count),
            str(fit.missing),
        )
        for fit in exponents
    )
    return Table("Fitted exponents", columns, tuple(rows))


def _sizes(sizes: Sequence[int]) -> str:
    return " ".join(f"{n:,}" for n in sizes)


def _over_seeds(mean: Interval | None) -> str:
    return "–" if mean is None else f"{_signed(mean.value, mean.low, mean.high)}, {mean.count} seeds"


def _signed(value: float, low: float, high: float) -> str:
    return "–" if value != value else f"{value:.2f} [{low:.2f}, {high:.2f}]".replace("-", "−")


def collapse_table(collapses: Mapping[str, Collapse]) -> Table:
    """Tabulate the spread of the curves before and after the time is divided by n."""
    columns = ("curves", "distance over step", "distance over step / n", "before / after [95 %]", "n", "runs")
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
    return Table(
        "Distance between the curves of different n, over step and over step / n", columns, tuple(rows)
    )


REFERENCES = {
    "f_mem/empirical": "f_mem of the empirical denoiser",
    "f_mem/heldout": "f_mem of held-out images",
    "ratio/heldout_median": "median d₁/d₂ of held-out images",
    "fd/train": "FD of the n training images",
    "fd/floor": "FD of real images",
}


def reference_table(runs: Sequence[RunContent]) -> Table:
    """Tabulate the references of the records: the copier, images that cannot be copies, the training set, real images."""
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
