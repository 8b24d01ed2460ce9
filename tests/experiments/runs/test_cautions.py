"""Images that repeat, and images on both sides, are said aloud."""

from byheart.experiments.runs.cautions import cautions
from byheart.store.folders import RunFolder


def folder(path, repeated, shared):
    found = RunFolder(path)
    found.write_record("references", {"train/duplicates": repeated})
    found.write_record("data", {"overlap": shared})
    return found


def test_clean_runs_and_runs_that_do_not_know_yet_give_none(tmp_path):
    assert cautions([folder(tmp_path / "a", 0, 0), RunFolder(tmp_path / "b")]) == []


def test_the_worst_run_is_named(tmp_path):
    folders = [folder(tmp_path / "a", 2, 0), folder(tmp_path / "b", 7, 3)]
    repeat, overlap = cautions(folders)
    assert "up to 7 of a run's training images" in repeat and "--distinct" in repeat
    assert "up to 3 held-out images" in overlap


def test_images_on_both_sides_are_said_also_where_none_repeats(tmp_path):
    (only,) = cautions([folder(tmp_path / "a", 0, 3), folder(tmp_path / "b", 0, 1)])
    assert "up to 3 held-out images" in only


def test_runs_of_several_codes_are_said(tmp_path):
    folders = [folder(tmp_path / "a", 0, 0), folder(tmp_path / "b", 0, 0)]
    for found, code in zip(folders, ("old", "new"), strict=True):
        found.start({"code": code, "spec": {}})
    (only,) = cautions(folders)
    assert "different versions of the code (new, old)" in only
