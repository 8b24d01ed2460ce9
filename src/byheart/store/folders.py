"""The folder of a run: its settings, its measurements, and the state from which it continues.

    runs/<id>/run.json                     the specification, versions, threads, backend, data fingerprint
    runs/<id>/references.json              values to compare the run's curves with
    runs/<id>/rows.jsonl                   one flat record per evaluation
    runs/<id>/samples-<step>.safetensors   samples, d1, d2, nearest ids, nearest training images
    runs/<id>/state.safetensors            the training state to resume from
    runs/<id>/model.safetensors            the weights that were evaluated last
    runs/<id>/done.json                    written last: if this file exists, the run is complete

Every file except rows.jsonl is written completely or not at all; a row cut off by a crash is dropped when the file is read.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from byheart._checks import InputError
from byheart._records import naming, plain_json, write_atomic
from byheart.store.locks import held

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Row", "RunFolder", "find_run", "list_runs", "read_json"]

Row = dict[str, Any]
"""One flat record; its vocabulary is documented in the reference."""

SCHEMA = 1

REMEDIES = {
    "done.json": "delete this file and run the same command again: the run goes on from its last state",
    "clock.json": "delete this file and run the same command again: only the time so far is lost",
    "study.json": "run `byheart study` again: whole runs are kept",
    "claims.json": "run `byheart study` again: whole runs are kept",
}
"""What to do about damaged files for which the run need not start again from the beginning."""

T = TypeVar("T")


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run.  path: runs/<id>."""

    path: Path

    @property
    def id(self) -> str:
        """Return the id of the run, which is the name of the folder."""
        return self.path.name

    @property
    def exists(self) -> bool:
        """Say whether the run was ever started here."""
        return (self.path / "run.json").exists()

    @property
    def begun(self) -> bool:
        """Say whether the folder holds files of a run, even damaged ones.  Raises InputError if this user may not read the folder."""
        try:
            return any((self.path / name).exists() for name in ("run.json", "rows.jsonl", "done.json"))
        except PermissionError as error:
            raise _closed(self.path, error) from error

    @property
    def done(self) -> bool:
        """Say whether the run is complete."""
        return (self.path / "done.json").exists()

    def start(self, header: Mapping[str, object]) -> None:
        """Write run.json.  header: the specification (`spec`) and the facts of this machine."""
        write_atomic(self.path / "run.json", plain_json({"schema": SCHEMA, **header}, indent=1))

    def header(self) -> dict[str, Any]:
        """Read run.json.  Raises InputError if the file is missing, damaged, or of a newer schema."""
        header = read_json(self.path / "run.json")
        if header.get("schema") != SCHEMA:
            raise InputError(
                got=f"{self.path} written with schema {header.get('schema')}",
                need=f"schema {SCHEMA}",
                remedy="read it with the version of byheart that wrote it",
            )
        return header

    def rows(self) -> list[Row]:
        """Read the records so far, in the order of steps.  A last line cut off by a crash is dropped.

        Raises InputError, with the line's number, for any other line that is no record.
        """
        file = self.path / "rows.jsonl"
        return _reading(file, _rows) if file.exists() else []

    def append(self, row: Mapping[str, object]) -> None:
        """Add one record durably (flushed to the disk before returning)."""
        file = self.path / "rows.jsonl"
        with naming(file), file.open("a") as stream:
            stream.write(plain_json(row) + "\n")
            stream.flush()
            os.fsync(stream.fileno())

    def keep_rows(self, last_step: int) -> list[Row]:
        """Drop the records after last_step, which a resumed run will measure again; return the others."""
        kept = [row for row in self.rows() if row["step"] <= last_step]
        write_atomic(self.path / "rows.jsonl", "".join(plain_json(row) + "\n" for row in kept))
        return kept

    def write_record(self, name: str, record: Mapping[str, object]) -> None:
        """Write a small record as <name>.json."""
        write_atomic(self.path / f"{name}.json", plain_json(record, indent=1))

    def read_record(self, name: str) -> dict[str, Any]:
        """Read a record written by `write_record`; empty if there is none."""
        file = self.path / f"{name}.json"
        return read_json(file) if file.exists() else {}

    def save(
        self, name: str, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
    ) -> None:
        """Write tensors as <name>.safetensors, completely or not at all."""
        from safetensors.torch import save

        contiguous = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
        write_atomic(self.path / f"{name}.safetensors", save(contiguous, dict(metadata or {})))

    def load(self, name: str) -> dict[str, Tensor]:
        """Read the tensors of <name>.safetensors.  Raises InputError if the file is missing or damaged."""
        from safetensors.torch import load_file

        return _reading(self.path / f"{name}.safetensors", load_file)

    def metadata(self, name: str) -> dict[str, str]:
        """Read the metadata of <name>.safetensors."""
        from safetensors import safe_open

        def read(file: Path) -> dict[str, str]:
            with safe_open(file, framework="numpy") as stream:
                return dict(stream.metadata() or {})

        return _reading(self.path / f"{name}.safetensors", read)

    def has(self, name: str) -> bool:
        """Say whether <name>.safetensors exists."""
        return (self.path / f"{name}.safetensors").exists()

    def arrays(self, name: str) -> dict[str, Any]:
        """Read the arrays of <name>.safetensors as numpy arrays, without importing torch."""
        from safetensors.numpy import load_file

        return _reading(self.path / f"{name}.safetensors", load_file)

    def sample_steps(self) -> list[int]:
        """List the steps whose samples are stored."""
        names = self.path.glob("samples-*.safetensors")
        return sorted(int(name.stem.removeprefix("samples-")) for name in names)

    def set_aside(self, mark: str) -> Path:
        """Move the folder to .stale/<id>-<mark> beside it, so that the run starts from the beginning; returns the new path."""
        place = self.path.parent / ".stale" / f"{self.id}-{mark}"
        shutil.rmtree(place, ignore_errors=True)  # from an earlier call for the same run and mark
        place.parent.mkdir(exist_ok=True)
        self.path.rename(place)
        return place

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Reserve the run for this process: a second process that executes the same run is refused instead of mixing rows."""
        self.path.mkdir(parents=True, exist_ok=True)
        with held(self.path, f"run {self.id}"):
            yield


def read_json(file: Path) -> dict[str, Any]:
    """Read the object in a JSON file.  Raises InputError if the file is missing or no JSON object."""

    def read(path: Path) -> dict[str, Any]:
        value = json.loads(path.read_text())
        if not isinstance(value, dict):
            raise ValueError("not an object")
        return value

    return _reading(file, read)


def _rows(file: Path) -> list[Row]:
    lines = file.read_bytes().split(b"\n")[:-1]  # what follows the last newline is incomplete
    return [_row(line, number) for number, line in enumerate(lines, 1) if line]


def _row(line: bytes, number: int) -> Row:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise ValueError(f"line {number}: {error}") from error
    if not isinstance(row, dict) or not isinstance(row.get("step"), int | float):
        raise ValueError(f"line {number}: no record with a step")
    return row


def _reading(file: Path, read: Callable[[Path], T]) -> T:
    try:
        if not file.exists():
            raise FileNotFoundError(file)
        return read(file)
    except FileNotFoundError as error:
        raise InputError(
            got=f"no file {file}",
            need="the folder of a run that wrote it",
            remedy="see `byheart ls` for the runs at hand",
        ) from error
    except PermissionError as error:
        raise _closed(file.parent, error) from error
    except Exception as error:
        raise InputError(
            got=f"{file}, which cannot be read ({error})",
            need="the file as byheart wrote it",
            remedy=REMEDIES.get(file.name, "delete the run's folder and run the same command again"),
        ) from error


def _closed(folder: Path, error: PermissionError) -> InputError:
    """Make the error for a run of another user that this user may not read."""
    return InputError(
        got=f"{error.filename}, which may not be read ({error.strerror})",
        need="permission to read it",
        remedy=f"ask its owner for it: chmod -R a+rX {folder}",
    )


def list_runs(root: Path) -> list[RunFolder]:
    """List the runs below a root, sorted by name, damaged ones included; none if root does not exist."""
    if not root.is_dir():
        return []
    return [folder for folder in map(RunFolder, sorted(root.iterdir())) if _holds_run(folder)]


def _holds_run(folder: RunFolder) -> bool:
    try:
        return folder.begun
    except InputError:  # this user may not read the folder, but there is one
        return True


def find_run(root: Path, name: str) -> RunFolder:
    """Find the run called `name`: an id, a unique beginning of an id, or a path.  Raises InputError if there is no such run."""
    if (Path(name) / "run.json").exists():
        return RunFolder(Path(name).resolve())
    found = [folder for folder in list_runs(root) if folder.id.startswith(name)]
    if len(found) == 1:
        return found[0]
    raise InputError(
        got=f"run {name!r}, which {'fits ' + str(len(found)) + ' runs' if found else 'no run has'} in {root}",
        need="the id of one run, the beginning of it, or the path of its folder",
        remedy="see `byheart ls` for the runs at hand",
    )
