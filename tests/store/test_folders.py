"""Run folders: nothing half written reads as whole, and nothing whole is lost."""

import json

import pytest
import torch

from byheart._checks import InputError
from byheart.store import folders
from byheart.store.folders import RunFolder, find_run, list_runs


@pytest.fixture
def folder(tmp_path):
    folder = RunFolder(tmp_path / "abc123")
    folder.start({"spec": {"kind": "training", "n": 4}})
    return folder


def test_header_comes_back(folder):
    assert folder.exists and not folder.done
    assert folder.header()["spec"] == {"kind": "training", "n": 4}


def test_rows_come_back_with_nan_as_null(folder):
    folder.append({"step": 1, "f_mem": 0.5})
    folder.append({"step": 2, "f_mem": float("nan")})
    assert folder.rows() == [{"step": 1, "f_mem": 0.5}, {"step": 2, "f_mem": None}]


def test_row_cut_off_by_a_crash_is_dropped(folder):
    folder.append({"step": 1})
    with (folder.path / "rows.jsonl").open("a") as stream:
        stream.write('{"step": 2, "f_m')
    assert folder.rows() == [{"step": 1}]


def test_a_full_disk_names_the_rows(folder, monkeypatch):
    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folders.os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as raised:
        folder.append({"step": 1})
    assert raised.value.filename == str(folder.path / "rows.jsonl")


def test_rows_after_a_step_are_dropped(folder):
    for step in (1, 2, 3):
        folder.append({"step": step})
    assert folder.keep_rows(2) == [{"step": 1}, {"step": 2}] == folder.rows()


def test_tensors_come_back_exactly(folder):
    saved = {"a": torch.randn(3, 4, generator=torch.Generator().manual_seed(0)), "b": torch.arange(3)}
    folder.save("samples-7", saved, {"step": "7"})
    loaded = folder.load("samples-7")
    assert all(torch.equal(loaded[name], saved[name]) for name in saved)
    assert folder.metadata("samples-7") == {"step": "7"}
    assert folder.sample_steps() == [7]
    assert (folder.arrays("samples-7")["b"] == [0, 1, 2]).all()


def test_no_temporary_file_is_left(folder):
    folder.write_record("done", {"seconds": 1.0})
    assert folder.done
    assert not [path for path in folder.path.iterdir() if path.name.startswith(".done")]


@pytest.mark.parametrize("damage", ["", "{", "[1]"])
def test_damaged_header_is_refused(folder, damage):
    (folder.path / "run.json").write_text(damage)
    with pytest.raises(InputError, match="cannot be read"):
        folder.header()


def test_newer_schema_is_refused(folder):
    (folder.path / "run.json").write_text(json.dumps({"schema": 99}))
    with pytest.raises(InputError, match="schema 99"):
        folder.header()


def test_damaged_tensors_are_refused(folder):
    (folder.path / "state.safetensors").write_bytes(b"not a tensor")
    with pytest.raises(InputError, match="cannot be read"):
        folder.load("state")


def test_second_process_is_refused(folder):
    with folder.locked(), pytest.raises(InputError, match="another process"), RunFolder(folder.path).locked():
        pass
    with folder.locked():  # and after the first one let go, it is free again
        pass


def test_runs_are_found_by_the_beginning_of_their_id(folder, tmp_path):
    RunFolder(tmp_path / "abd999").start({"spec": {}})
    assert [found.id for found in list_runs(tmp_path)] == ["abc123", "abd999"]
    assert find_run(tmp_path, "abc").id == "abc123"
    assert find_run(tmp_path, str(folder.path)).id == "abc123"
    with pytest.raises(InputError, match="fits 2 runs"):
        find_run(tmp_path, "ab")
    with pytest.raises(InputError, match="no run has"):
        find_run(tmp_path, "zzz")
    assert list_runs(tmp_path / "absent") == []
