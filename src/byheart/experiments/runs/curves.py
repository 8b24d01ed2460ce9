"""The records of a finished run as plain numbers: the input of analysis, claims and reports."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from byheart.store.folders import Row, RunFolder

__all__ = ["Curve", "curve_of_run", "in_order", "read_curves"]


@dataclass(frozen=True)
class Curve:
    """The records of one run over training.

    n: training set size.  rows: flat records, by step.  references: the values to compare the records with.  spec: the settings.
    """

    id: str
    n: int
    seed: int
    rows: list[Row]
    references: dict[str, Any]
    spec: dict[str, Any]

    def at(self, name: str) -> list[Any]:
        """Return one column of the records, None where a row has no such entry."""
        return [row.get(name) for row in self.rows]


def read_curves(folders: Iterable[RunFolder]) -> list[Curve]:
    """Read the curves of the runs, by n and seed.  Runs without a record yet are left out."""
    return in_order(curve_of_run(folder) for folder in folders)


def in_order(curves: Iterable[Curve]) -> list[Curve]:
    """Sort curves by n and seed; curves without a row are left out."""
    return sorted((curve for curve in curves if curve.rows), key=lambda curve: (curve.n, curve.seed))


def curve_of_run(folder: RunFolder) -> Curve:
    """Read the curve of one run, in the order of its steps."""
    spec = folder.header()["spec"]
    rows = sorted(folder.rows(), key=lambda row: float(row["step"]))
    return Curve(folder.id, spec["n"], spec["seed"], rows, folder.read_record("references"), spec)
