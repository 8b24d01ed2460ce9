"""Many runs as one flat table, and files of the table for other tools."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path

from byheart._checks import InputError, extra_missing
from byheart._records import Scalar, plain_json, write_atomic
from byheart.store.folders import Row, RunFolder

__all__ = ["export", "flat", "table"]


def table(folders: Iterable[RunFolder]) -> list[Row]:
    """List all records of the runs, one per row: `run`, the run's settings as `spec.…`, then the record itself.

    pandas.DataFrame(table(…)) and duckdb read these rows directly.
    """
    rows: list[Row] = []
    for folder in folders:
        settings = {"run": folder.id} | flat(folder.header()["spec"], "spec.")
        rows += [settings | row for row in folder.rows()]
    return rows


def flat(nested: Mapping[str, object], prefix: str = "") -> dict[str, Scalar]:
    """Flatten a nested record to dotted names; lists become text.

    A list of specifications becomes their kinds, `measures = "copies+loss_gap"`, and the settings of each under its kind,
    `measures.loss_gap.seed`.
    """
    found: dict[str, Scalar] = {}
    for key, value in nested.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{key}.")
        elif kinds := _kinds(value):
            found[prefix + key] = "+".join(kinds)
            for kind, settings in kinds.items():
                found |= flat(settings, f"{prefix}{key}.{kind}.")
        else:
            found[prefix + key] = value if isinstance(value, str | int | float | bool | None) else str(value)
    return found


def _kinds(value: object) -> dict[str, dict[str, object]]:
    """Map the kind of every specification in a list to its other settings; empty for any other value."""
    if not isinstance(value, list) or not all(isinstance(spec, Mapping) and "kind" in spec for spec in value):
        return {}
    return {str(spec["kind"]): {key: spec[key] for key in spec if key != "kind"} for spec in value}


def export(rows: list[Row], path: Path) -> None:
    """Write a table as .csv, .jsonl or .parquet (by the ending), completely or not at all.

    Raises InputError for another ending or an empty table, ImportError if the library for Parquet is missing.
    """
    if not rows:
        raise InputError(
            got="a table without rows", need="at least one evaluation", remedy="run something first"
        )
    match path.suffix:
        case ".csv":
            write_atomic(path, _csv(rows))
        case ".jsonl":
            write_atomic(path, "".join(plain_json(row) + "\n" for row in rows))
        case ".parquet":
            write_atomic(path, _parquet(rows))
        case other:
            raise InputError(
                got=f"the ending {other!r}", need=".csv, .jsonl or .parquet", remedy="rename the output file"
            )


def _columns(rows: list[Row]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _csv(rows: list[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, _columns(rows), restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _parquet(rows: list[Row]) -> bytes:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise extra_missing("writing Parquet", "parquet") from None
    columns = {name: [row.get(name) for row in rows] for name in _columns(rows)}
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), buffer)
    return buffer.getvalue()
