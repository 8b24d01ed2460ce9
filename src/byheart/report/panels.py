"""Panels: measurements with their intervals, and the formula drawn over them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from byheart.report.axes import legend, log_ticks, panel
from byheart.report.drawing import own_settings
from byheart.report.palette import COPY, GOOD, INK, MUTED, SIGN, ramp

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "Line",
    "Measured",
    "Panel",
    "Style",
    "interval_ends",
    "level_line",
    "measured_lines",
    "panel_figure",
    "ring_lines",
]

COLORS = (COPY, GOOD, SIGN, INK, MUTED)

Style = Literal["points", "line", "formula", "published", "region"]


@dataclass(frozen=True)
class Line:
    """One series.  x, y: equally many numbers.  low, high: the ends of the intervals, or None.

    label: the words of the legend; a series with an empty label is not in the legend.

    style: "points" measured, "line" measured along x, "formula" theory, "published" read off the paper's figure; "region" the
    area between low and high, or all between the first and the last x.
    color: which of the panel's colors, or one of the palette; lines of one color belong together.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None
    style: Style = "points"
    color: int | str = 0


@dataclass(frozen=True)
class Panel:
    """A figure of lines.  x, y: words at the axes.  shades: one hue from light to dark in the place of separate colors.

    names: words at the places 0, 1, … along x, in the place of numbers.
    limits: low and high end of the y axis; None is what the lines need.
    """

    head: str
    caption: str
    x: str
    y: str
    lines: Sequence[Line]
    log_x: bool = True
    log_y: bool = False
    shades: int = 0
    names: Sequence[str] = ()
    limits: tuple[float, float] | None = None


class Measured(Protocol):
    """A measured number.  low, high: ends of its interval, or None.  count: observations behind the number; 0 is no number."""

    @property
    def value(self) -> float: ...
    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...
    @property
    def count(self) -> int: ...


def interval_ends(measured: Measured) -> tuple[float, float]:
    """Return the ends of an interval; the value itself where there is no interval."""
    if measured.low is None or measured.high is None:
        return measured.value, measured.value
    return measured.low, measured.high


def measured_lines(
    label: str,
    points: Iterable[tuple[float, Measured]],
    style: Style = "points",
    color: int | str = 0,
    bounds: tuple[float, float] | None = None,
) -> list[Line]:
    """Make a line of what was measured along x; the list is empty where nothing was measured.

    points: x and what was measured there.  bounds: limits of the intervals, such as 0 and 1 for a share.
    """
    known = [(x, measured) for x, measured in points if measured.count]
    if not known:
        return []
    least, most = bounds or (-math.inf, math.inf)
    ends = [interval_ends(measured) for _, measured in known]
    return [
        Line(
            label,
            [x for x, _ in known],
            [measured.value for _, measured in known],
            [max(low, least) for low, _ in ends],
            [min(high, most) for _, high in ends],
            style,
            color,
        )
    ]


def level_line(label: str, value: float, ends: tuple[float, float], color: int | str) -> Line:
    """Draw a level that does not change along x, such as the true value beside measured ones."""
    return Line(label, ends, (value, value), style="formula", color=color)


def ring_lines(label: str, points: Iterable[tuple[float, float]], *, positive: bool = False) -> list[Line]:
    """Draw published points as rings; the list is empty where no point is shown.

    points: (x, value).  positive: leave out values that are not above 0, for a logarithmic axis.
    """
    shown = [(x, y) for x, y in points if y > 0 or not positive]
    return [Line(label, [x for x, _ in shown], [y for _, y in shown], style="published")] if shown else []


@own_settings()
def panel_figure(content: Panel) -> Figure:
    """Draw the panel as a figure."""
    figure, axes = panel(content.x, content.y)
    colors = list(ramp(content.shades)) if content.shades else list(COLORS)
    if content.log_x:
        axes.set_xscale("log")
    if content.log_y:
        axes.set_yscale("log")
    for line in content.lines:
        color = line.color if isinstance(line.color, str) else colors[line.color % len(colors)]
        _draw(axes, line, color)
    legend(axes, columns=2 if sum(bool(line.label) for line in content.lines) > 2 else 1)
    if content.limits is not None:
        axes.set_ylim(*content.limits)
    if content.names:
        axes.set_xticks(range(len(content.names)), content.names)
        axes.set_xlim(-0.5, len(content.names) - 0.5)
    for axis, logarithmic, limits in (
        (axes.xaxis, content.log_x, axes.get_xlim()),
        (axes.yaxis, content.log_y, axes.get_ylim()),
    ):
        if logarithmic:
            log_ticks(axis, *limits)
    return figure


def _draw(axes: Axes, line: Line, color: str) -> None:
    match line.style:
        case "formula":
            axes.plot(line.x, line.y, color=color, linewidth=1.2, linestyle=(0, (4, 3)), label=line.label)
        case "published":
            axes.plot(
                line.x,
                line.y,
                "o",
                markersize=7,
                markerfacecolor="none",
                markeredgecolor=MUTED,
                label=line.label,
            )
        case "line":
            axes.plot(
                line.x, line.y, color=color, linewidth=1.3, marker="o", markersize=2.5, label=line.label
            )
            if line.low is not None and line.high is not None:
                axes.fill_between(line.x, line.low, line.high, color=color, alpha=0.16, linewidth=0)
        case "points":
            axes.errorbar(
                line.x, line.y, _reach(line), fmt="o", ms=4, color=color, elinewidth=0.9, label=line.label
            )
        case "region":
            looks: dict[str, Any] = {"color": color, "alpha": 0.12, "linewidth": 0, "label": line.label}
            if line.low is None or line.high is None:
                axes.axvspan(line.x[0], line.x[-1], **looks)
            else:
                axes.fill_between(line.x, line.low, line.high, **looks)


def _reach(line: Line) -> list[list[float]] | None:
    if line.low is None or line.high is None:
        return None
    ends = zip(line.y, line.low, line.high, strict=True)
    return [list(side) for side in zip(*((y - low, high - y) for y, low, high in ends), strict=True)]
