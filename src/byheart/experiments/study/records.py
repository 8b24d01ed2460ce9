"""The records behind the claims of a study, committed beside them: what runs measured, without samples and states.

studies/<study>/records/<scale>.jsonl.gz     one line per run: its settings, rows, references, data, code and seconds
studies/<study>/records/code.json            the files of each version of the code, to name the file that changed

With these records a claim is decided again in seconds after a change of the analysis or of the claim.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from byheart._records import plain_json, write_atomic
from byheart.experiments.catalog import RECIPES, study_home
from byheart.experiments.runs.curves import Curve, curve_of_run
from byheart.experiments.runs.run import Run
from byheart.experiments.version import code_files, run_code, run_module
from byheart.store.folders import RunFolder

__all__ = [
    "CodeTables",
    "RunRecord",
    "current_records",
    "read_code_tables",
    "read_run_records",
    "record_of",
    "write_code_tables",
    "write_run_records",
]


@dataclass(frozen=True)
class RunRecord:
    """What is kept of a complete run.  code: version of the code that carried out the run.  data: facts about the run's data."""

    curve: Curve
    code: str
    seconds: float
    data: dict[str, Any]

    @property
    def id(self) -> str:
        """Return the id of the run."""
        return self.curve.id


def record_of(folder: RunFolder) -> RunRecord:
    """Read the record of a run from its folder."""
    seconds = float(folder.read_record("done").get("seconds", 0.0))
    return RunRecord(curve_of_run(folder), str(folder.header()["code"]), seconds, folder.read_record("data"))


def read_run_records(study: str, scale: str, root: Path = RECIPES) -> dict[str, RunRecord]:
    """Read the committed records of a study at a scale, by the id of the run; empty if there are no records."""
    file = _file(study, scale, root)
    if not file.exists():
        return {}
    lines = gzip.decompress(file.read_bytes()).decode().splitlines()
    records = (_parsed(json.loads(line)) for line in lines)
    return {record.id: record for record in records}


def write_run_records(study: str, scale: str, records: Iterable[RunRecord], root: Path = RECIPES) -> None:
    """Write the records of a study at a scale, in the order of their ids: equal records give equal bytes."""
    lines = [plain_json(_plain(record)) for record in sorted(records, key=lambda record: record.id)]
    content = gzip.compress(("\n".join(lines) + "\n").encode(), mtime=0)
    write_atomic(_file(study, scale, root), content)


def current_records(runs: Sequence[Run], known: Mapping[str, RunRecord]) -> list[RunRecord] | None:
    """Find the records of all these runs, made by today's code; None if any of them is missing or older."""
    records = [known.get(run.id) for run in runs]
    current = [
        record
        for run, record in zip(runs, records, strict=True)
        if record is not None and record.code == run_code(run.kind)
    ]
    return current if len(current) == len(runs) else None


@dataclass(frozen=True)
class CodeTables:
    """The files of versions of the code: path -> digest of the file alone.

    runs: version of the code of a run -> its files.  analysis: id of a claim -> the files that measured its quantity.
    """

    runs: dict[str, dict[str, str]]
    analysis: dict[str, dict[str, str]]

    def with_today(self, kinds: Iterable[str], modules: Mapping[str, str]) -> CodeTables:
        """Add the files of today's code of these kinds of run, and of the analysis of these claims.

        modules: id of a claim -> the module that measures its quantity.
        """
        runs = {run_code(kind): code_files((run_module(kind),)) for kind in kinds}
        analysis = {claim: code_files((module,)) for claim, module in modules.items()}
        return CodeTables({**self.runs, **runs}, {**self.analysis, **analysis})

    def only(self, codes: set[str]) -> CodeTables:
        """Leave out versions of the code that made none of the records."""
        return CodeTables({code: files for code, files in self.runs.items() if code in codes}, self.analysis)


def read_code_tables(study: str, root: Path = RECIPES) -> CodeTables:
    """Read the committed tables of a study; empty ones if there are none."""
    file = _folder(study, root) / "code.json"
    tables = json.loads(file.read_text()) if file.exists() else {}
    return CodeTables(tables.get("runs", {}), tables.get("analysis", {}))


def write_code_tables(study: str, tables: CodeTables, root: Path = RECIPES) -> None:
    """Write the tables of a study."""
    text = json.dumps({"runs": tables.runs, "analysis": tables.analysis}, sort_keys=True, indent=0)
    write_atomic(_folder(study, root) / "code.json", text + "\n")


def _plain(record: RunRecord) -> dict[str, Any]:
    curve = record.curve
    return {
        "id": curve.id,
        "code": record.code,
        "seconds": round(record.seconds, 2),
        "spec": curve.spec,
        "data": record.data,
        "references": curve.references,
        "rows": curve.rows,
    }


def _parsed(plain: Mapping[str, Any]) -> RunRecord:
    spec = plain["spec"]
    curve = Curve(plain["id"], spec["n"], spec["seed"], plain["rows"], plain["references"], spec)
    return RunRecord(curve, plain["code"], plain["seconds"], plain["data"])


def _folder(study: str, root: Path) -> Path:
    return study_home(study, root) / "records"


def _file(study: str, scale: str, root: Path) -> Path:
    return _folder(study, root) / f"{scale}.jsonl.gz"
