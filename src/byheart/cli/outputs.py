"""Files that a verb writes: checked before the work begins, and pictures that may fail without losing the work."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from byheart._checks import InputError, printable
from byheart._records import is_stream, write_atomic

if TYPE_CHECKING:
    from byheart.auditing.dedup_result import DedupResult
    from byheart.auditing.result import AuditResult

__all__ = ["Outputs", "check_outputs", "check_png", "drawn", "save_page", "written"]

Drawing = TypeVar("Drawing")

SUFFIXES = {"--figure": ".png", "--out": ".npz", "--table": ".csv"}
"""Ending of a file in a remedy, if the flag itself is not the ending."""


def check_outputs(files: Mapping[str, Path | None]) -> None:
    """Raise InputError for files that could not be written after minutes of work.  files: flag -> file."""
    taken: dict[Path, str] = {}
    for flag, file in files.items():
        if file is None:
            continue
        _check_output(flag, file)
        if is_stream(file):  # several results may go the same way
            continue
        other = taken.setdefault(file.resolve(), flag)
        if other != flag:
            raise InputError(
                got=f"{file} for both {other} and {flag}",
                need="a file for each",
                remedy=f"name another one for {flag}",
            )


def _check_output(flag: str, file: Path) -> None:
    _check_length(flag, file)
    if file.is_dir():
        name = "result" + SUFFIXES.get(flag, "." + flag.strip("-"))
        raise InputError(
            got=f"{flag} {file}, which is a folder", need="a file", remedy=f"add a name: {file / name}"
        )
    if is_stream(file):
        _check_writable(flag, file, file)
        return
    target = file.resolve()  # of a link: the file that is replaced
    _check_folder(flag, file, target.parent)
    if target.exists():
        _check_writable(flag, file, target)


def _check_length(flag: str, file: Path) -> None:
    """Refuse a name that is too long for the file system; first, because nothing can be checked about such a file."""
    if not file.parent.is_dir():
        return
    longest = os.pathconf(file.parent, "PC_NAME_MAX")
    if (length := len(os.fsencode(file.name))) > longest:
        raise InputError(
            got=f"{flag} with a name of {length} bytes", need=f"at most {longest}", remedy="name it shorter"
        )


def _check_folder(flag: str, file: Path, folder: Path) -> None:
    """Refuse a folder that does not exist, whose name is often mistyped, and a folder in which no file can be made."""
    if not folder.is_dir():
        raise InputError(
            got=f"{flag} {file}, in a folder that does not exist",
            need="a folder that is there",
            remedy=f"correct the path, or make the folder: mkdir -p {shlex.quote(str(folder))}",
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(
            got=f"{flag} {file}, in a folder that may not be written to",
            need="a folder of yours",
            remedy="name another one",
        )


def _check_writable(flag: str, file: Path, target: Path) -> None:
    if not os.access(target, os.W_OK):
        raise InputError(
            got=f"{flag} {file}, which may not be written to",
            need="a file that may be replaced",
            remedy="name another one, or permit it: chmod u+w",
        )


def check_png(figure: Path | None) -> None:
    """Raise InputError for a --figure that is no PNG file."""
    if figure is not None and figure.suffix.lower() != ".png":
        raise InputError(
            got=f"--figure {figure}", need="a file .png", remedy=f"name it {figure.with_suffix('.png')}"
        )


def written(files: Mapping[str, Path | None]) -> str:
    """List the files that were written, a line each.  files: name -> file, None for a file that was not written."""
    return "".join(f"{name}: {printable(str(file))}\n" for name, file in files.items() if file is not None)


def drawn(
    what: str, draw: Callable[[], Drawing], later: Callable[[], str], *, into: Path | None = None
) -> Drawing | None:
    """Draw something; if that fails, say so on stderr and return None: the numbers exist without the drawing.

    later: prepares that the drawing can be made later, and says how.  into: the folder that the drawing is written to, if `draw`
    itself writes.
    Raises InputError if `draw` refuses its input, and OSError for a file in that folder that cannot be written.
    """
    try:
        return draw()
    except InputError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and into is not None and _lies_in(error.filename, into):
            raise
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        print(f"warning: {what} could not be drawn ({reason}); {later()}", file=sys.stderr)
        return None


def _lies_in(name: object, folder: Path) -> bool:
    """Say whether the file that an error names lies in a folder, or is this folder."""
    return isinstance(name, str) and Path(name).resolve().is_relative_to(folder.resolve())


class Outputs:
    """The outputs of a command, written one after another: one that fails keeps none of the others from being written."""

    def __init__(self) -> None:
        self._written: dict[str, Path] = {}
        self._failures: list[Exception] = []

    def file(self, name: str) -> Path | None:
        """Return the file of an output, or None if the output was not wanted or could not be written."""
        return self._written.get(name)

    def save(self, name: str, file: Path | None, write: Callable[[Path], object]) -> None:
        """Write a file that was asked for.  file: None if nobody asked for it."""
        if file is not None and self._tried(lambda: write(file)):
            self._written[name] = file

    def say(self, text: Callable[[], str]) -> None:
        """Print a text to standard output."""
        self.show(lambda: print(text(), end="", flush=True))

    def show(self, show: Callable[[], object]) -> None:
        """Call what prints to standard output."""
        self._tried(show)

    def draw(self, name: str, file: Path | None, result: AuditResult | DedupResult) -> None:
        """Write the page of a result, if somebody asked for it and it can be drawn."""

        def page() -> None:
            if (drawn_to := save_page(result, file, self.file("JSON"))) is not None:
                self._written = {name: drawn_to} | self._written

        self._tried(page)

    def close(self) -> None:
        """List the files that were written, and raise the first error that was met."""
        self.say(lambda: written(self._written))
        if self._failures:
            raise self._failures[0]

    def _tried(self, action: Callable[[], object]) -> bool:
        try:
            action()
        except (OSError, InputError) as error:
            self._failures.append(error)
            return False
        return True


def save_page(result: AuditResult | DedupResult, html: Path | None, json: Path | None) -> Path | None:
    """Write the page of a result, and return its file; None if no page is wanted, or the page cannot be drawn.

    json: the file to which the result was written.  Without such a file, a result whose page cannot be drawn is saved beside the
    place of the page.
    """
    if html is None:
        return None

    def later() -> str:
        kept = json if json is not None else _keep(result, html)
        again = f"byheart report {shlex.quote(str(kept))} --html {shlex.quote(str(html))}"
        return f"the result is in {kept}, from which the page can be drawn later: {again}"

    page = drawn("the page", result.to_html, later)
    if page is None:
        return None
    write_atomic(html, page)
    return html


def _keep(result: AuditResult | DedupResult, html: Path) -> Path:
    """Write a result beside the place of its page, without replacing another file; return the file of the result."""
    place = Path("page.html") if is_stream(html) else html
    names = [place.with_suffix(".json"), *(place.with_suffix(f".{count}.json") for count in range(1, 1000))]
    free = next(name for name in names if not name.exists())
    return result.save_json(free)
