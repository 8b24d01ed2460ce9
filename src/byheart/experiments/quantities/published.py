"""Quantities that compare trained mixtures with curves as published, which a study's TOML file holds.

published/FIGURE/NAME@S  largest |NAME − published| over the published M/N ≥ S; of losses and distances relative, and where the
                         published value is positive                                                  (ends of Student's intervals)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from byheart.experiments.quantities.crossover import at_share, away, is_positive, shares, worst
from byheart.experiments.quantities.result import Quantity
from byheart.experiments.runs.curves import Curve

__all__ = ["Published", "check", "curve_of", "measured"]

VOCABULARY = ("published/FIGURE/NAME@S",)

Published = Mapping[str, Mapping[str, Sequence[tuple[float, float]]]]
"""Figure -> name of a record -> points (M/N, value)."""

_COLUMNS = {"f_mem": "f_mem@0.333"}
"""Published column -> that of our records, where they differ: S1 counts samples at a third of the second distance."""

_RELATIVE = ("loss/", "distance/")


def check(name: str) -> bool:
    """Say whether this is one of the quantities of this file."""
    family, _, rest = name.partition("/")
    column, _, number = rest.rpartition("@")
    return family == "published" and "/" in column and is_positive(number)


def curve_of(name: str, published: Published) -> Sequence[tuple[float, float]]:
    """Find the published points that a quantity compares with; none where there is no such figure or record."""
    column = name.partition("/")[2].rpartition("@")[0]
    figure, _, record = column.partition("/")
    return published.get(figure, {}).get(record, ())


def measured(name: str, curves: Sequence[Curve], published: Published) -> Quantity:
    """Measure the quantity of that name; its value is NaN where the curves do not give one.  curves: of one arm."""
    column, _, least = name.partition("/")[2].rpartition("@")
    record = column.partition("/")[2]
    relative, own, there = record.startswith(_RELATIVE), _COLUMNS.get(record, record), set(shares(curves))
    points = {
        share: value
        for share, value in curve_of(name, published)
        if share in there and share >= float(least) and (value > 0 or not relative)
    }
    distances = [
        away(at_share(curves, own, share, len(points)), value, value if relative else 1.0)
        for share, value in points.items()
    ]
    return worst([distance for distance in distances if distance.count])
