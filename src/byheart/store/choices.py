"""Choices that the first process makes for all that share a folder of runs on one machine."""

from __future__ import annotations

import hashlib
import os
import platform
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from byheart._checks import InputError
from byheart._records import create_first, write_atomic
from byheart.store.locks import REFUSED

__all__ = ["settled"]

PATIENCE, POLL = 5.0, 0.05  # seconds to wait for a choice that is being written, and between two looks


def settled(root: Path, what: str, decide: Callable[[], str]) -> str:
    """Return the choice called `what`: the stored one that the first process of this machine made below root, else `decide()`, stored.

    Meant for choices that depend on timing, where two workers of one study might choose differently.
    """
    machine = hashlib.sha256(f"{what} {platform.node()} {_processor()}".encode()).hexdigest()[:12]
    file = root / ".choices" / machine
    if not file.exists():
        draft = file.with_name(f"{machine}.{os.getpid()}")
        write_atomic(draft, decide())
        try:
            _first(draft, file)
        finally:
            draft.unlink()
    return _read(file)


def _first(draft: Path, file: Path) -> None:
    """Give the content of a draft the name of the choice, unless another process was first."""
    try:
        os.link(draft, file)  # whole at once
    except FileExistsError:
        pass
    except OSError as error:
        if error.errno not in REFUSED:
            raise
        with suppress(FileExistsError):
            create_first(file, draft.read_text())


def _read(file: Path) -> str:
    """Read a choice; without hard links it is empty for the moment in which another process writes it."""
    for _ in range(round(PATIENCE / POLL)):
        if choice := file.read_text():
            return choice
        time.sleep(POLL)
    raise InputError(
        got=f"{file}, which is empty: the process that made it was cut off",
        need="the choice that the first process made",
        remedy=f"let another process make it: rm {file}",
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith("model name")), platform.machine())
