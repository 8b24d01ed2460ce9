"""Finished work is never lost to its output: numbers first, pictures that may fail last, and places checked before."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from audit_example import copying
from dedup_example import duplicates

from byheart.auditing.dedup_result import DedupResult
from byheart.auditing.result import AuditResult
from byheart.cli import main

AUDIT = ["audit", "--samples", "made", "--train", "train"]


@pytest.fixture
def finished(monkeypatch, tmp_path):
    """Audits and deduplications that are done at once."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("byheart.auditing.audit.audit", lambda **settings: copying())
    monkeypatch.setattr("byheart.auditing.dedup.dedup", lambda train, **settings: duplicates())


@pytest.fixture
def undrawable(monkeypatch):
    """No page can be drawn, for a reason of two lines."""

    def fail(*arguments):
        raise RuntimeError("latex could not be found\nlook for it")

    for page in ("page.audit_page", "dedup.dedup_page"):
        monkeypatch.setattr(f"byheart.auditing.page.{page}", fail)


@pytest.mark.parametrize(("words", "code"), [(AUDIT, 2), (["dedup", "train"], 0)], ids=["audit", "dedup"])
def test_a_page_that_cannot_be_drawn_loses_neither_numbers_nor_verdict(
    words, code, finished, undrawable, tmp_path, capsys
):
    assert main([*words, "--html", "a.html", "--json", "b.json"]) == code
    written = capsys.readouterr()
    assert json.loads((tmp_path / "b.json").read_text())["seed"] == 0
    assert not (tmp_path / "a.html").exists()
    assert "copies" in written.out and "a.html" not in written.out and "b.json" in written.out
    (line,) = written.err.splitlines()
    assert line.startswith("warning: the page could not be drawn (RuntimeError: latex could not be found); ")
    assert line.endswith("byheart report b.json --html a.html")


def test_a_result_whose_page_cannot_be_drawn_is_kept_beside_it_over_no_other_file(
    finished, undrawable, tmp_path, capsys
):
    (tmp_path / "a.json").write_text("mine")
    assert main([*AUDIT, "--html", "a.html"]) == 2
    assert "byheart report a.1.json --html a.html" in capsys.readouterr().err
    assert AuditResult.read(tmp_path / "a.1.json") == copying()
    assert (tmp_path / "a.json").read_text() == "mine"


@pytest.mark.parametrize("words", [AUDIT, ["dedup", "train"]], ids=["audit", "dedup"])
def test_report_draws_the_page_of_a_stored_result(words, finished, tmp_path, capsys):
    main([*words, "--html", "a.html", "--json", "b.json"])
    capsys.readouterr()
    assert main(["report", "b.json"]) == 0
    assert capsys.readouterr().out == "b.html\n"
    assert main(["report", "b.json", "--html", "c.html"]) == 0
    page = (tmp_path / "a.html").read_text()
    assert (tmp_path / "b.html").read_text() == page == (tmp_path / "c.html").read_text()


def test_report_of_a_stored_result_needs_no_torch(tmp_path):
    copying().save_json(tmp_path / "b.json")
    code = (
        "import sys; from byheart.cli import main; main(['report', 'b.json']); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.split() == ["b.html", "False"], done.stderr


def test_what_is_no_result_has_no_page(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b.json").write_text('{"verdict": 1}')
    assert main(["report", "b.json"]) == 1
    assert "b.json, which holds no result of an audit" in capsys.readouterr().err
    assert main(["report", ".", "--html", "a.html"]) == 1


def test_duplicates_come_back(tmp_path):
    assert DedupResult.read(duplicates().save_json(tmp_path / "b.json")) == duplicates()


@pytest.mark.parametrize("flag", ["--json", "--html"])
def test_a_full_disk_leaves_the_verdict_and_says_which_file(flag, finished, capsys):
    assert main([*AUDIT, flag, "/dev/full"]) == 1
    written = capsys.readouterr()
    assert written.out.startswith("copying  ")
    assert written.err.splitlines() == [
        "error: got /dev/full (No space left on device)",
        "need: free space there",
        "remedy: make room, or name a place that has some: df -h",
    ]


@pytest.mark.parametrize("words", [["ls"], ["claims"], ["version"]], ids=" ".join)
def test_a_full_disk_behind_standard_output_is_told(words, tmp_path):
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "byheart", *words]
        done = subprocess.run(command, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == "error: got standard output (No space left on device)"
    assert len(done.stderr.splitlines()) == 3


def test_a_reader_of_the_result_who_went_away_is_an_error(finished, tmp_path, capsys):
    reading, writing = os.pipe()
    os.close(reading)
    assert main([*AUDIT, "--json", f"/dev/fd/{writing}"]) == 1
    os.close(writing)
    written = capsys.readouterr()
    assert written.out.startswith("copying  ")
    assert f"error: got /dev/fd/{writing} (Broken pipe)" in written.err


def test_results_may_go_to_devices(finished, tmp_path):
    assert main([*AUDIT, "--html", "/dev/null", "--json", "/dev/null"]) == 2
    assert Path("/dev/null").is_char_device()


def test_a_result_on_standard_output_stands_before_the_summary(tmp_path):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).integers(0, 256, (5, 16, 16), dtype=np.uint8))
    command = [sys.executable, "-m", "byheart", "dedup", "x.npy", "--json", "/dev/stdout"]
    with (tmp_path / "out").open("w") as stream:
        subprocess.run(command, cwd=tmp_path, stdout=stream, stderr=subprocess.DEVNULL, check=True)
    result, end = json.JSONDecoder().raw_decode((tmp_path / "out").read_text())
    assert result["distinct"] == 5
    assert "No duplicates were found among 5 images" in (tmp_path / "out").read_text()[end:]


@pytest.mark.parametrize(
    ("file", "got"),
    [
        ("folder", "{name}, which is a folder"),
        ("link-to-folder", "{name}, which is a folder"),
        ("nowhere/a", "{name}, in a folder that does not exist"),
        ("dangling", "{name}, in a folder that does not exist"),
        ("a" * 256, "with a name of 256 bytes"),
    ],
    ids=["folder", "link", "nowhere", "dangling", "long"],
)
@pytest.mark.parametrize(
    ("words", "suffix"),
    [
        ([*AUDIT, "--json"], ""),
        ([*AUDIT, "--html"], ""),
        (["dedup", "train", "--csv"], ""),
        (["theory", "crossover", "--json"], ""),
        (["theory", "crossover", "--figure"], ".png"),
        (["theory", "collapse", "--figure"], ".png"),
        (["sample", "--closed-form", "gaussian", "--out"], ".npz"),
        (["ls", "--table"], ".csv"),
    ],
    ids=lambda words: " ".join(words[:1] + words[-1:]) if isinstance(words, list) else "",
)
def test_places_that_cannot_be_written_are_refused_before_the_work(
    words, suffix, file, got, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / f"folder{suffix}").mkdir()
    (tmp_path / f"link-to-folder{suffix}").symlink_to(f"folder{suffix}")
    (tmp_path / f"dangling{suffix}").symlink_to("nowhere/file")
    name = file[: len(file) - len(suffix)] + suffix if len(file) > 200 else file + suffix
    before = sorted(tmp_path.rglob("*"))
    assert main([*words, name]) == 1
    written = capsys.readouterr()
    assert got.format(name=name) in written.err.splitlines()[0]
    assert len(written.err.splitlines()) == 3 and written.out == ""
    assert sorted(tmp_path.rglob("*")) == before


def test_samples_that_are_no_pictures_are_refused_before_they_are_drawn(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(40, 3)).astype("float32"))
    monkeypatch.setattr("byheart.sampling.draw.sample", lambda *a, **k: pytest.fail("drawn"))
    assert main(["sample", "--closed-form", "gaussian", "--data", "x.npy", "--out", "x.png"]) == 1
    assert "samples of shape" in capsys.readouterr().err


def test_a_figure_that_cannot_be_drawn_loses_no_forecast(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("byheart.report.vector.png", lambda figure: 1 / 0)
    words = [
        "theory",
        "crossover",
        "--dimension",
        "4",
        "--components",
        "2",
        "--n",
        "20",
        "--models",
        "5",
        "20",
    ]
    words += ["--restarts", "2", "--samples", "20", "--json", "a.json", "--figure", "a.png"]
    assert main(words) == 0
    written = capsys.readouterr()
    assert "M/N" in written.out and "figure:" not in written.out
    assert "warning: the figure could not be drawn (ZeroDivisionError" in written.err
    assert (tmp_path / "a.json").exists() and not (tmp_path / "a.png").exists()
