"""Many runs as one table, and out to CSV, JSON lines and Parquet."""

import csv
import json

import pyarrow.parquet
import pytest

from byheart._checks import InputError
from byheart.store.folders import RunFolder
from byheart.store.tables import export, flat, table


@pytest.fixture
def rows(tmp_path):
    for n in (32, 64):
        folder = RunFolder(tmp_path / f"run{n}")
        folder.start({"spec": {"n": n, "model": {"kind": "mlp", "sizes": [1, 2]}}})
        folder.append({"step": 1, "f_mem": 0.25})
        folder.append({"step": 2, "f_mem": None, "fd": 1.5})
    return table([RunFolder(tmp_path / "run32"), RunFolder(tmp_path / "run64")])


def test_rows_carry_their_settings(rows):
    assert len(rows) == 4
    assert rows[2] == {
        "run": "run64", "spec.n": 64, "spec.model.kind": "mlp", "spec.model.sizes": "[1, 2]", "step": 1, "f_mem": 0.25,
    }  # fmt: skip


def test_flat_keeps_plain_values():
    assert flat({"a": {"b": None, "c": True}, "d": 1.5}) == {"a.b": None, "a.c": True, "d": 1.5}


def test_specifications_in_a_list_are_flattened_under_their_kinds():
    measures = [{"kind": "copies", "thresholds": [0.5]}, {"kind": "fd"}]
    assert flat({"measures": measures, "levels": [], "more": [{"width": 1}]}) == {
        "measures": "copies+fd", "measures.copies.thresholds": "[0.5]", "levels": "[]", "more": "[{'width': 1}]",
    }  # fmt: skip


def test_csv_has_every_column(rows, tmp_path):
    export(rows, tmp_path / "table.csv")
    read = list(csv.DictReader((tmp_path / "table.csv").read_text().splitlines()))
    assert len(read) == 4 and read[1]["fd"] == "1.5" and read[0]["fd"] == ""


def test_json_lines_and_parquet_agree(rows, tmp_path):
    export(rows, tmp_path / "table.jsonl")
    export(rows, tmp_path / "table.parquet")
    lines = [json.loads(line) for line in (tmp_path / "table.jsonl").read_text().splitlines()]
    stored = pyarrow.parquet.read_table(tmp_path / "table.parquet").to_pylist()
    assert [row["f_mem"] for row in lines] == [row["f_mem"] for row in stored] == [0.25, None, 0.25, None]


def test_other_endings_and_empty_tables_are_refused(rows, tmp_path):
    with pytest.raises(InputError, match=r"\.xlsx"):
        export(rows, tmp_path / "table.xlsx")
    with pytest.raises(InputError, match="without rows"):
        export([], tmp_path / "table.csv")
