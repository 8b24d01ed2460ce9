"""Progress of an audit on stderr: one line that is overwritten in a terminal, one line for each stage elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["stages"]


@contextmanager
def stages() -> Iterator[Callable[[str, int, int], None]]:
    """Give a function that is called with the name of a stage, how much of the stage is done, and of how much."""
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
