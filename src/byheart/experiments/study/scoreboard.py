"""The scoreboard of claims: what was measured, by which code, and what is due."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from byheart._checks import InputError
from byheart.executors.local import Tell
from byheart.experiments.catalog import study_names
from byheart.experiments.runs.execute import silent
from byheart.experiments.study.claims import (
    Claim,
    ClaimRow,
    best_row,
    merge_rows,
    read_record,
    unmeasured,
    write_record,
)
from byheart.experiments.study.conduct import claim_version, conduct
from byheart.experiments.study.recipe import Study, load_study
from byheart.experiments.version import run_code
from byheart.store.folders import RunFolder

__all__ = ["Standing", "all_rows", "due", "measure_again", "scoreboard", "standings"]

DUE = "due"
OURS = "byheart"


@dataclass(frozen=True)
class Standing:
    """How many of a paper's claims came out how.  paper: its letter, or `byheart`.  number: on arXiv, empty for ours."""

    paper: str
    number: str
    reproduced: int
    contradicted: int
    unresolved: int
    unmeasured: int

    @property
    def line(self) -> str:
        """Say all of it in a line."""
        name = f"{self.paper} ({self.number})" if self.number else self.paper
        parts = [f"{self.reproduced} reproduced", f"{self.contradicted} contradicted"]
        parts += [f"{self.unresolved} unresolved"]
        parts += [f"{self.unmeasured} not measured"] if self.unmeasured else []
        of = self.reproduced + self.contradicted + self.unresolved + self.unmeasured
        return f"{name}: {', '.join(parts)} of {of}"


def standings() -> list[Standing]:
    """A line a paper, by its letter, and ours last: how its claims came out, by the rows that the scoreboard shows."""
    numbers: dict[str, str] = {}
    verdicts: dict[str, list[str | None]] = {}
    for study in _studies():
        recorded = read_record(study.name)
        for claim in study.claims:
            numbers[claim.paper] = "" if claim.paper == OURS else study.paper
            verdicts.setdefault(claim.paper, []).append(best_row(claim, recorded)["verdict"])
    papers = sorted(verdicts, key=lambda paper: (paper == OURS, paper))
    return [_standing(paper, numbers[paper], verdicts[paper]) for paper in papers]


def _standing(paper: str, number: str, verdicts: Iterable[str | None]) -> Standing:
    found = Counter(verdicts)
    return Standing(
        paper, number, found["reproduced"], found["contradicted"], found["unresolved"], found[None]
    )


def scoreboard() -> list[ClaimRow]:
    """One row an id: at its own scale, else at the largest scale measured, else `measured: null`.

    `current` says whether the code that the row depends on is still the same; None where nothing was measured.
    """
    return [
        row
        | {
            "current": None
            if row["version"] is None
            else row["version"] == _version_now(study, claim, row["scale"])
        }
        for study in _studies()
        for claim in study.claims
        for row in [best_row(claim, read_record(study.name))]
    ]


def all_rows() -> list[ClaimRow]:
    """Every row of the record, one per id and scale, and an empty one for each claim that nobody measured."""
    rows = []
    for study in _studies():
        recorded = read_record(study.name)
        known = {row["id"] for row in recorded}
        rows += [*recorded, *(unmeasured(claim) for claim in study.claims if claim.id not in known)]
    return rows


def due(scale: str = "cpu") -> list[str]:
    """Ids of the claims of this scale that were never measured, or measured by other code than today's."""
    found = []
    for study in _studies():
        known = {row["id"]: row["version"] for row in read_record(study.name) if row["scale"] == scale}
        claims = [claim for claim in study.claims if claim.scale == scale]
        found += [claim.id for claim in claims if known.get(claim.id) != _version_now(study, claim, scale)]
    return found


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

    ids: of claims, or `due` for those that `due` names.  Runs made by today's code are kept and resumed; older ones
    are set aside, in root/.stale, and made again.  Only the arms that these claims read are conducted.  record: also copy the rows into the package's record.
    Raises InputError for an unknown id, or a claim whose arm this scale does not have.
    """
    wanted = set(due(scale) if list(ids) == [DUE] else ids)
    _check_known(wanted)
    rows: list[ClaimRow] = []
    _check_scales(wanted, scale)
    for study in _studies():
        if arms := {claim.arm for claim in study.claims if claim.id in wanted}:
            needed = study.only(scale, arms)
            _set_aside_stale(needed, scale, Path(root), tell)
            folder = conduct(needed, scale, root=root, workers=workers, device=device, tell=tell)
            measured = folder.claims()
            if record:
                write_record(study.name, merge_rows(read_record(study.name), measured))
            rows += measured
    return [row for row in rows if row["id"] in wanted]


def _studies() -> list[Study]:
    return [load_study(name) for name in study_names()]


def _version_now(study: Study, claim: Claim, scale: str) -> str:
    runs = study.runs(scale).get(claim.arm, [])
    return claim_version(study, claim, [run.id for run in runs], {run_code(run.kind) for run in runs})


def _set_aside_stale(study: Study, scale: str, root: Path, tell: Tell) -> None:
    """Move runs made by other code out of the way: nothing is deleted that took hours."""
    for run in (run for runs in study.runs(scale).values() for run in runs):
        folder = RunFolder(root / run.id)
        if folder.exists and (code := folder.header().get("code")) != run_code(run.kind):
            with folder.locked():
                place = folder.set_aside(str(code))
            tell(
                {
                    "kind": "notice",
                    "text": f"run {folder.id} was made by older code: kept in {place}, made again",
                }
            )


def _check_scales(wanted: set[str], scale: str) -> None:
    for study in _studies():
        here = {cell.arm for cell in study.scale(scale).arms} if scale in study.scales else set()
        for claim in study.claims:
            if claim.id in wanted and claim.arm not in here:
                found = [
                    name for name, at in study.scales.items() if claim.arm in {cell.arm for cell in at.arms}
                ]
                raise InputError(
                    got=f"claim {claim.id} at scale {scale}, which does not have its arm {claim.arm!r}",
                    need="a scale that has it: " + ", ".join(found),
                    remedy="choose one with --scale",
                )


def _check_known(wanted: set[str]) -> None:
    known: list[Claim] = [claim for study in _studies() for claim in study.claims]
    if unknown := wanted - {claim.id for claim in known}:
        raise InputError(
            got=f"claims {sorted(unknown)}",
            need="ids of " + ", ".join(claim.id for claim in known),
            remedy="see `byheart claims`",
        )
