"""What --data and --workers mean."""

import os

import pytest

from byheart._checks import InputError
from byheart.cli import options
from byheart.cli.options import cores, of_images, own_data, the_data
from byheart.data.reader.reading import Reading
from byheart.data.spec import Data


def test_no_choice_is_the_study_s_own_data():
    assert own_data(None, distinct=False, settings={"size": None, "white": None}) is None


@pytest.mark.parametrize(
    ("settings", "distinct", "said"),
    [
        ({"size": 8}, False, "--size"),
        ({"channels": 1}, False, "--channels"),
        ({"heldout": 0}, False, "--heldout"),
        ({"fit": "squash", "white": 1}, False, "--fit and --white"),
        ({"size": None}, True, "--distinct"),
    ],
)
def test_settings_need_data(settings, distinct, said):
    with pytest.raises(InputError, match=f"{said} without --data"):
        own_data(None, distinct=distinct, settings=settings)


def test_how_pictures_are_read_is_a_setting_of_the_data():
    asked = of_images(16, None, "stored", "squash", "hidden", 4095)
    assert the_data("digits", **asked).reading == Reading("stored", "squash", "hidden", 4095)
    assert the_data("digits", **of_images(None, None, None, None, None, None)) == Data()


def test_a_name_that_is_a_folder_too_is_refused_with_both_ways_out(tmp_path, monkeypatch):
    (tmp_path / "digits").mkdir()
    (tmp_path / "celeba").touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        InputError, match=r"also a folder.*\./digits for the folder, or name:digits for the set"
    ):
        the_data("digits")
    with pytest.raises(InputError, match="also a file"):
        the_data("celeba")
    assert the_data("./digits").name == the_data("digits/").name == "folder"
    assert the_data("name:digits").name == "digits"
    assert the_data("celeba=digits").path == str(tmp_path / "digits")


def test_words_that_need_a_path_are_no_names(tmp_path, monkeypatch):
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    assert (the_data("folder").name, the_data("folder").path) == ("folder", str(tmp_path / "folder"))


def test_a_path_may_hold_any_character(tmp_path, monkeypatch):
    (tmp_path / "runs" / "lr=0.1").mkdir(parents=True)
    (tmp_path / "x=y").mkdir()
    monkeypatch.chdir(tmp_path)
    assert the_data("runs/lr=0.1").path == str(tmp_path / "runs" / "lr=0.1")
    assert the_data("x=y").path == str(tmp_path / "x=y")


def test_home_is_found_behind_a_name_too(tmp_path, monkeypatch):
    (tmp_path / "faces").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    assert the_data("celeba=~/faces").path == the_data("~/faces").path == str(tmp_path / "faces")


def test_a_part_of_a_set_is_refused():
    with pytest.raises(InputError, match="a part of a set"):
        the_data("digits:0-100")


def test_a_folder_is_kept_by_its_full_path(tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path)
    found = the_data("mine", size=16, channels=3, heldout=40)
    assert (found.name, found.path) == ("folder", str(tmp_path / "mine"))
    assert (found.size, found.channels, found.heldout) == (16, 3, 40)


def test_an_array_file(tmp_path):
    (tmp_path / "x.npz").touch()
    assert the_data(str(tmp_path / "x.npz")).name == "arrays"


def test_a_named_set_at_a_path(tmp_path):
    found = the_data(f"celeba={tmp_path}")
    assert (found.name, found.path) == ("celeba", str(tmp_path))


@pytest.mark.parametrize(
    "choice", ["digitz", "no/such/folder", "x.npz", "celeba=nowhere", "name:nothing", "x" * 5000]
)
def test_what_is_not_there_is_refused(choice, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="where nothing lies"):
        the_data(choice)


def test_workers_default_to_the_cores_at_hand():
    assert cores(None, "cpu") == len(os.sched_getaffinity(0))
    assert cores(3) == 3


def test_one_worker_on_a_gpu(monkeypatch):
    monkeypatch.setattr(options, "_has_gpu", lambda: True)
    assert cores(None, "auto") == cores(None, "cuda") == 1
    assert cores(None, "cpu") == len(os.sched_getaffinity(0))
    assert cores(3, "cuda") == 3


@pytest.mark.parametrize("count", [0, -2])
def test_fewer_than_one_worker_is_refused(count):
    with pytest.raises(InputError, match="at least 1"):
        cores(count)
