"""Quantities that compare runs with curves as published, which a study's TOML file holds.

published/FIGURE/NAME@S  largest |NAME − published| over the published M/N ≥ S; of losses and distances relative, and where the
                         published value is positive                                                  (ends of Student's intervals)
against/FIGURE/NAME/SETTING   largest |NAME − published| over runs that differ in SETTING, a strength say, where the curve has
                         a point at their setting; NAME is that of the last record                   (ends of NAME's intervals)

S: M/N of trained mixtures.  A run whose setting has no published point is not counted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from byheart.experiments.quantities.crossover import at_share, away, is_positive, shares, worst
from byheart.experiments.quantities.flows import setting_of
from byheart.experiments.quantities.result import Quantity, nothing
from byheart.experiments.runs.curves import Curve

__all__ = ["Published", "check", "curve_of", "measured"]

VOCABULARY = ("published/FIGURE/NAME@S", "against/FIGURE/NAME/SETTING")

Points = Sequence[tuple[float, float]]

Published = Mapping[str, Mapping[str, Points]]
"""Figure -> name of a record -> points (M/N or a setting, value)."""

_COLUMNS = {"f_mem": "f_mem@0.333"}
"""Published column -> that of our records, where they differ: S1 counts samples at a third of the second distance."""

_RELATIVE = ("loss/", "distance/")


def check(name: str) -> bool:
    """Say whether this is one of the quantities of this file."""
    family, _, rest = name.partition("/")
    if family == "against":
        return all(_compared(rest))
    column, _, number = rest.rpartition("@")
    return family == "published" and "/" in column and is_positive(number)


def curve_of(name: str, published: Published) -> Points:
    """Find the published points that a quantity compares with; empty if there is no such figure or record."""
    family, _, rest = name.partition("/")
    if family == "against":
        figure, record, _ = _compared(rest)
    else:
        figure, _, record = rest.rpartition("@")[0].partition("/")
    return published.get(figure, {}).get(record, ())


def measured(name: str, curves: Sequence[Curve], published: Published) -> Quantity:
    """Measure the quantity of that name; its value is NaN if the curves do not give one.  curves: of one arm."""
    family, _, rest = name.partition("/")
    points = curve_of(name, published)
    if family == "against":
        _, record, setting = _compared(rest)
        return _by_setting(record, setting, curves, points)
    column, _, least = rest.rpartition("@")
    return _by_share(column.partition("/")[2], float(least), curves, points)


def _compared(rest: str) -> tuple[str, str, str]:
    """Split FIGURE/NAME/SETTING, where NAME may hold slashes; empty parts if the text has another form."""
    figure, _, behind = rest.partition("/")
    record, _, setting = behind.rpartition("/")
    return figure, record, setting


def _by_share(record: str, least: float, curves: Sequence[Curve], curve: Points) -> Quantity:
    relative, own, there = record.startswith(_RELATIVE), _COLUMNS.get(record, record), set(shares(curves))
    points = {
        share: value
        for share, value in curve
        if share in there and share >= least and (value > 0 or not relative)
    }
    distances = [
        away(at_share(curves, own, share, len(points)), value, value if relative else 1.0)
        for share, value in points.items()
    ]
    return worst([distance for distance in distances if distance.count])


def _by_setting(record: str, setting: str, curves: Sequence[Curve], curve: Points) -> Quantity:
    """Compare the runs that have a published point; the count is their number."""
    gaps = [
        away(_last(run, record), value, 1.0)
        for run in curves
        for at, value in curve
        if math.isclose(at, float(setting_of(run.spec, setting)))
    ]
    known = [gap for gap in gaps if gap.count]
    return replace(worst(known), count=len(known), missing=len(gaps) - len(known))


def _last(run: Curve, record: str) -> Quantity:
    """Return a value of the last record, with its interval."""
    row = run.rows[-1]
    value, low, high = (row.get(f"{record}{end}") for end in ("", "_low", "_high"))
    return nothing(1) if value is None else Quantity(float(value), low, high, 1)
