"""Which claims are due, why, and how long it takes to measure them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from byheart._checks import unknown
from byheart.experiments.catalog import study_names
from byheart.experiments.quantities import quantity_module
from byheart.experiments.runs.run import Run
from byheart.experiments.study.claims import SCALES, Claim, read_record
from byheart.experiments.study.conduct import claim_version
from byheart.experiments.study.recipe import Study, load_study
from byheart.experiments.study.records import (
    CodeTables,
    RunRecord,
    current_records,
    read_code_tables,
    read_run_records,
)
from byheart.experiments.version import changed_files, code_files, run_code, run_module

__all__ = ["Due", "check_scale", "due", "due_claims", "studies", "versions_now"]

NEVER = "never measured"
UNRECORDED = "no records of its runs are committed"
MOVED = "imports were rearranged"


@dataclass(frozen=True)
class Due:
    """A claim to be measured again.

    reason: the file that changed, or another reason.  runs: how many runs of the claim's arm are to be carried out; 0 if the
    committed records decide the claim.  minutes: the time that these runs took when they were last measured, on one thread;
    None if they never were.
    """

    study: str
    id: str
    arm: str
    reason: str
    runs: int
    minutes: float | None


def studies() -> list[Study]:
    """Load the studies of the package."""
    return [load_study(name) for name in study_names()]


def versions_now(study: Study, scale: str) -> dict[str, str]:
    """Compute, by the ids of the claims, the versions that rows at this scale would have if measured by today's code.

    Claims whose arm the scale does not have are left out.
    """
    arms = study.runs(scale)
    code = {arm: {run_code(run.kind) for run in runs} for arm, runs in arms.items()}
    return {
        claim.id: claim_version(study, claim, [run.id for run in arms[claim.arm]], code[claim.arm])
        for claim in study.claims
        if claim.arm in arms
    }


def due(scale: str = "cpu") -> list[str]:
    """List the ids of the claims of this scale that were never measured, or were measured by older code."""
    return [claim.id for claim in due_claims(scale)]


def due_claims(scale: str = "cpu") -> list[Due]:
    """List the claims of this scale that are due, with the reason and the time of each.

    Raises InputError for a scale that does not exist.
    """
    check_scale(scale)
    return [claim for study in studies() for claim in _of_study(study, scale)]


def check_scale(scale: str) -> None:
    """Raise InputError for a scale that does not exist."""
    if scale not in SCALES:
        raise unknown("scale", scale, SCALES, remedy="choose one with --scale")


def _of_study(study: Study, scale: str) -> Iterator[Due]:
    rows = {row["id"]: row for row in read_record(study.name) if row["scale"] == scale}
    claims = [claim for claim in study.claims if claim.scale == scale]
    now = versions_now(study, scale) if claims else {}
    old = [claim for claim in claims if rows.get(claim.id, {}).get("version") != now[claim.id]]
    if not old:
        return
    known, tables, arms = read_run_records(study.name, scale), read_code_tables(study.name), study.runs(scale)
    seconds = {
        claim.arm: float(row["seconds"])
        for claim in claims
        if (row := rows.get(claim.id)) is not None and row["seconds"] is not None
    }
    for claim in old:
        runs = arms[claim.arm]
        carried = [] if current_records(runs, known) is not None else runs
        never = rows.get(claim.id, {}).get("version") is None
        reason = NEVER if never else _reason(claim, runs, known, tables)
        minutes = _minutes(carried, known, seconds.get(claim.arm))
        yield Due(study.name, claim.id, claim.arm, reason, len(carried), minutes)


def _reason(claim: Claim, runs: Sequence[Run], known: dict[str, RunRecord], tables: CodeTables) -> str:
    """Say what changed since a claim was measured, as far as the committed tables tell."""
    records = [known[run.id] for run in runs if run.id in known]
    if not records:
        return UNRECORDED
    if len(records) < len(runs):
        return "settings of its runs"
    changed = set[str]()
    older = {(record.code, run.kind) for record, run in zip(records, runs, strict=True)}
    older = {(code, kind) for code, kind in older if code != run_code(kind)}
    for code, kind in older:
        changed.update(changed_files(tables.runs.get(code, {}), code_files((run_module(kind),))))
    module = quantity_module(claim.quantity)
    changed.update(changed_files(tables.analysis.get(claim.id, {}), code_files((module,))))
    if changed:
        return ", ".join(sorted(changed))
    return MOVED if older else "the claim itself"


def _minutes(runs: Sequence[Run], known: dict[str, RunRecord], measured: float | None) -> float | None:
    """Compute the minutes of runs as they were last measured.

    measured: seconds of all runs together as stored in a row of their arm, used if runs have no record.
    """
    if not runs:
        return 0.0
    seconds = [known[run.id].seconds for run in runs if run.id in known]
    if seconds:
        return sum(seconds) / len(seconds) * len(runs) / 60
    return None if measured is None else measured / 60
