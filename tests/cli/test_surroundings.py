"""Faults of the surroundings, told as theirs with a remedy: never as a mistake in byheart."""

import errno

import pytest

from byheart import cli
from byheart._checks import InputError, expanded
from byheart.cli.errors import explained


def told(capsys, *words):
    assert cli.main(list(words)) == 1
    lines = capsys.readouterr().err.splitlines()[-3:]
    assert [line.partition(":")[0] for line in lines] == ["error", "need", "remedy"]
    assert "mistake" not in "\n".join(lines)
    return lines


VERBS = {
    "dedup": ["dedup", "{}"],
    "samples": ["audit", "--samples", "{}", "--train", "digits:0-60"],
    "train": ["audit", "--samples", "digits:0-60", "--train", "{}"],
    "heldout": ["audit", "--samples", "digits:0-60", "--train", "digits:60-120", "--heldout", "{}"],
    "collapse": ["theory", "collapse", "--data", "{}"],
    "sample": ["sample", "--closed-form", "empirical", "--data", "{}"],
    "study": ["study", "onset", "--data", "{}"],
}


@pytest.mark.parametrize("words", VERBS.values(), ids=VERBS)
def test_a_user_that_does_not_exist(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    error, _, remedy = told(capsys, *(word.format("~nobody_at_all/x") for word in words))
    assert "~nobody_at_all" in error and "path" in remedy


def test_a_home_that_nobody_knows(monkeypatch):
    import pwd

    def unknown(number):
        raise KeyError(number)

    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    with pytest.raises(InputError, match=r"~/x, where ~ stands for no home folder; need .*HOME"):
        expanded("~/x")


@pytest.mark.parametrize(
    "words", [["dedup", "x"], ["theory", "collapse", "--data", "digits", "--size", "4"]], ids=" ".join
)
def test_a_current_folder_that_was_deleted(words, tmp_path, monkeypatch, capsys):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    told(capsys, *words)


def test_own_code_in_a_current_folder_that_was_deleted(tmp_path, monkeypatch, capsys):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    error, _, remedy = told(capsys, "audit", "--samples", "own:code", "--train", "digits:0-60")
    assert (
        error == "error: got a current folder that is no longer there"
        and remedy == "remedy: go to one that exists: cd"
    )


def raised(action):
    try:
        action()
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def raising(error):
    def action():
        raise error

    return action


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "free space there"),
        (OSError(errno.ENOSPC, "No space left on device", "out.json"), "make room"),
        (OSError(errno.EMFILE, "Too many open files"), "ulimit -n"),
        (OSError(errno.EROFS, "Read-only file system", "runs"), "this file system is read-only"),
        (PermissionError(errno.EACCES, "Permission denied", "runs"), "who may use it"),
        (OSError(errno.EIO, "Input/output error"), "standard output (Input/output error)"),
        (OSError(errno.EIO, "Input/output error", b"a\xff"), "a path that can be used"),
        (OSError("an odd one"), "an odd one"),
        (FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp', '/x']"), "TMPDIR"),
        (MemoryError(), "end other programs"),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
            "end other programs",
        ),
        (RuntimeWarning("overflow"), "PYTHONWARNINGS"),
    ],
    ids=str,
)
def test_what_the_system_says_is_told_with_a_remedy(error, said):
    text = explained(raised(raising(error)))
    assert said in text and "mistake" not in text and len(text.splitlines()) == 3


def test_what_remains_is_ours():
    assert "this is a mistake in byheart" in explained(raised(raising(KeyError("seen"))))


def test_a_folder_in_which_nothing_may_be_written(tmp_path, monkeypatch, capsys):
    from pathlib import Path

    def refused(path, *arguments, **named):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Path, "mkdir", refused)
    error, _, remedy = told(capsys, "theory", "collapse", "--data", "digits", "--size", "4", "--n", "50")
    assert "Permission denied" in error and "who may use it" in remedy


def test_a_mistake_of_ours_below_a_call_of_somebody_elses_is_ours(monkeypatch):
    from byheart import random

    assert "mistake in byheart" in explained(raised(lambda: random.streams(0, object(), count=1)))
