"""Standard output and standard error as they must be for a command: printing to them never stops the work.

    what the stream is                         what is printed then
    -------------------------------------------------------------------------------------
    a terminal, a file or a pipe in UTF-8      everything
    one in another encoding                    a question mark where it lacks a character
    closed, or none at all (a service, >&-)    nothing
    a pipe whose reader has seen enough        nothing more; the work goes on to its end

A disk that is full stops a command that prints its result there, and no command that only says how far it is.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any, TextIO, TypeVar, cast

__all__ = ["open_streams"]

Answer = TypeVar("Answer")


@contextmanager
def open_streams(out: TextIO | None, err: TextIO | None) -> Iterator[None]:
    """Print to these two streams, whatever they are, for as long as the command lasts.

    A stream that nobody reads, or that is full, is led to the null device, and stays so after the command.

    Printing to stdout raises OSError where it cannot be written to for any reason but that nobody reads it any more.
    """
    with _usable(out) as results, _usable(err) as messages:
        printed = _Kept(results, BrokenPipeError)
        with (
            redirect_stdout(cast("TextIO", printed)),
            redirect_stderr(cast("TextIO", _Kept(messages, OSError))),
        ):
            try:
                yield
            finally:
                with suppress(OSError):  # else it fails when the process ends, which gives a code of its own
                    printed.flush()


@contextmanager
def _usable(stream: TextIO | None) -> Iterator[TextIO]:
    """Give the stream with what it cannot encode replaced, or the null device where there is no open stream."""
    if stream is None or stream.closed:
        with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
            yield nowhere
        return
    if not hasattr(
        stream, "reconfigure"
    ):  # somebody's own stream, in memory or in a notebook, takes any text
        yield stream
        return
    before = stream.errors
    stream.reconfigure(errors="replace")
    try:
        yield stream
    finally:
        with suppress(OSError, ValueError):  # ValueError: the stream was closed in the meantime
            stream.reconfigure(errors=before)


class _Kept:
    """A stream whose forgiven errors stop nobody: after the first of them nothing is printed any more."""

    def __init__(self, stream: TextIO, forgiven: type[OSError]) -> None:
        self._stream, self._forgiven = stream, forgiven

    def write(self, text: str) -> int:
        """Write the text.  Raises OSError unless it is one that is forgiven."""
        return self._tried(lambda: self._stream.write(text), len(text))

    def writelines(self, lines: list[str]) -> None:
        """Write all lines.  Raises OSError unless it is one that is forgiven."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Write what is held back.  Raises OSError unless it is one that is forgiven."""
        self._tried(self._stream.flush, None)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _tried(self, action: Callable[[], Answer], otherwise: Answer) -> Answer:
        try:
            return action()
        except OSError as error:
            _silence(self._stream)
            if not isinstance(error, self._forgiven):
                raise
            return otherwise
        except ValueError:
            if not self._stream.closed:  # the user's own code may have closed it
                raise
            return otherwise


def _silence(stream: TextIO) -> None:
    """Lead a stream to the null device: what it still holds back would fail once more when the process ends."""
    with suppress(OSError, ValueError), Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())
