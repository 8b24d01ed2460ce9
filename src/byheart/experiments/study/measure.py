"""Measuring claims again: from the committed records if today's code made these, else by carrying out the runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from byheart._checks import InputError
from byheart.executors.local import Tell
from byheart.experiments.quantities import quantity_module
from byheart.experiments.runs.execute import silent
from byheart.experiments.study.claims import Claim, ClaimRow, merge_rows, read_record, write_record
from byheart.experiments.study.conduct import conduct, measure_claims
from byheart.experiments.study.due import check_scale, due, studies
from byheart.experiments.study.folder import StudyFolder
from byheart.experiments.study.recipe import Study
from byheart.experiments.study.records import (
    RunRecord,
    current_records,
    read_code_tables,
    read_run_records,
    record_of,
    write_code_tables,
    write_run_records,
)
from byheart.experiments.version import run_code
from byheart.store.damage import damage
from byheart.store.folders import RunFolder

__all__ = ["measure_again"]

DUE = "due"


def measure_again(
    ids: Sequence[str],
    *,
    scale: str = "cpu",
    root: Path | str = "runs",
    workers: int = 1,
    device: str = "auto",
    record: bool = False,
    tell: Tell = silent,
) -> list[ClaimRow]:
    """Measure claims at a scale and return their rows.

    ids: ids of claims, or `due` for all claims that are due.  If all runs of a claim are in the committed records, made by
    today's code, the claim is decided from these records.  The runs of the other claims are carried out: runs of today's code
    are kept or continued; older runs are moved to root/.stale and carried out again.
    record: also copy the rows into the package's record, and the records of the runs beside them.
    Raises InputError for an unknown id, or a claim whose arm this scale does not have.
    """
    check_scale(scale)
    wanted = set(due(scale) if list(ids) == [DUE] else ids)
    _check_known(wanted)
    _check_scales(wanted, scale)
    rows: list[ClaimRow] = []
    for study in studies():
        if arms := {claim.arm for claim in study.claims if claim.id in wanted}:
            known = read_run_records(study.name, scale)
            made = study.runs(scale)
            current = {
                arm: records for arm in arms if (records := current_records(made[arm], known)) is not None
            }
            rest = study.only(scale, arms - current.keys())
            if arms - current.keys():
                _set_aside_stale(rest, scale, Path(root), tell)
                folder = conduct(rest, scale, root=root, workers=workers, device=device, tell=tell)
                current |= _records_of(folder)
            measured = [row for row in measure_claims(study, scale, current) if row["id"] in wanted]
            if record:
                _write(study, scale, measured, known, current)
            rows += measured
    return rows


def _records_of(folder: StudyFolder) -> dict[str, list[RunRecord]]:
    return {arm: [record_of(run) for run in runs] for arm, runs in folder.folders().items()}


def _write(
    study: Study,
    scale: str,
    rows: Sequence[ClaimRow],
    known: Mapping[str, RunRecord],
    current: Mapping[str, Sequence[RunRecord]],
) -> None:
    """Write the rows, the records of the study's runs at this scale, and the list of files of their code."""
    write_record(study.name, merge_rows(read_record(study.name), rows))
    runs = {run.id: run for runs in study.runs(scale).values() for run in runs}
    records = {**known, **{record.id: record for records in current.values() for record in records}}
    kept = {name: record for name, record in records.items() if name in runs}
    write_run_records(study.name, scale, kept.values())
    kinds = {runs[record.id].kind for records in current.values() for record in records}
    ids = {row["id"] for row in rows}
    modules = {claim.id: quantity_module(claim.quantity) for claim in study.claims if claim.id in ids}
    tables = read_code_tables(study.name).with_today(kinds, modules)
    write_code_tables(study.name, tables.only({record.code for record in kept.values()}))


def _set_aside_stale(study: Study, scale: str, root: Path, tell: Tell) -> None:
    """Move runs made by other code to .stale; runs that took hours are not deleted."""
    for run in (run for runs in study.runs(scale).values() for run in runs):
        folder = RunFolder(root / run.id)
        if damage(folder) is not None:
            continue  # refused below, after the others are measured
        if folder.exists and (code := folder.header().get("code")) != run_code(run.kind):
            with folder.locked():
                moved_to = folder.set_aside(str(code))
            tell(
                {
                    "kind": "notice",
                    "text": f"run {folder.id} was made by older code: kept in {moved_to}, made again",
                }
            )


def _check_scales(wanted: set[str], scale: str) -> None:
    for study in studies():
        here = {cell.arm for cell in study.scale(scale).arms} if scale in study.scales else set()
        for claim in study.claims:
            if claim.id in wanted and claim.arm not in here:
                scales = [
                    name for name, at in study.scales.items() if claim.arm in {cell.arm for cell in at.arms}
                ]
                raise InputError(
                    got=f"claim {claim.id} at scale {scale}, which does not have its arm {claim.arm!r}",
                    need="a scale that has it: " + ", ".join(scales),
                    remedy="choose one with --scale",
                )


def _check_known(wanted: set[str]) -> None:
    known: list[Claim] = [claim for study in studies() for claim in study.claims]
    if unknown := wanted - {claim.id for claim in known}:
        raise InputError(
            got=f"claims {sorted(unknown)}",
            need="ids of " + ", ".join(claim.id for claim in known),
            remedy="see `byheart claims`",
        )
