"""A damaged file is found, named by file and line, and hits its own run only."""

import json
import os
from pathlib import Path

import pytest
import torch

from byheart._checks import InputError
from byheart.store.damage import damage, damaged
from byheart.store.folders import RunFolder, list_runs

SPEC = {"kind": "training", "n": 4, "seed": 0}


@pytest.fixture
def folder(tmp_path):
    folder = RunFolder(tmp_path / "abc")
    folder.start({"spec": SPEC})
    for step in (1, 2, 3):
        folder.append({"step": step})
    for name in ("references", "data", "clock", "done"):
        folder.write_record(name, {"seconds": 1.0})
    folder.save("model", {"weight": torch.zeros(100)}, {"step": "3"})
    return folder


def cut(file, keep):
    file.write_bytes(file.read_bytes()[:keep])


def replace_line(folder, line):
    lines = (folder.path / "rows.jsonl").read_bytes().split(b"\n")
    lines[1] = line
    (folder.path / "rows.jsonl").write_bytes(b"\n".join(lines))


def test_a_sound_run_and_no_run_are_not_damaged(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    assert damage(folder) is None
    assert damage(RunFolder(tmp_path / "empty")) is None and damage(RunFolder(tmp_path / "absent")) is None
    assert [run.id for run in list_runs(tmp_path)] == ["abc"]


def test_a_row_cut_off_by_a_crash_is_no_damage(folder):
    with (folder.path / "rows.jsonl").open("a") as stream:
        stream.write('{"step": 4, "f_m')
    assert damage(folder) is None


@pytest.mark.parametrize(
    "line", [b'{"step": 2, "f_m', b"\0" * 20, b"\xff\xfe", b"[1]", b'{"n": 2}'], ids=repr
)
def test_a_damaged_row_is_named_by_its_line(line, folder):
    replace_line(folder, line)
    with pytest.raises(InputError, match=r"rows\.jsonl, which cannot be read \(line 2: "):
        folder.rows()
    assert "rows.jsonl" in damage(folder).got and "delete the run's folder" in damage(folder).remedy


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("run.json", "delete the run's folder"),
        ("references.json", "delete the run's folder"),
        ("data.json", "delete the run's folder"),
        ("done.json", "delete this file"),
        ("clock.json", "delete this file"),
        ("model.safetensors", "delete the run's folder"),
    ],
)
@pytest.mark.parametrize("keep", [0, 12])
def test_a_truncated_file_is_named_with_what_to_do(name, remedy, keep, folder):
    cut(folder.path / name, keep)
    assert str(folder.path / name) in damage(folder).got
    assert remedy in damage(folder).remedy


def test_tensors_that_lack_a_few_bytes_are_damaged(folder):
    file = folder.path / "model.safetensors"
    cut(file, file.stat().st_size - 4)
    assert "model.safetensors" in damage(folder).got


@pytest.mark.parametrize("spec", [None, [], {"kind": "training"}])
def test_a_header_without_settings_is_damaged(spec, folder):
    (folder.path / "run.json").write_text(json.dumps({"schema": 1, "spec": spec}))
    assert "run.json without" in damage(folder).got


def test_a_run_without_its_header_is_listed_and_damaged(folder, tmp_path):
    (folder.path / "run.json").unlink()
    assert [run.id for run in list_runs(tmp_path)] == ["abc"]
    assert "run.json" in damaged(list_runs(tmp_path))["abc"].got


def test_the_others_are_not_damaged(folder, tmp_path):
    other = RunFolder(tmp_path / "other")
    other.start({"spec": SPEC})
    replace_line(folder, b"x")
    assert list(damaged(list_runs(tmp_path))) == ["abc"]


@pytest.mark.parametrize("where", ["file", "folder"])
def test_a_run_that_may_not_be_read_is_listed_with_whom_to_ask(where, folder, tmp_path, monkeypatch):
    """Root may read everything: the answer of the system is made up."""
    real = {"exists": Path.exists, "read_text": Path.read_text, "read_bytes": Path.read_bytes}

    def closed(name):
        def ask(path, *arguments, **settings):
            if folder.path in path.parents and not (where == "file" and name == "exists"):
                raise PermissionError(13, os.strerror(13), str(path))
            return real[name](path, *arguments, **settings)

        return ask

    for name in real:
        monkeypatch.setattr(Path, name, closed(name))
    assert [run.id for run in list_runs(tmp_path)] == ["abc"]
    assert "may not be read (Permission denied)" in damage(folder).got
    assert damage(folder).remedy == f"ask its owner for it: chmod -R a+rX {folder.path}"
