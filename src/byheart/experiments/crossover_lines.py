"""What the figures of S1's study are made of: populations of runs, and lines of means over runs with their intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from byheart.data.spec import MixtureData
from byheart.experiments.curves import Curve
from byheart.experiments.quantities.crossover import learned
from byheart.experiments.quantities.result import Quantity, mean_over_runs
from byheart.report.panels import Line, Style

__all__ = [
    "COPIED",
    "FROM_POINTS",
    "SHOWN_SNR",
    "Population",
    "by_size",
    "isotropic",
    "kind",
    "level_line",
    "line",
    "over_runs",
    "published_line",
    "reference",
    "start",
]

COPIED = "f_mem@0.333"
"""The share of memorized samples at S1's threshold."""

SHOWN_SNR = 6.704
"""ψ at which S1 shows losses."""

FROM_POINTS = "training"
"""`start` of a run that begins at training points: S1's."""

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, order=True)
class Population:
    """n points of an isotropic mixture.  std: within a component."""

    n: int
    dimension: int
    components: int
    std: float = 1.0

    @property
    def words(self) -> str:
        """Without n."""
        return f"d = {self.dimension}, K = {self.components}"


def kind(curve: Curve) -> str:
    """The kind of a run."""
    return str(curve.spec["kind"])


def start(curve: Curve) -> str:
    """Where a run of kind `mixtures` begins; "free" where every component learns a width of its own besides."""
    if curve.spec.get("widths") == "free":
        return "free"
    return str(curve.spec.get("start", FROM_POINTS))


def isotropic(curve: Curve) -> Population | None:
    """What a run is about, if that is an isotropic mixture."""
    data = curve.spec["data"]
    if data["name"] != "mixture":
        return None
    settings = MixtureData.model_validate(data.get("mixture") or {})
    return Population(curve.n, settings.dimension, settings.components, settings.std)


def over_runs(rows: Rows, name: str) -> Quantity:
    """A column's mean over runs, a row each, with Student's interval; of one row with its own interval, if it has one."""
    known = [row for row in rows if row.get(name) is not None]
    found = mean_over_runs([float(row[name]) for row in known])
    if len(known) == 1 and known[0].get(f"{name}_low") is not None:
        return Quantity(found.value, float(known[0][f"{name}_low"]), float(known[0][f"{name}_high"]), 1)
    return found


def reference(curves: Sequence[Curve], model: str, name: str) -> Quantity:
    """A column's mean over runs of the model "true" or "empirical"."""
    return over_runs([row for curve in curves for row in curve.rows if row.get("model") == model], name)


def by_size(curves: Sequence[Curve], name: str) -> list[tuple[float, Quantity]]:
    """M/N and a column of the trained mixtures of that size, mean over runs."""
    shares = sorted({share for curve in curves for share in learned(curve)})
    found = [
        (share, over_runs([learned(curve).get(share, {}) for curve in curves], name)) for share in shares
    ]
    return [(share, value) for share, value in found if value.count]


def line(
    label: str,
    found: Iterable[tuple[float, Quantity]],
    style: Style = "points",
    color: int | str = 0,
    bounds: tuple[float, float] | None = None,
) -> list[Line]:
    """A line of quantities, or none.  bounds: of the intervals, as 0 and 1 of a share."""
    pairs = [(at, value) for at, value in found if value.count]
    if not pairs:
        return []
    least, most = bounds or (float("-inf"), float("inf"))
    ends = [
        (value.value, value.value) if value.low is None or value.high is None else (value.low, value.high)
        for _, value in pairs
    ]
    return [
        Line(
            label,
            [at for at, _ in pairs],
            [value.value for _, value in pairs],
            [max(low, least) for low, _ in ends],
            [min(high, most) for _, high in ends],
            style,
            color,
        )
    ]


def level_line(label: str, value: float, ends: tuple[float, float], color: int | str) -> Line:
    """A level that does not change along x."""
    return Line(label, ends, (value, value), style="formula", color=color)


def published_line(label: str, curve: Mapping[float, float]) -> Line:
    """Rings."""
    return Line(label, list(curve), list(curve.values()), style="published")
