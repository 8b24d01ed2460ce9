"""Axes as every figure of a page has them: light, labeled, ticks where people read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from byheart.report.drawing import own_settings
from byheart.report.palette import GRID, INK, MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

__all__ = ["SIZE", "SMALL", "dress", "known_number", "legend", "log_ticks", "panel", "ticks"]

SIZE = (4.4, 3.2)  # inches: narrow enough to be read on a phone
SMALL = 8  # points


@own_settings()
def panel(x: str, y: str) -> tuple[Figure, Axes]:
    """A figure of one panel.  x, y: what its axes say."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.add_subplot()
    dress(axes, x, y)
    return figure, axes


def dress(axes: Axes, x: str, y: str) -> None:
    """The looks of a panel."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["bottom", "left"]].set_color(MUTED)
    axes.tick_params(which="both", colors=MUTED, labelsize=SMALL, length=3, width=0.8)
    axes.grid(True, color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel(x, color=MUTED, fontsize=SMALL)
    axes.set_ylabel(y, color=MUTED, fontsize=SMALL)


def legend(axes: Axes, columns: int) -> None:
    """Above the panel, where no curve runs."""
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1.0),
        ncols=columns,
        frameon=False,
        fontsize=SMALL,
        labelcolor=INK,
        handlelength=1.4,
        columnspacing=1.2,
        borderaxespad=0.2,
        alignment="left",
    )


def log_ticks(axis: Axis, low: float, high: float) -> None:
    """Ticks at powers of ten; at 1, 2, 5 of each where the axis spans less than two of them, at even ones where more than eight."""
    steps = (1,) if high / low >= 100 else (1, 2, 5)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    if high / low > 1e8:
        powers = range(2 * math.floor(powers.start / 2), powers.stop, 2)
    ticks(
        axis, [step * 10.0**power for power in powers for step in steps if low <= step * 10.0**power <= high]
    )


def ticks(axis: Axis, places: Sequence[float]) -> None:
    """Ticks at these places and nowhere else."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    axis.set_major_locator(FixedLocator(list(places)))
    axis.set_major_formatter(FuncFormatter(_plain))
    axis.set_minor_locator(NullLocator())


def _plain(value: float, _: int | None) -> str:
    return f"{value:,.10g}"


def known_number(value: object) -> float | None:
    """The value as a number; None if it is none, or not finite."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
