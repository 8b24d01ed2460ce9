"""Figures of a planted benchmark: a mark a population, told apart by shape and by color."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from byheart.report.axes import legend, panel
from byheart.report.dots import Dots, Marks, dots_figure, draw_marks, per_cent_ticks
from byheart.report.drawing import own_settings
from byheart.report.palette import MUTED
from byheart.report.words import rate
from byheart.studies.audit_planted.words import copy_alone, innocent

if TYPE_CHECKING:
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

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

_KINDS = ("main", "compound", "blend", "local", "outside")
_ROW = 0.26  # inches a kind of the headline
_LINEAR = 0.005  # below this share the axes of the estimate are linear: there is a zero on them


@own_settings()
def accused_figure(populations: Sequence[Population]) -> Figure:
    """Draw the share accused of every kind of innocents that are safe, with the limit of that share."""
    return dots_figure(_innocents(populations, "accused", "degraded images flagged", LIMIT))


@own_settings()
def blended_figure(populations: Sequence[Population]) -> Figure:
    """Draw, for every kind of innocents that are safe, the share that passes for a blend, with the limit of that share."""
    return dots_figure(_innocents(populations, "blended", "degraded images flagged as mixtures", BLENDED))


@own_settings()
def headline(populations: Sequence[Population]) -> Figure:
    """Draw the benchmark in one picture: what share of test copies is flagged, and of degraded images that copy nothing."""
    kinds = _names(populations, "planted", _KINDS)
    copies = Dots(
        "test copies flagged", [copy_alone(kind) for kind in kinds], _series(populations, "planted", kinds)
    )
    return dots_figure(copies, _innocents(populations, "accused", "degraded images flagged", LIMIT), row=_ROW)


@own_settings()
def coverage_figure(populations: Sequence[Population]) -> Figure:
    """Draw how often the interval of the share of copies holds the true share, by true share."""
    figure, axes = panel("true share of copies", "intervals that hold the share")
    names = _names(populations, "coverage")
    draw_marks(axes, _series(populations, "coverage", names), across=False, room=0.5)
    axes.axhline(0.95, color=MUTED, linewidth=1.0, linestyle=(0, (4, 3)))
    axes.axhline(FLOOR, color=MUTED, linewidth=1.0, linestyle=(0, (1, 2)))
    axes.set_xticks(range(len(names)), [rate(float(name)) for name in names])
    axes.set_ylim(min(0.9, axes.get_ylim()[0]), 1.005)
    per_cent_ticks(axes.yaxis)
    legend(axes, columns=2)
    return figure


@own_settings()
def estimate_figure(populations: Sequence[Population]) -> Figure:
    """Draw the mean estimate of the share of copies against the true share, from 0 to 1."""
    figure, axes = panel("true share of copies", "estimated, mean")
    names = _names(populations, "estimate")
    shares = [float(name) for name in names]
    axes.plot(shares, shares, color=MUTED, linewidth=1.0, linestyle=(0, (4, 3)))
    marks = [
        Marks(
            population.title,
            [(float(name), at) for name in names if (at := population.at("estimate", name)) is not None],
        )
        for population in populations
    ]
    draw_marks(axes, marks, across=False, size=4.5, filled=False)
    for scale in (axes.set_xscale, axes.set_yscale):
        scale("symlog", linthresh=_LINEAR, linscale=0.5)
    for axis, limit in ((axes.xaxis, axes.set_xlim), (axes.yaxis, axes.set_ylim)):
        limit(-_LINEAR / 4, 1.4)
        _marked(axis, shares)
    legend(axes, columns=2)
    return figure


def _names(populations: Sequence[Population], group: str, kinds: Sequence[str | None] = (None,)) -> list[str]:
    """List every name that a population has, in the order of the kinds, then of the records."""
    return list(
        dict.fromkeys(name for kind in kinds for one in populations for name in one.names(group, kind))
    )


def _innocents(populations: Sequence[Population], group: str, label: str, limit: float) -> Dots:
    kinds = _names(populations, group, ("safe",))
    return Dots(label, [innocent(kind) for kind in kinds], _series(populations, group, kinds), limit)


def _series(populations: Sequence[Population], group: str, names: Sequence[str]) -> list[Marks]:
    """Make a series of every population from the numbers that the population has, each at the place of its name."""
    return [
        Marks(
            population.title,
            [
                (at, share)
                for at, name in enumerate(names)
                if (share := population.at(group, name)) is not None
            ],
        )
        for population in populations
    ]


def _marked(axis: Axis, shares: Sequence[float]) -> None:
    """Set ticks at the shares and nowhere else."""
    from matplotlib.ticker import FixedLocator, NullLocator

    axis.set_major_locator(FixedLocator(list(shares)))
    axis.set_minor_locator(NullLocator())
    per_cent_ticks(axis)
