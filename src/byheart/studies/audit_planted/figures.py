"""Figures of a planted benchmark: a mark a population, told apart by shape and by color."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from byheart.report.axes import SIZE, SMALL, dress, legend, panel
from byheart.report.palette import COPY, GOOD, INK, MUTED, SIGN
from byheart.studies.audit_planted.words import copy_alone, innocent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

    from byheart.numerics.intervals import Interval
    from byheart.studies.audit_planted.content import Population

__all__ = [
    "BLENDED",
    "FLOOR",
    "LIMIT",
    "accused_figure",
    "blended_figure",
    "coverage_figure",
    "estimate_figure",
    "headline",
]

LIMIT = 0.02
"""Share of any kind of innocents that may be accused: twice the nominal rate, for classes unlike the held-out images."""

BLENDED = 0.03
"""Share of any kind of innocents that may pass for a blend of two training images."""

FLOOR = 0.92
"""Share of repetitions in which a 95 % interval must hold the truth."""

MARKS = ((COPY, "o"), (GOOD, "s"), (SIGN, "^"), (INK, "D"), (MUTED, "v"))
ROW = 0.36  # inches a kind
_LINEAR = 0.005  # below this share the axes of the estimate are linear: there is a zero on them


def accused_figure(populations: Sequence[Population]) -> Figure:
    """Share accused of every kind of innocents that are safe, with its limit."""
    return _one_panel(populations, "accused", "innocents accused", LIMIT)


def blended_figure(populations: Sequence[Population]) -> Figure:
    """Share of every kind of innocents that are safe which passes for a blend, with its limit."""
    return _one_panel(populations, "blended", "innocents that pass for blends", BLENDED)


def headline(populations: Sequence[Population]) -> Figure:
    """The benchmark in one picture: what is found of planted copies, and who is accused though innocent."""
    from matplotlib.figure import Figure

    copies = _names(populations, "planted", ("main", "compound", "blend", "local", "outside"))
    rows = max(len(copies), 1)
    figure = Figure(figsize=(2.1 * SIZE[0], 0.9 + 0.26 * rows), layout="constrained")
    left, right = figure.subplots(1, 2)
    _dots(left, populations, "planted", copies, copy_alone)
    left.set_xlim(-0.02, 1.02)
    left.set_xlabel("planted copies accused", color=MUTED, fontsize=SMALL)
    _innocents(right, populations, "accused", "innocents accused", LIMIT)
    return figure


def coverage_figure(populations: Sequence[Population]) -> Figure:
    """How often the interval of the share holds it, by true share."""
    figure, axes = panel("true share of copies", "intervals that hold it")
    names = _names(populations, "coverage")
    _series(axes, populations, "coverage", names)
    axes.axhline(0.95, color=MUTED, linewidth=1.0, linestyle=(0, (4, 3)))
    axes.axhline(FLOOR, color=MUTED, linewidth=1.0, linestyle=(0, (1, 2)))
    axes.set_xticks(range(len(names)), [_rate(float(name)) for name in names])
    axes.set_ylim(min(0.9, axes.get_ylim()[0]), 1.005)
    _per_cent(axes.yaxis)
    legend(axes, columns=2)
    return figure


def estimate_figure(populations: Sequence[Population]) -> Figure:
    """The mean estimate of the share against the truth, from 0 to 1."""
    figure, axes = panel("true share of copies", "estimated, mean")
    names = _names(populations, "estimate")
    shares = [float(name) for name in names]
    axes.plot(shares, shares, color=MUTED, linewidth=1.0, linestyle=(0, (4, 3)))
    for place, one in enumerate(populations):
        found = [(float(name), at) for name in names if (at := one.at("estimate", name)) is not None]
        color, shape = MARKS[place % len(MARKS)]
        axes.errorbar(
            [x for x, _ in found],
            [at.value for _, at in found],
            _reach([at for _, at in found]),
            fmt=shape,
            ms=4.5,
            mfc="none",
            color=color,
            elinewidth=0.9,
            label=one.title,
        )
    for scale in (axes.set_xscale, axes.set_yscale):
        scale("symlog", linthresh=_LINEAR, linscale=0.5)
    for axis, limit in ((axes.xaxis, axes.set_xlim), (axes.yaxis, axes.set_ylim)):
        limit(-_LINEAR / 4, 1.4)
        _marked(axis, shares)
    legend(axes, columns=2)
    return figure


def _names(populations: Sequence[Population], group: str, kinds: Sequence[str | None] = (None,)) -> list[str]:
    """Every name that a population has, in the order of the kinds, then of the records."""
    return list(
        dict.fromkeys(name for kind in kinds for one in populations for name in one.names(group, kind))
    )


def _one_panel(populations: Sequence[Population], group: str, label: str, limit: float) -> Figure:
    from matplotlib.figure import Figure

    rows = len(_names(populations, group, ("safe",)))
    figure = Figure(figsize=(SIZE[0], 0.9 + ROW * rows), layout="constrained")
    _innocents(figure.add_subplot(), populations, group, label, limit)
    return figure


def _innocents(axes: Axes, populations: Sequence[Population], group: str, label: str, limit: float) -> None:
    _dots(axes, populations, group, _names(populations, group, ("safe",)), innocent)
    axes.axvline(limit, color=INK, linewidth=1.0, linestyle=(0, (4, 3)))
    axes.set_xlim(-0.0004, max(1.25 * limit, axes.get_xlim()[1]))
    axes.set_xlabel(label, color=MUTED, fontsize=SMALL)


def _dots(
    axes: Axes,
    populations: Sequence[Population],
    group: str,
    names: Sequence[str],
    word: Callable[[str], str],
) -> None:
    """A row a kind, from the top; within it a mark a population, one below the other."""
    dress(axes, "", "")
    step = 0.72 / max(1, len(populations))
    for place, one in enumerate(populations):
        found = [(row, at) for row, name in enumerate(names) if (at := one.at(group, name)) is not None]
        color, shape = MARKS[place % len(MARKS)]
        axes.errorbar(
            [at.value for _, at in found],
            [row + step * (place - (len(populations) - 1) / 2) for row, _ in found],
            xerr=_reach([at for _, at in found]),
            fmt=shape,
            ms=3.2,
            color=color,
            elinewidth=0.9,
            label=one.title,
        )
    axes.set_yticks(range(len(names)), [word(name) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    _per_cent(axes.xaxis)
    legend(axes, columns=2)


def _series(axes: Axes, populations: Sequence[Population], group: str, names: Sequence[str]) -> None:
    """A mark a population at every name, side by side."""
    step = 0.5 / max(1, len(populations))
    for place, one in enumerate(populations):
        found = [(x, at) for x, name in enumerate(names) if (at := one.at(group, name)) is not None]
        color, shape = MARKS[place % len(MARKS)]
        axes.errorbar(
            [x + step * (place - (len(populations) - 1) / 2) for x, _ in found],
            [at.value for _, at in found],
            _reach([at for _, at in found]),
            fmt=shape,
            ms=4,
            color=color,
            elinewidth=0.9,
            label=one.title,
        )


def _reach(found: Sequence[Interval]) -> list[list[float]]:
    return [[at.value - at.low for at in found], [at.high - at.value for at in found]]


def _per_cent(axis: Axis) -> None:
    from matplotlib.ticker import FuncFormatter

    axis.set_major_formatter(FuncFormatter(lambda value, _: _rate(value)))


def _marked(axis: Axis, shares: Sequence[float]) -> None:
    """Ticks at the shares and nowhere else."""
    from matplotlib.ticker import FixedLocator, NullLocator

    axis.set_major_locator(FixedLocator(list(shares)))
    axis.set_minor_locator(NullLocator())
    _per_cent(axis)


def _rate(value: float) -> str:
    return f"{100 * value:.3g} %".replace("-", "−")
