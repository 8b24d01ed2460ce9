"""Conducting a study: its runs, measured quantities, claims and report.

runs/<study>-<scale>-<digest>/study.json     the recipe that was used, the runs of each arm, the command
runs/<study>-<scale>-<digest>/claims.json    the claims as measured here
runs/<study>-<scale>-<digest>/table.csv      every record of every run
runs/<study>-<scale>-<digest>/report.html    one self-contained page, and what else the study's page writes
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from byheart._checks import InputError
from byheart._records import canonical_json, plain_json, write_atomic
from byheart.analysis.verdicts import verdict
from byheart.data.spec import Data
from byheart.executors.local import Event, Tell
from byheart.experiments.catalog import study_names
from byheart.experiments.quantities import quantity, quantity_module
from byheart.experiments.quantities.published import curve_of
from byheart.experiments.runs.curves import in_order
from byheart.experiments.runs.execute import aloud, announced, execute_all, failures
from byheart.experiments.runs.footprint import check_runs
from byheart.experiments.runs.run import Run
from byheart.experiments.study.claims import Claim, ClaimRow, unmeasured
from byheart.experiments.study.folder import StudyFolder
from byheart.experiments.study.recipe import Study
from byheart.experiments.study.records import RunRecord, record_of
from byheart.experiments.version import code_version
from byheart.store.folders import RunFolder
from byheart.store.tables import export, table

__all__ = ["claim_version", "conduct", "measure_claims"]

VERDICTS = "byheart.analysis.verdicts"


def conduct(
    study: Study,
    scale: str,
    *,
    root: Path | str = "runs",
    workers: int = 1,
    device: str = "auto",
    data: Data | None = None,
    command: str | None = None,
    page: Callable[[Path], object] | None = None,
    tell: Tell = aloud,
) -> StudyFolder:
    """Carry out a study at a scale and store what was measured.  After an interruption the same call continues.

    data: images to use instead of the recipe's; training-set sizes that do not fit these images are left out, and the
    published claims, which are about the recipe's data, are not decided.
    command: the command that the page shows for a repetition; None is the command line of a study of the package on its
    own data.
    page: called at the end with the study's folder, to write its page: byheart.write_report.  None writes no page.  If a page
    cannot be drawn, a `notice` says so.
    Raises InputError if the scale does not exist, the data do not fit, or a run failed (the others are kept).
    """
    root, tell = Path(root), _each_notice_once(tell)
    arms = fitting(study.runs(scale, data), tell) if data is not None else study.runs(scale)
    runs = sorted((run for of_arm in arms.values() for run in of_arm), key=lambda run: -run.steps)
    tell(announced(arms))
    outcomes = execute_all(runs, root, workers=workers, device=device, tell=tell)
    if (error := failures(outcomes, runs)) is not None:
        raise error
    folder = StudyFolder(root / study.folder_name(scale, data))
    records = {arm: [record_of(RunFolder(root / run.id)) for run in runs] for arm, runs in arms.items()}
    rows = [] if data is not None else measure_claims(study, scale, records)
    if command is None:
        plain = data is None and study.name in study_names()
        command = f"byheart study {study.name} --scale {scale}" if plain else ""
    _write(folder, study, scale, arms, rows, command)
    if page is not None:
        _draw(page, folder, tell)
    return folder


def _each_notice_once(tell: Tell) -> Tell:
    """Pass on events, but each text of a notice only once: several runs report the same about their data."""
    told: set[str] = set()

    def hear(event: Event) -> None:
        if event["kind"] == "notice":
            if event["text"] in told:
                return
            told.add(event["text"])
        tell(event)

    return hear


def _draw(page: Callable[[Path], object], folder: StudyFolder, tell: Tell) -> None:
    """Write the page; if it cannot be drawn, send a notice and keep the measurements."""
    try:
        page(folder.path)
    except InputError:
        raise
    except Exception as error:
        text = f"the page could not be written ({type(error).__name__}: {error}); all that was measured is stored"
        tell({"kind": "notice", "text": f"{text}: byheart report {folder.path} writes the page later"})


def fitting(arms: Mapping[str, list[Run]], tell: Tell) -> dict[str, list[Run]]:
    """Keep the runs whose n the data allow, and send notices about the sizes that are left out and about the data.

    Raises InputError if fewer than two sizes remain.
    """
    from byheart.experiments.kinds.shared.split import pool_size, read_data

    check_runs([run for runs in arms.values() for run in runs])
    pool = min(pool_size(run.data) for runs in arms.values() for run in runs)
    for note in dict.fromkeys(
        note for runs in arms.values() for run in runs for note in read_data(run.data).notes
    ):
        tell({"kind": "notice", "text": note})
    fits = {arm: [run for run in runs if run.n <= pool] for arm, runs in arms.items()}
    sizes = sorted({run.n for runs in arms.values() for run in runs})
    if sum(n <= pool for n in sizes) < 2:
        raise InputError(
            got=f"{pool} images to train on (the others are held out)",
            need=f"at least {sizes[1] if len(sizes) > 1 else sizes[0]}, for two training set sizes",
            remedy="use more images, or hold out fewer with --heldout",
        )
    if left := [n for n in sizes if n > pool]:
        tell({"kind": "notice", "text": f"left out n = {left}: the data give {pool} training images"})
    return fits


def measure_claims(study: Study, scale: str, records: Mapping[str, Sequence[RunRecord]]) -> list[ClaimRow]:
    """Decide every claim whose arm is among these records, in the order of the study's claims."""
    return [
        _measured(study, claim, scale, records[claim.arm]) for claim in study.claims if claim.arm in records
    ]


def _measured(study: Study, claim: Claim, scale: str, records: Sequence[RunRecord]) -> ClaimRow:
    curves = in_order(record.curve for record in records)
    measured = quantity(claim.quantity, curves, n_min=claim.n_min, figures=study.published)
    exact = (measured.value, measured.value)
    low, high = exact if claim.exact else (measured.low, measured.high)
    codes = {record.code for record in records}
    return unmeasured(claim) | {
        "scale": scale,
        "measured": measured.value,
        "low": low,
        "high": high,
        "count": measured.count,
        "missing": measured.missing,
        "verdict": verdict(low, high, claim.accept, exact=claim.exact, complete=not measured.missing),
        "seconds": round(sum(record.seconds for record in records), 1),
        "date": _today(),
        "version": claim_version(study, claim, [record.id for record in records], codes),
    }


def claim_version(study: Study, claim: Claim, runs: Sequence[str], code: set[str]) -> str:
    """Hash what a measured row depends on: the claim, the published curve that it compares with, the ids of its runs, the
    code of the runs, and the analysis.
    """
    compared = [repr(curve)] if (curve := curve_of(claim.quantity, study.published)) else []
    parts = [
        canonical_json(claim),
        *compared,
        *sorted(runs),
        *sorted(code),
        code_version((quantity_module(claim.quantity), VERDICTS)),
    ]
    return sha256("\n".join(parts).encode()).hexdigest()[:12]


def _write(
    folder: StudyFolder,
    study: Study,
    scale: str,
    arms: Mapping[str, Sequence[Run]],
    claims: list[ClaimRow],
    command: str,
) -> None:
    runs = {arm: [run.id for run in of_arm] for arm, of_arm in arms.items()}
    record = {
        "study": study.model_dump(mode="json"),
        "scale": scale,
        "runs": runs,
        "command": command,
        "date": _today(),
    }
    write_atomic(folder.path / "study.json", plain_json(record, indent=1))
    write_atomic(folder.path / "claims.json", plain_json({"claims": claims}, indent=1))
    export(table([run for of_arm in folder.folders().values() for run in of_arm]), folder.path / "table.csv")


def _today() -> str:
    return datetime.now(UTC).date().isoformat()
