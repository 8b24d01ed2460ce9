"""Choices that the first process makes for all that share a folder of runs on one machine."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Callable
from pathlib import Path

from byheart._records import write_atomic

__all__ = ["settled"]


def settled(root: Path, what: str, decide: Callable[[], str]) -> str:
    """The choice called `what`: as the first process of this machine made it below root, or `decide()`, kept.

    For what is decided by timing, which two workers of one study might see differently.
    """
    machine = hashlib.sha256(f"{what} {platform.node()} {_processor()}".encode()).hexdigest()[:12]
    file = root / ".choices" / machine
    if not file.exists():
        draft = file.with_name(f"{machine}.{os.getpid()}")
        write_atomic(draft, decide())
        try:
            os.link(draft, file)  # whole, and only if nobody was first
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return file.read_text()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith("model name")), platform.machine())
