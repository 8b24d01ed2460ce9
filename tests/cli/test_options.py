"""What --data and --workers mean."""

import os

import pytest

from byheart._checks import InputError
from byheart.cli import options
from byheart.cli.options import cores, own_data, the_data


def test_no_choice_is_the_study_s_own_data():
    assert own_data(None, None, None, None, False) is None


@pytest.mark.parametrize(
    "settings",
    [(8, None, None, False), (None, 1, None, False), (None, None, 0, False), (None, None, None, True)],
)
def test_settings_need_data(settings):
    flags = ("--size", "--channels", "--heldout", "--distinct")
    given = [
        flag for flag, value in zip(flags, settings, strict=True) if value is not None and value is not False
    ]
    with pytest.raises(InputError, match=f"got {given[0]} without --data"):
        own_data(None, *settings)


def test_a_name_wins_over_a_folder_of_that_name(tmp_path, monkeypatch):
    (tmp_path / "digits").mkdir()
    monkeypatch.chdir(tmp_path)
    assert the_data("digits").name == "digits"
    assert the_data("./digits").name == "folder"


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


@pytest.mark.parametrize("choice", ["digitz", "no/such/folder", "x.npz", "celeba=nowhere"])
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
