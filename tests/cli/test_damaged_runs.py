"""One damaged run hits itself: the others are listed, loaded, resumed and reported."""

import json
import shutil

import pytest
from tiny_study import STUDY

from byheart.cli import main
from byheart.store.folders import RunFolder, list_runs


@pytest.fixture(scope="module")
def conducted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("damaged")
    (folder / "tiny.toml").write_text(STUDY)
    assert study(folder) == 0
    return folder


@pytest.fixture
def place(conducted, tmp_path):
    """A copy of a conducted study, to be damaged."""
    shutil.copytree(conducted, tmp_path / "copy")
    return tmp_path / "copy"


def study(folder) -> int:
    words = [str(folder / "tiny.toml"), "--scale", "ci", "--workers", "1", "--root", str(folder / "runs")]
    return main(["study", *words])


def damage_a_line(folder: RunFolder) -> None:
    lines = (folder.path / "rows.jsonl").read_text().split("\n")
    (folder.path / "rows.jsonl").write_text("\n".join([lines[0], lines[1][:20], *lines[2:]]))


def damage_a_record(folder: RunFolder) -> None:
    (folder.path / "done.json").write_text("")


def damage_the_header(folder: RunFolder) -> None:
    (folder.path / "run.json").write_text('{"schema": 1')


def damage_the_samples(folder: RunFolder) -> None:
    file = folder.path / f"samples-{folder.sample_steps()[-1]}.safetensors"
    file.write_bytes(file.read_bytes()[:-10])


DAMAGES = [
    (damage_a_line, "rows.jsonl, which cannot be read (line 2: "),
    (damage_a_record, "done.json, which cannot be read ("),
    (damage_the_header, "run.json, which cannot be read ("),
    (damage_the_samples, ".safetensors, which cannot be read ("),
]
every_damage = pytest.mark.parametrize(
    ("harm", "said"), DAMAGES, ids=["line", "done", "header", "safetensors"]
)


@every_damage
def test_ls_lists_the_damaged_run_as_damaged_and_the_others_as_they_are(harm, said, place, capsys):
    first = list_runs(place / "runs")[0]
    harm(first)
    assert main(["ls", "--root", str(place / "runs")]) == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    (bad,) = [line for line in lines if line.startswith(first.id)]
    assert "damaged" in bad and said in bad and "delete" in bad
    assert bad.split()[1] == ("–" if harm is damage_the_header else "training")
    assert sum("whole" in line for line in lines) == 3


def test_a_run_whose_settings_name_no_data_is_listed_too(tmp_path, capsys):
    RunFolder(tmp_path / "abc").start({"spec": {"kind": "audit", "n": 100, "seed": 3}})
    assert main(["ls", "--root", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[:5] == ["abc", "audit", "–", "100", "3"]


def test_a_table_leaves_the_damaged_run_out_and_says_so(place, capsys):
    first = list_runs(place / "runs")[0]
    damage_a_line(first)
    assert main(["ls", "--root", str(place / "runs"), "--table", str(place / "all.csv")]) == 0
    written = capsys.readouterr()
    assert "of 3 runs" in written.out
    assert f"run {first.id} is left out" in written.err and "line 2" in written.err
    assert first.id not in (place / "all.csv").read_text()


@every_damage
def test_a_report_leaves_the_damaged_run_out_and_says_so(harm, said, place, capsys):
    first = list_runs(place / "runs")[0]
    harm(first)
    (page,) = (place / "runs").glob("tiny-ci-*/report.html")
    page.unlink()
    assert main(["report", str(page.parent)]) == 0
    written = capsys.readouterr()
    assert written.out.strip() == str(page)
    assert f"run {first.id} is left out" in written.err and said in written.err
    assert f"run {first.id} is left out" in page.read_text()


def test_a_report_without_a_run_that_is_gone(place, capsys):
    first = list_runs(place / "runs")[0]
    shutil.rmtree(first.path)
    (page,) = (place / "runs").glob("tiny-ci-*/report.html")
    assert main(["report", str(page.parent)]) == 0
    assert f"no run in {first.path}" in capsys.readouterr().err


def test_a_report_of_damaged_runs_alone_is_refused_by_the_first(place, capsys):
    for run in list_runs(place / "runs"):
        damage_a_line(run)
    (page,) = (place / "runs").glob("tiny-ci-*/report.html")
    assert main(["report", str(page.parent)]) == 1
    assert "line 2" in capsys.readouterr().err


@every_damage
def test_a_study_goes_on_with_the_other_runs_and_ends_once_the_remedy_was_followed(harm, said, place, capsys):
    first, second, *_ = list_runs(place / "runs")
    harm(first)
    shutil.rmtree(second.path)
    assert study(place) == 1
    assert second.done
    error, _, remedy = capsys.readouterr().err.splitlines()[-3:]
    assert "1 of 4 runs that failed" in error and said in error and str(first.path) in error
    assert "run the same command again" in remedy
    if "delete this file" in remedy:
        (first.path / "done.json").unlink()
    else:
        shutil.rmtree(first.path)
    assert study(place) == 0


def test_another_run_is_loaded(place, tmp_path):
    first, second, *_ = list_runs(place / "runs")
    damage_the_header(first)
    words = ["sample", "--run", second.id, "--root", str(place / "runs"), "--count", "2"]
    assert main([*words, "--out", str(tmp_path / "a.npz")]) == 0
    assert json.loads((first.path / "done.json").read_text())
