"""What an audit says while it works, and where it may write.

While it works: one line that is written over in a terminal, a line a stage elsewhere; on stderr.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from byheart._checks import InputError
from byheart.cli.options import check_place

__all__ = ["check_outputs", "stages"]


def check_outputs(files: Mapping[str, Path | None]) -> None:
    """Raise InputError for files that could not be written after minutes of work.  files: flag -> file."""
    taken: dict[Path, str] = {}
    for flag, file in files.items():
        if file is None:
            continue
        check_place(flag, file)
        if file.is_dir():
            raise InputError(
                got=f"{flag} {file}, which is a folder",
                need="a file",
                remedy=f"add a name: {file / 'audit'}{'.' + flag.strip('-')}",
            )
        if not os.access(file.parent, os.W_OK | os.X_OK):
            raise InputError(
                got=f"{flag} {file}, in a folder that may not be written to",
                need="a folder of yours",
                remedy="name another one",
            )
        other = taken.setdefault(file.resolve(), flag)
        if other != flag:
            raise InputError(
                got=f"{file} for both {other} and {flag}",
                need="a file for each",
                remedy=f"name another one for {flag}",
            )


@contextmanager
def stages() -> Iterator[Callable[[str, int, int], None]]:
    """A function that hears a stage, how much of it is done, and of how much."""
    terminal, last = sys.stderr.isatty(), ""

    def tell(stage: str, done: int, total: int) -> None:
        nonlocal last
        if terminal:
            share = f" {done:,} of {total:,}" if total > 1 else ""
            print(f"\r\033[K{stage}{share}", end="", file=sys.stderr, flush=True)
        elif stage != last:
            print(stage, file=sys.stderr)
        last = stage

    try:
        yield tell
    finally:
        if terminal and last:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
