"""Panels: measurements with their intervals, and the formula drawn over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from byheart.report.axes import SIZE, dress, legend, log_ticks, panel
from byheart.report.palette import COPY, GOOD, INK, MUTED, SIGN, ramp

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Line", "Panel", "PlaneContent", "Style", "panel_figure", "plane_figure"]

COLORS = (COPY, GOOD, SIGN, INK, MUTED)

Style = Literal["points", "line", "formula", "published", "region"]


@dataclass(frozen=True)
class Line:
    """One series.  x, y: as many numbers.  low, high: the ends of the intervals, or None.  Without a label, not in the legend.

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
    """A figure of lines.  x, y: what its axes say.  shades: one hue from light to dark in the place of separate colors.

    names: of the places 0, 1, … along x, in the place of numbers.  limits: of y, low and high; None is what the lines need.
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


@dataclass(frozen=True, eq=False)
class PlaneContent:
    """Trajectories in the plane.  points: (n, 2).  paths: (t, s, 2).  stayed: (t,), whether each ends in the cell it began in.

    ends: name -> (b, 2), ends of samplings to show as clouds.  kept: the share of all trajectories that stayed, with its interval.
    """

    points: NDArray[np.float64]
    paths: NDArray[np.float64]
    stayed: NDArray[np.bool_]
    ends: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    kept: str = ""


def panel_figure(content: Panel) -> Figure:
    """The panel as a figure."""
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


def plane_figure(content: PlaneContent) -> Figure:
    """Trajectories between the Voronoi cells of the points: those that end where they began, and those that do not."""
    from matplotlib.figure import Figure
    from scipy.spatial import Voronoi

    figure = Figure(figsize=(SIZE[0], SIZE[0]), layout="constrained")
    axes = figure.add_subplot()
    dress(axes, "", "")
    axes.grid(False)
    reach = 1.25 * float(np.abs(content.points).max())
    far = 50 * reach * np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]])
    cells = Voronoi(np.concatenate([content.points, far]))
    for ends in cells.ridge_vertices:
        if -1 not in ends:
            axes.plot(*cells.vertices[ends].T, color=MUTED, linewidth=0.5, alpha=0.6)
    for stays, color, label in (
        (True, GOOD, "ends in the cell it began in"),
        (False, COPY, "ends in another"),
    ):
        for place, path in enumerate(content.paths[content.stayed == stays]):
            axes.plot(*path.T, color=color, linewidth=0.7, alpha=0.7, label=label if not place else None)
    for place, (name, found) in enumerate(content.ends.items()):
        axes.scatter(
            found[:, 0], found[:, 1], s=3, color=(SIGN, INK)[place % 2], alpha=0.35, linewidths=0, label=name
        )
    axes.plot(*content.points.T, "o", markersize=4, color=INK, label="training points", zorder=5)
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-reach, reach)
    axes.set_aspect("equal")
    legend(axes, columns=2)
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
