"""Damaged files of runs, found before anything reads them: a damaged run must not hide the others."""

from __future__ import annotations

from collections.abc import Iterable

from byheart._checks import InputError
from byheart.store.folders import RunFolder

__all__ = ["damage", "damaged"]

SETTINGS = ("kind", "n", "seed")
"""The files that every complete run has."""


def damage(folder: RunFolder) -> InputError | None:
    """Find the first file of a run that cannot be read, and what to do about it; None if there is none.

    A folder without a run is not damaged.
    """
    try:
        if folder.begun:
            _check(folder)
    except InputError as error:
        return error
    return None


def damaged(folders: Iterable[RunFolder]) -> dict[str, InputError]:
    """Find the damaged runs: id -> what is wrong."""
    found = ((folder.id, damage(folder)) for folder in folders)
    return {name: error for name, error in found if error is not None}


def _check(folder: RunFolder) -> None:
    spec = folder.header().get("spec")
    missing = [name for name in SETTINGS if not isinstance(spec, dict) or name not in spec]
    if missing:
        raise InputError(
            got=f"{folder.path / 'run.json'} without {', '.join(missing)}",
            need="the file as byheart wrote it",
            remedy="delete the run's folder and run the same command again",
        )
    folder.rows()
    for record in sorted(folder.path.glob("*.json")):
        folder.read_record(record.stem)
    for tensors in sorted(folder.path.glob("*.safetensors")):
        folder.metadata(tensors.stem)  # which also compares the size of the file with what its head says
