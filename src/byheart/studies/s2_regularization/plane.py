"""Trajectories in the plane, between the Voronoi cells of the training points."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from byheart.report.axes import SIZE, dress, legend
from byheart.report.drawing import own_settings
from byheart.report.palette import COPY, GOOD, INK, MUTED, SIGN

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["PlaneContent", "plane_figure"]


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


@own_settings()
def plane_figure(content: PlaneContent) -> Figure:
    """Draw trajectories between the Voronoi cells of the points: those that end where they began, and those that do not."""
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
        (True, GOOD, "ends in the cell in which it began"),
        (False, COPY, "ends in another cell"),
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
