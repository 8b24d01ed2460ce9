"""Files appear whole or not at all, and what lies at their place stays what it is: link, device, pipe, permissions."""

import os
import stat
import subprocess
import sys
import threading

import pytest

from byheart import _records
from byheart._records import create_first, is_stream, open_whole, write_atomic

SHELL = "import sys; from pathlib import Path; from byheart._records import write_atomic; "


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("left", [0o600, 0o640, 0o664, 0o644])
def test_a_new_file_has_what_the_umask_leaves(left, tmp_path):
    before = os.umask(0o666 & ~left)
    try:
        write_atomic(tmp_path / "new", "text")
    finally:
        os.umask(before)
    assert mode(tmp_path / "new") == left


def test_a_private_file_is_private_while_it_is_written(tmp_path):
    file = tmp_path / "old"
    file.touch(0o600)
    with open_whole(file) as stream:
        stream.write(b"secret")
        assert {mode(path) for path in tmp_path.iterdir()} == {0o600}


@pytest.mark.parametrize("bits", [0o600, 0o640, 0o664, 0o755])
def test_a_file_that_was_there_keeps_its_permissions(bits, tmp_path):
    file = tmp_path / "old"
    file.write_text("old")
    file.chmod(bits)
    write_atomic(file, "new")
    assert (file.read_text(), mode(file)) == ("new", bits)


@pytest.mark.parametrize("there", [True, False])
def test_the_target_of_a_link_is_replaced_and_the_link_stays(there, tmp_path):
    (tmp_path / "deep").mkdir()
    target, link = tmp_path / "deep/real", tmp_path / "link"
    if there:
        target.write_text("old")
        target.chmod(0o600)
    link.symlink_to("deep/real")
    (tmp_path / "chain").symlink_to("link")
    write_atomic(tmp_path / "chain", "new")
    assert link.is_symlink() and (tmp_path / "chain").is_symlink()
    assert target.read_text() == "new"
    assert not there or mode(target) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["chain", "deep", "link"]


@pytest.mark.parametrize("length", [255, 246])
def test_a_name_may_be_as_long_as_names_may_be(length, tmp_path):
    file = tmp_path / ("ä" * (length // 2) + "a" * (length % 2))
    write_atomic(file, "text")
    assert file.read_text() == "text"


def test_a_pipe_is_written_and_stays_a_pipe(tmp_path):
    pipe, heard = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: heard.append(pipe.read_bytes()))
    reader.start()
    write_atomic(pipe, b"x" * 200_000)  # more than a pipe holds
    reader.join()
    assert heard == [b"x" * 200_000]
    assert pipe.is_fifo() and is_stream(pipe)


def test_a_pipe_that_nobody_reads_is_refused_by_its_name(tmp_path, monkeypatch):
    monkeypatch.setattr(_records, "PATIENCE", 0.1)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="nobody read it") as raised:
        write_atomic(tmp_path / "pipe", "text")
    assert raised.value.filename == str(tmp_path / "pipe")
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")
def test_a_device_stays_a_device(tmp_path):
    try:
        os.mknod(tmp_path / "null", 0o600 | stat.S_IFCHR, os.makedev(1, 3))
    except OSError:
        pytest.skip("no devices may be made here")
    write_atomic(tmp_path / "null", "text")
    assert (tmp_path / "null").is_char_device() and mode(tmp_path / "null") == 0o600


def test_a_full_disk_names_the_path():
    with pytest.raises(OSError, match="No space left") as raised:
        write_atomic(_records.Path("/dev/full"), "text")
    assert raised.value.filename == "/dev/full"


def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch):
    file = tmp_path / "kept"
    file.write_text("old")

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_records.os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as raised:
        write_atomic(file, "new")
    assert raised.value.filename == str(file)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert file.read_text() == "old"


def test_a_folder_is_refused(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    for name in ("folder", "link"):
        with pytest.raises(IsADirectoryError, match=name):
            write_atomic(tmp_path / name, "text")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "link"]


def test_an_error_in_the_block_writes_nothing_and_keeps_its_own_name(tmp_path):
    def write_half():
        with open_whole(tmp_path / "new") as stream:
            stream.write(b"half")
            (tmp_path / "other").read_text()

    with pytest.raises(FileNotFoundError, match="other"):
        write_half()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_standard_output_in_a_file_goes_on_where_it_is(name, tmp_path):
    code = SHELL + f"print('before'); write_atomic(Path('{name}'), 'content\\n'); print('after')"
    with (tmp_path / "out").open("w") as stream:
        stream.write("first\n")
        stream.flush()
        subprocess.run([sys.executable, "-c", code], stdout=stream, check=True)
    assert (tmp_path / "out").read_text().split() == ["first", "before", "content", "after"]


def test_a_command_in_the_place_of_a_file_hears_the_content(tmp_path):
    code = SHELL + "write_atomic(Path(sys.argv[1]), 'content')"
    command = f'{sys.executable} -c "{code}" >(cat > {tmp_path}/heard) && wait && sleep 0.2'
    subprocess.run(["bash", "-c", command], check=True)
    assert (tmp_path / "heard").read_text() == "content"


def test_only_the_first_creates_a_file_and_a_failed_one_leaves_none(tmp_path):
    create_first(tmp_path / "a", "first")
    with pytest.raises(FileExistsError):
        create_first(tmp_path / "a", "second")
    assert (tmp_path / "a").read_text() == "first"
    # A text that cannot be encoded stands for any write that fails.
    with pytest.raises(UnicodeEncodeError):
        create_first(tmp_path / "b", "\udc80")
    assert not (tmp_path / "b").exists()
