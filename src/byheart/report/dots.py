"""Dots: a row a kind, in each row a mark a series with its interval, and a limit that no mark should pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from byheart.report.axes import SIZE, dress, legend
from byheart.report.drawing import own_settings
from byheart.report.palette import COPY, GOOD, INK, MUTED, SIGN
from byheart.report.panels import Measured, interval_ends

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

__all__ = ["Dots", "Marks", "dots_figure", "draw_marks", "per_cent_ticks"]

MARKS = ((COPY, "o"), (GOOD, "s"), (SIGN, "^"), (INK, "D"), (MUTED, "v"))
"""Color and shape of every series: told apart by either."""

ROW = 0.36  # inches a row of a figure that stands alone


@dataclass(frozen=True)
class Marks:
    """One series.  points: place along the axis of kinds and what was measured there."""

    label: str
    points: Sequence[tuple[float, Measured]]


@dataclass(frozen=True)
class Dots:
    """Shares of kinds.  x: what the axis says.  rows: names of the kinds, from the top.  series: points (row, share).

    limit: the largest share that is allowed, dashed; None draws none, on an axis of all shares from 0 to 1.
    """

    x: str
    rows: Sequence[str]
    series: Sequence[Marks]
    limit: float | None = None


@own_settings()
def dots_figure(*contents: Dots, row: float = ROW) -> Figure:
    """Draw the dots, several side by side.  row: height of a row in inches; the first content decides the number of rows."""
    from matplotlib.figure import Figure

    width = SIZE[0] * (1 if len(contents) == 1 else 1.05 * len(contents))
    figure = Figure(figsize=(width, 0.9 + row * max(len(contents[0].rows), 1)), layout="constrained")
    for axes, content in zip(figure.subplots(1, len(contents), squeeze=False)[0], contents, strict=True):
        _draw(axes, content)
    return figure


def draw_marks(
    axes: Axes,
    series: Sequence[Marks],
    *,
    across: bool,
    room: float = 0.0,
    size: float = 4.0,
    filled: bool = True,
) -> None:
    """Draw marks with their intervals, each series in its color and shape.

    across: values lie along x and kinds along y; otherwise the other way.  room: how much of the distance between two kinds
    the series share, side by side.  size: of a mark, in points.  filled: fill the marks; otherwise draw their outlines.
    """
    step = room / max(1, len(series))
    for place, marks in enumerate(series):
        color, shape = MARKS[place % len(MARKS)]
        kinds = [at + step * (place - (len(series) - 1) / 2) for at, _ in marks.points]
        values = [measured.value for _, measured in marks.points]
        ends = [interval_ends(measured) for _, measured in marks.points]
        reach = [
            [value - low for value, (low, _) in zip(values, ends, strict=True)],
            [high - value for value, (_, high) in zip(values, ends, strict=True)],
        ]
        axes.errorbar(
            values if across else kinds,
            kinds if across else values,
            xerr=reach if across else None,
            yerr=None if across else reach,
            fmt=shape,
            ms=size,
            mfc=color if filled else "none",
            color=color,
            elinewidth=0.9,
            label=marks.label,
        )


def per_cent_ticks(axis: Axis) -> None:
    """Write the shares along an axis in per cent."""
    from matplotlib.ticker import FuncFormatter

    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.3g} %".replace("-", "−")))


def _draw(axes: Axes, content: Dots) -> None:
    dress(axes, content.x, "")
    draw_marks(axes, content.series, across=True, room=0.72, size=3.2)
    axes.set_yticks(range(len(content.rows)), content.rows)
    axes.set_ylim(len(content.rows) - 0.4, -0.6)
    per_cent_ticks(axes.xaxis)
    legend(axes, columns=2)
    if content.limit is None:
        axes.set_xlim(-0.02, 1.02)
        return
    axes.axvline(content.limit, color=INK, linewidth=1.0, linestyle=(0, (4, 3)))
    axes.set_xlim(-0.0004, max(1.25 * content.limit, axes.get_xlim()[1]))
