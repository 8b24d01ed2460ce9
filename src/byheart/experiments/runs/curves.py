"""What one finished run left behind, as plain numbers: the input of analysis, claims and reports."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from byheart.store.folders import Row, RunFolder

__all__ = ["Curve", "read_curves"]


@dataclass(frozen=True)
class Curve:
    """The records of one run over training.

    n: training set size.  rows: flat records, by step.  references: what they are compared with.  spec: the settings.
    """

    id: str
    n: int
    seed: int
    rows: list[Row]
    references: dict[str, Any]
    spec: dict[str, Any]

    def at(self, name: str) -> list[Any]:
        """One column of the records."""
        return [row.get(name) for row in self.rows]


def read_curves(folders: Iterable[RunFolder]) -> list[Curve]:
    """The curves of the runs, by n and seed.  Runs without a record yet are left out."""
    curves = [_curve(folder) for folder in folders]
    return sorted((curve for curve in curves if curve.rows), key=lambda curve: (curve.n, curve.seed))


def _curve(folder: RunFolder) -> Curve:
    spec = folder.header()["spec"]
    rows = sorted(folder.rows(), key=lambda row: float(row["step"]))
    return Curve(folder.id, spec["n"], spec["seed"], rows, folder.read_record("references"), spec)
