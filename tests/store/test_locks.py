"""One process a folder, also where the file system has no locks or no hard links."""

import errno
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from byheart._checks import InputError
from byheart.store import choices, locks
from byheart.store.choices import settled
from byheart.store.folders import RunFolder

HOLD = """
import errno, os, sys
from byheart.store import locks
from byheart.store.folders import RunFolder
def refuse(*arguments): raise OSError(errno.ENOLCK, "No locks available")
locks.fcntl.flock = refuse
with RunFolder(locks.Path(sys.argv[1])).locked():
    print("held", flush=True)
    sys.stdin.readline()
    os._exit(9)
"""


def refusing(number):
    def refuse(*arguments, **settings):
        raise OSError(number, os.strerror(number))

    return refuse


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path / "abc")


@pytest.fixture(params=["ENOLCK", "ENOSYS", "ENOTSUP", "EPERM"])
def lockless(request, monkeypatch):
    """A file system without `flock`."""
    monkeypatch.setattr(locks.fcntl, "flock", refusing(getattr(errno, request.param)))


def test_a_second_holder_is_refused_without_locks_too(lockless, folder):
    with folder.locked(), pytest.raises(InputError, match=r"another process.*rm .*owner"), folder.locked():
        pass
    with folder.locked():  # and after the first one let go, it is free again
        pass
    assert [path.name for path in folder.path.iterdir()] == [".lock"]


def test_a_folder_is_free_after_an_error_in_the_block(lockless, folder):
    def fail():
        with folder.locked():
            raise KeyError("work")

    for _ in range(2):
        with pytest.raises(KeyError, match="work"):
            fail()


def test_an_error_that_is_about_something_else_is_not_swallowed(monkeypatch, folder):
    monkeypatch.setattr(locks.fcntl, "flock", refusing(errno.EIO))
    with pytest.raises(OSError, match="Input/output"), folder.locked():
        pass


def test_a_killed_owner_is_followed_and_a_living_one_is_not(monkeypatch, folder):
    monkeypatch.setattr(locks.fcntl, "flock", refusing(errno.ENOLCK))
    words = [sys.executable, "-c", HOLD, str(folder.path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(InputError, match=f"process {holder.pid} on "), folder.locked():
            pass
        holder.communicate("end\n")
    assert (folder.path / locks.OWNER).exists()  # it ended without a word
    with folder.locked():
        assert json.loads((folder.path / locks.OWNER).read_text())["pid"] == str(os.getpid())


@pytest.mark.parametrize("change", [{"machine": "elsewhere pid:[1]"}, None], ids=["another machine", "half"])
def test_an_owner_that_nobody_can_ask_is_named_with_a_remedy_that_helps(change, monkeypatch, folder):
    monkeypatch.setattr(locks.fcntl, "flock", refusing(errno.ENOLCK))
    with folder.locked():
        left = json.loads((folder.path / locks.OWNER).read_text())
    owner = folder.path / locks.OWNER
    owner.write_text("" if change is None else json.dumps(left | {"pid": "999999999"} | change))
    with pytest.raises(InputError) as raised, folder.locked():
        pass
    assert f"rm {owner}" in raised.value.remedy
    owner.unlink()
    with folder.locked():
        pass


def test_an_owner_of_the_same_number_started_at_another_time_is_gone(monkeypatch, folder):
    monkeypatch.setattr(locks.fcntl, "flock", refusing(errno.ENOLCK))
    with folder.locked():
        left = json.loads((folder.path / locks.OWNER).read_text())
    (folder.path / locks.OWNER).write_text(json.dumps(left | {"started": "1"}))
    with folder.locked():
        pass


def test_one_of_many_takes_over(monkeypatch, folder):
    monkeypatch.setattr(locks.fcntl, "flock", refusing(errno.ENOLCK))
    folder.path.mkdir()
    gone = {"machine": locks._machine(), "pid": str(os.getpid()), "started": "1", "token": "a"}
    (folder.path / locks.OWNER).write_text(json.dumps(gone))

    def take(_):
        try:
            return locks._own(folder.path / locks.OWNER, "run")
        except InputError:
            return None

    with ThreadPoolExecutor(8) as pool:
        assert sum(token is not None for token in pool.map(take, range(8))) == 1


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP, errno.ENOSYS])
def test_the_first_choice_is_kept_without_hard_links(number, tmp_path, monkeypatch):
    monkeypatch.setattr(choices.os, "link", refusing(number))

    def beaten():
        settled(tmp_path, "backend", lambda: "blas")  # while this one was still timing
        return "onednn"

    assert settled(tmp_path, "backend", beaten) == "blas"
    assert settled(tmp_path, "backend", lambda: "onednn") == "blas"
    assert len(list((tmp_path / ".choices").iterdir())) == 1


def test_a_choice_that_was_cut_off_is_refused_with_a_remedy_that_helps(tmp_path, monkeypatch):
    monkeypatch.setattr(choices, "PATIENCE", 0.1)
    settled(tmp_path, "backend", lambda: "blas")
    (file,) = (tmp_path / ".choices").iterdir()
    file.write_text("")
    with pytest.raises(InputError, match="was cut off") as raised:
        settled(tmp_path, "backend", lambda: "onednn")
    assert f"rm {file}" in raised.value.remedy
    file.unlink()
    assert settled(tmp_path, "backend", lambda: "onednn") == "onednn"
