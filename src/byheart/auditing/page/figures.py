"""Figures of the audit: the scores of samples and of held-out images, and what the model gives away by noise level."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from byheart.report.axes import SMALL, legend, log_ticks, panel
from byheart.report.drawing import own_settings
from byheart.report.palette import COPY, GOOD, INK, MUTED, SIGN
from byheart.report.panels import Line, Panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from byheart.auditing.record import Histogram, Signal

__all__ = ["density_figure", "signal_panel", "tail_figure"]

COLORS = (COPY, MUTED, SIGN, GOOD, INK)
"""Of the histograms in their order: samples, held-out images, and any others."""


@own_settings()
def density_figure(histograms: Sequence[Histogram], threshold: float | None) -> Figure:
    """Draw the histograms, each with area 1, and the threshold for a flag."""
    figure, axes = panel("similarity score", "share of images, per unit of score")
    for color, one in zip(COLORS, histograms, strict=False):
        counts, edges = np.array(one.counts, float), np.array(one.edges)
        heights = counts / max(counts.sum(), 1) / np.diff(edges)
        axes.stairs(heights, edges, fill=True, color=color, alpha=0.25)
        axes.stairs(heights, edges, color=color, linewidth=1.3, label=one.name)
    _threshold(axes, threshold)
    legend(axes, columns=3)
    return figure


@own_settings()
def tail_figure(histograms: Sequence[Histogram], threshold: float | None) -> Figure:
    """Draw the share of images with at least each score, on a log axis: where copies depart from what chance makes."""
    figure, axes = panel("similarity score", "share of images with at least this score")
    axes.set_yscale("log")
    for color, one in zip(COLORS, histograms, strict=False):
        counts = np.array(one.counts, float)
        above = np.append(np.cumsum(counts[::-1])[::-1], 0.0) / max(counts.sum(), 1)
        seen = above > 0
        axes.plot(np.array(one.edges)[seen], above[seen], color=color, linewidth=1.4, label=one.name)
    smallest = min((1 / sum(one.counts) for one in histograms if sum(one.counts)), default=1e-3)
    axes.set_ylim(smallest / 2, 1.4)
    log_ticks(axes.yaxis, *axes.get_ylim())
    _threshold(axes, threshold)
    legend(axes, columns=3)
    return figure


def signal_panel(signals: Sequence[Signal]) -> Panel:
    """Draw the loss gap by noise level, with its interval."""
    x = [one.sigma for one in signals]
    gap = Line(
        "held-out − training loss, over training loss",
        x,
        [one.gap.value for one in signals],
        [one.gap.low for one in signals],
        [one.gap.high for one in signals],
        style="line",
    )
    return Panel(
        head="The model's own error",
        caption="How much worse the model denoises held-out images than training images, with 95 % intervals. At 0 the model treats both alike.",
        x="noise level, in units of the data's RMS",
        y="loss gap",
        lines=[gap],
    )


def _threshold(axes: Axes, threshold: float | None) -> None:
    if threshold is None:
        return
    axes.axvline(threshold, color=INK, linewidth=0.9, linestyle=(0, (4, 3)))
    axes.annotate(
        "flagged →",
        xy=(threshold, 1),
        xycoords=("data", "axes fraction"),
        xytext=(3, -9),
        textcoords="offset points",
        color=INK,
        fontsize=SMALL - 0.5,
    )
