"""One process per folder: by a lock of the file system or, if the file system has no locks, by a file that names its owner.

File systems of clusters and clouds often refuse `flock` or hard links.  A file that only one process can create replaces
both.  Unlike a lock such a file outlives a crash.  On the machine of its owner the next process sees that the owner is gone,
and takes over; a process on another machine cannot know, and its error message says which file to delete.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from byheart._checks import InputError
from byheart._records import create_first

__all__ = ["REFUSED", "held"]

REFUSED = {
    errno.ENOTSUP,
    errno.EOPNOTSUPP,
    errno.ENOSYS,
    errno.ENOLCK,
    errno.EPERM,
    errno.EINVAL,
    errno.EMLINK,
}
"""Error numbers of file systems without locks or hard links."""

OWNER = ".owner"
STARTED = 19  # index of the start time among the fields of /proc/<pid>/stat after the name


@contextmanager
def held(folder: Path, what: str) -> Iterator[None]:
    """Reserve a folder for this process as long as the block lasts.  what: name of the folder in the error message.

    Raises InputError if another process holds it.
    """
    with (folder / ".lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                got=f"{what}, which another process is executing",
                need="one process a run",
                remedy="wait for it to end, or stop it; run the same command again to resume",
            ) from None
        except OSError as error:
            if error.errno not in REFUSED:
                raise
        else:
            yield
            return
    token = _own(folder / OWNER, what)
    try:
        yield
    finally:
        _disown(folder / OWNER, token)


def _own(file: Path, what: str) -> str:
    """Create the file that names this process as the owner; return the mark that tells this file from any other."""
    while True:
        token = os.urandom(6).hex()
        owner = {
            "machine": _machine(),
            "pid": str(os.getpid()),
            "started": _started(os.getpid()) or "",
            "token": token,
        }
        try:
            create_first(file, json.dumps(owner))
        except FileExistsError:
            if not _took_over(file):
                raise InputError(
                    got=f"{what}, which another process is executing: {_owner_of(file)}",
                    need="one process a run",
                    remedy=f"wait for it to end, or stop it. If it no longer runs: rm {file} "
                    "(this file system has no locks, which would end with a process)",
                ) from None
        else:
            return token


def _took_over(file: Path) -> bool:
    """Remove the file of an owner that is gone; False where the owner may be alive, or another process is removing it."""
    owner = _read(file)
    if owner is None:
        return not file.exists()
    if owner["machine"] != _machine() or _started(int(owner["pid"])) == owner["started"]:
        return False
    try:
        # Only one process can create this file, which stays: the owner's is removed once, and no later one by mistake.
        file.with_name(f"{file.name}-{owner['token']}-gone").open("x").close()
    except FileExistsError:
        return False
    file.unlink()
    return True


def _disown(file: Path, token: str) -> None:
    owner = _read(file)
    if (
        owner is not None and owner["token"] == token
    ):  # not if the folder was moved away and a new one was made
        file.unlink()


def _owner_of(file: Path) -> str:
    owner = _read(file)
    return f"see {file}" if owner is None else f"process {owner['pid']} on {owner['machine'].split()[0]}"


def _read(file: Path) -> dict[str, str] | None:
    """Read an owner's file; None if the file is gone or incomplete."""
    try:
        owner = json.loads(file.read_text())
    except (OSError, ValueError):
        return None
    return (
        owner if isinstance(owner, dict) and {"machine", "pid", "started", "token"} <= owner.keys() else None
    )


def _machine() -> str:
    """Name this machine, and the space of process numbers: containers of one name have their own."""
    try:
        return f"{platform.node()} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return platform.node()


def _started(pid: int) -> str | None:
    """Return when a process was started, which distinguishes it from a later process of the same number; None if there is no such process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if fields[0] == "Z" else fields[STARTED]  # a zombie has ended
    except OSError:
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except OSError:
        pass  # the process exists, but is of another user
    return "unknown"
