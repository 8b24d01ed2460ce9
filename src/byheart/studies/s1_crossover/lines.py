"""What the figures of S1's study are made of: populations of runs, and lines of means over runs with their intervals."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from byheart.data.spec import MixtureData, TemplateData
from byheart.experiments.quantities.crossover import learned, measured
from byheart.experiments.quantities.published import Published
from byheart.experiments.quantities.result import Quantity, mean_over_runs
from byheart.experiments.runs.curves import Curve
from byheart.report.panels import Line, Panel, ring_lines

__all__ = [
    "COPIED",
    "FROM_POINTS",
    "SHARE",
    "SHARE_LIMITS",
    "SHOWN_SNR",
    "SIZE",
    "Population",
    "TemplatePopulation",
    "at_size",
    "by_size",
    "distinct",
    "half",
    "isotropic",
    "kind",
    "one_width",
    "over_runs",
    "population",
    "published_lines",
    "reference",
    "setting",
    "share_panel",
    "start",
]

COPIED = "f_mem@0.333"
"""The share of memorized samples at S1's threshold."""

SHOWN_SNR = 6.704
"""ψ at which S1 shows losses."""

FROM_POINTS = "training"
"""`start` of a run that begins at training points: S1's."""

SIZE = "components per training point, M / N"
SHARE = (0.0, 1.0)
SHARE_LIMITS = (-0.03, 1.05)
"""What axes say; the ends of a share; what an axis of shares shows."""

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

    def parameters(self, m: float) -> float:
        """Count the numbers that a mixture of m components learns: means and one variance."""
        return m * self.dimension + 1


@dataclass(frozen=True, order=True)
class TemplatePopulation:
    """n images of templates in random colors.  source, path: of the templates, as the data say.  std: of the colors."""

    n: int
    source: str
    side: int
    components: int
    std: float = 1.0
    path: str = ""

    @property
    def dimension(self) -> int:
        """Count the numbers of an image."""
        return 3 * self.side**2

    @property
    def words(self) -> str:
        """Without n."""
        return f"{self.components} templates of {self.source}, d = {self.dimension}"

    def parameters(self, m: float) -> float:
        """Count the numbers that a mixture of m components learns: templates, mean colors and one variance."""
        return m * (self.side**2 + 3) + 1


def kind(curve: Curve) -> str:
    """Name the kind of a run."""
    return str(curve.spec["kind"])


def start(curve: Curve) -> str:
    """Name the start of a run of kind `mixtures`."""
    return str(curve.spec.get("start", FROM_POINTS))


def one_width(curve: Curve) -> bool:
    """Say whether the components of a run of kind `mixtures` share one variance, as S1's do."""
    return str(curve.spec.get("widths", "one")) == "one"


def isotropic(curve: Curve) -> Population | None:
    """Return the isotropic mixture that a run is about; None if the run is about something else."""
    data = curve.spec["data"]
    if data["name"] != "mixture":
        return None
    settings = MixtureData.model_validate(data.get("mixture") or {})
    return Population(curve.n, settings.dimension, settings.components, settings.std)


def population(curve: Curve) -> Population | TemplatePopulation | None:
    """Return the population that a run is about; None if that population has no formula."""
    data = curve.spec["data"]
    if data["name"] != "templates":
        return isotropic(curve)
    settings, path = TemplateData.model_validate(data.get("templates") or {}), str(data.get("path") or "")
    source = settings.source or ("folder" if path else "fashion_mnist")
    return TemplatePopulation(curve.n, source, settings.side, settings.components, settings.std, path)


def setting(curve: Curve) -> str:
    """Write N and the population of a run in words."""
    found = population(curve)
    return f"N = {curve.n}" + (f", {found.words}" if found is not None else "")


def over_runs(rows: Rows, name: str) -> Quantity:
    """Average a column over runs, a row each, with Student's interval.

    One row alone keeps its own interval, if the row has an interval.
    """
    known = [row for row in rows if row.get(name) is not None]
    found = mean_over_runs([float(row[name]) for row in known])
    if len(known) == 1 and known[0].get(f"{name}_low") is not None:
        return Quantity(found.value, float(known[0][f"{name}_low"]), float(known[0][f"{name}_high"]), 1)
    return found


def reference(curves: Sequence[Curve], model: str, name: str) -> Quantity:
    """Average a column of the model "true" or "empirical" over runs."""
    return over_runs([row for curve in curves for row in curve.rows if row.get("model") == model], name)


def by_size(curves: Sequence[Curve], name: str) -> list[tuple[float, Quantity]]:
    """List M/N and a column of the trained mixtures of that size, averaged over runs."""
    shares = sorted({share for curve in curves for share in learned(curve)})
    found = [(share, over_runs(at_size(curves, share), name)) for share in shares]
    return [(share, value) for share, value in found if value.count]


def at_size(curves: Sequence[Curve], share: float) -> Rows:
    """List the rows of the trained mixtures of M/N = share, each training set once."""
    return [rows[share] for rows in map(learned, distinct([c for c in curves if share in learned(c)]))]


def distinct(curves: Sequence[Curve]) -> list[Curve]:
    """Keep one of several runs that differ only in `shares`.

    Such runs train on the same points from the same start, so that they are not independent.
    """
    found: dict[str, Curve] = {}
    for curve in curves:
        rest = {name: value for name, value in curve.spec.items() if name != "shares"}
        found.setdefault(json.dumps(rest, sort_keys=True), curve)
    return list(found.values())


def half(curves: Sequence[Curve]) -> Quantity:
    """Find where half of the samples are memorized at S1's threshold, in units of N, each training set once."""
    return measured("m_pt@0.333", distinct([curve for curve in curves if len(learned(curve)) > 1]))


def published_lines(
    label: str, published: Published, figure: str, name: str, *, positive: bool = False
) -> list[Line]:
    """Draw a published curve as rings; no line where the study has none.  positive: only values above 0, for a logarithmic axis."""
    return ring_lines(label, published.get(figure, {}).get(name, ()), positive=positive)


def share_panel(head: str, caption: str, lines: Sequence[Line], shades: int = 0) -> Panel:
    """Make the figure of the share of memorized samples over M/N."""
    return Panel(
        head, caption, SIZE, "share of copies", lines, log_x=False, shades=shades, limits=SHARE_LIMITS
    )
