"""stdout and stderr in every state that a shell, a service or a notebook leaves them in: printing stops no command."""

import io
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from byheart import cli
from byheart.cli.streams import open_streams

BYHEART = [sys.executable, "-m", "byheart"]


def shell(words, **more):
    return subprocess.run(["sh", "-c", words], capture_output=True, timeout=60, **more)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-16"])
@pytest.mark.parametrize(
    "words", [["--help"], ["data", "ls"], ["claims"], ["study", "--help"], ["nosuch"]], ids=" ".join
)
def test_every_encoding_takes_every_text(words, encoding, monkeypatch):
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2))
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    assert cli.main(words) == int(words == ["nosuch"])
    assert (out.errors, err.errors) == ("strict", "strict")  # as it was
    printed = (out if words != ["nosuch"] else err).buffer.getvalue()
    assert len(printed.decode(encoding)) > 100


def test_a_process_in_ascii_shows_its_help():
    done = subprocess.run(
        [*BYHEART, "--help"], capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii"}
    )
    assert done.returncode == 0 and b"usage: byheart VERB ?" in done.stdout


@pytest.mark.parametrize("out", [None, "closed"])
@pytest.mark.parametrize("err", [None, "closed"])
@pytest.mark.parametrize(
    ("words", "code"),
    [(["version"], 0), (["--help"], 0), (["nosuch"], 1), (["theory", "terminal", "--strength", "1"], 0)],
)
def test_without_streams_the_exit_code_is_what_it_would_be(words, code, out, err, monkeypatch):
    for name, state in (("stdout", out), ("stderr", err)):
        stream = io.StringIO()
        stream.close()
        monkeypatch.setattr(sys, name, None if state is None else stream)
    assert cli.main(words) == code


@pytest.mark.parametrize(
    ("words", "code"),
    [("dedup digits:0-40 2>&-", 0), ("ls >&-", 0), ("version >&- 2>&-", 0), ("nosuch 2>&-", 1)],
)
def test_streams_that_the_shell_closed(words, code, tmp_path):
    assert shell(f"{sys.executable} -m byheart {words}", cwd=tmp_path).returncode == code


def test_a_reader_who_has_seen_enough_leaves_the_exit_code(tmp_path):
    words = " ".join(BYHEART)
    done = shell(f"(({words} claims; echo code $? >&3) | true) 3>&2", cwd=tmp_path)
    assert done.stderr == b"code 0\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_full_disk_is_told_as_one():
    done = shell(f"{' '.join(BYHEART)} version > /dev/full")
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == b"error: got standard output (No space left on device)"
    assert b"make room" in done.stderr and b"mistake" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_messages_that_find_no_room_stop_nothing(tmp_path):
    done = shell(f"{' '.join(BYHEART)} dedup digits:0-40 2> /dev/full", cwd=tmp_path)
    assert done.returncode == 0 and b"40 images" in done.stdout


class Broken(io.StringIO):
    """A pipe that nobody reads."""

    def write(self, text):
        raise BrokenPipeError


def test_messages_that_nobody_reads_stop_nothing():
    with open_streams(io.StringIO(), Broken()):
        print("reading", file=sys.stderr, flush=True)
        sys.stderr.writelines(["a", "b"])


def test_results_that_nobody_reads_stop_nothing():
    with open_streams(Broken(), io.StringIO()):
        print("a verdict", flush=True)


def test_a_stream_that_own_code_closes_takes_no_more():
    stream = io.StringIO()
    with open_streams(io.StringIO(), stream):
        sys.stderr.close()
        print("reading", file=sys.stderr)


def test_the_streams_are_back_afterwards(monkeypatch):
    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    assert cli.main(["version"]) == 0
    assert sys.stdout is out and sys.stderr is err


def test_a_name_that_is_no_text_is_printed(tmp_path, monkeypatch, capfdbinary):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["ls", "--root", os.fsdecode(b"runs\xff")]) == 0
    assert b"no runs in runs\\udcff" in capfdbinary.readouterr().out


def test_the_command_line_works_in_a_thread(capsys):
    codes = []
    thread = threading.Thread(target=lambda: codes.append(cli.main(["version"])))
    thread.start()
    thread.join()
    assert codes == [0]
    assert "byheart" in capsys.readouterr().out


def test_what_happens_at_a_kill_is_as_it_was_afterwards():
    import signal

    before = signal.getsignal(signal.SIGTERM)
    assert cli.main(["version"]) == 0
    assert signal.getsignal(signal.SIGTERM) is before
