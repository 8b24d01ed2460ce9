"""What an audit says while it works, where it may write, and what it wrote.

While it works: one line that is written over in a terminal, a line a stage elsewhere; on stderr.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from byheart._checks import InputError, printable
from byheart.cli.options import check_place

__all__ = ["check_outputs", "check_png", "stages", "written"]


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


def check_png(figure: Path | None) -> None:
    """Raise InputError for a --figure that is no PNG file."""
    if figure is not None and figure.suffix.lower() != ".png":
        raise InputError(
            got=f"--figure {figure}", need="a file .png", remedy=f"name it {figure.with_suffix('.png')}"
        )


def written(files: Mapping[str, Path | None]) -> str:
    """List the files that were written, a line each.  files: name -> file, None for a file that nobody asked for."""
    return "".join(f"{name}: {printable(str(file))}\n" for name, file in files.items() if file is not None)


@contextmanager
def stages() -> Iterator[Callable[[str, int, int], None]]:
    """Give a function that hears the name of a stage, how much of the stage is done, and of how much."""
    # The user's own code may put another stream there while it is imported.
    stream, last = sys.stderr, ""
    terminal = stream.isatty()

    def tell(stage: str, done: int, total: int) -> None:
        nonlocal last
        if terminal:
            share = f" {done:,} of {total:,}" if total > 1 else ""
            print(f"\r\033[K{stage}{share}", end="", file=stream, flush=True)
        elif stage != last:
            print(stage, file=stream)
        last = stage

    try:
        yield tell
    finally:
        if terminal and last:
            print("\r\033[K", end="", file=stream, flush=True)
