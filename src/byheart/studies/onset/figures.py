"""Figures: plot functions take records and return a Figure; the caller saves it.

Never through pyplot: no state, no window.  Runs are colored by n, one hue from light to dark.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from byheart.analysis.scaling import Exponent
from byheart.report.axes import SIZE, SMALL, dress, known_number, legend, log_ticks, panel, ticks
from byheart.report.drawing import own_settings
from byheart.report.palette import COPY, GOOD, MUTED, SIGN, ramp
from byheart.studies.onset.content import GEN, MEM, SPLIT, Onsets, RunContent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["fidelity", "headline", "loss_gap", "memorization", "scaling"]

TIMES = {
    MEM: (COPY, "o", "10 % copies (tau_mem)"),
    SPLIT: (SIGN, "s", "losses differ (tau_split)"),
    GEN: (GOOD, "^", "FD down (tau_gen)"),
}


@own_settings()
def memorization(
    runs: Sequence[RunContent], crossings: Sequence[Onsets] = (), *, over_n: bool = False
) -> Figure:
    """Draw the share of copies f_mem over training, with its band, and what the empirical denoiser and held-out images score.

    crossings: times of which tau_mem is marked.  over_n: draw over step / n, where the curves should fall on each other.
    """
    figure, axes = _panel("share of copies f_mem", over_n)
    _share_of_copies(axes, runs, crossings, over_n)
    return figure


@own_settings()
def headline(runs: Sequence[RunContent], crossings: Sequence[Onsets] = ()) -> Figure:
    """Draw the study in one picture: the share of copies over the step, and over step / n, side by side."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2 * SIZE[0], SIZE[1]), layout="constrained")
    for axes, over_n in zip(figure.subplots(1, 2, sharey=True), (False, True), strict=True):
        dress(
            axes,
            "training step / n" if over_n else "training step",
            "" if over_n else "share of copies f_mem",
        )
        axes.set_xscale("log")
        _share_of_copies(axes, runs, crossings, over_n)
    return figure


def _share_of_copies(
    axes: Axes, runs: Sequence[RunContent], crossings: Sequence[Onsets], over_n: bool
) -> None:
    _curves(axes, runs, "f_mem", ("f_mem_low", "f_mem_high"), over_n)
    axes.set_ylim(-0.02, 1.06)
    _reference(axes, runs, "f_mem/empirical", "empirical denoiser")
    _reference(axes, runs, "f_mem/heldout", "held-out images")
    _marks(axes, runs, crossings, MEM, over_n)


@own_settings()
def loss_gap(
    runs: Sequence[RunContent], crossings: Sequence[Onsets] = (), *, sigma: float = 0.5, over_n: bool = False
) -> Figure:
    """Draw held-out minus training loss at one noise level over training, with its band; tau_split is marked."""
    figure, axes = _panel(f"held-out − training loss, sigma {sigma:g}", over_n)
    _curves(axes, runs, f"gap@{sigma:g}", (f"gap_low@{sigma:g}", f"gap_high@{sigma:g}"), over_n)
    _marks(axes, runs, crossings, SPLIT, over_n)
    return figure


@own_settings()
def fidelity(runs: Sequence[RunContent], crossings: Sequence[Onsets] = ()) -> Figure:
    """Draw the Fréchet distance of samples to held-out images over training, on log axes.

    The distance of real images is drawn beside the curves, and tau_gen is marked.
    """
    figure, axes = _panel("Fréchet distance to held-out images", False)
    axes.set_yscale("log")
    _curves(axes, runs, "fd", None, False)
    _reference(axes, runs, "fd/floor", "real images")
    _marks(axes, runs, crossings, GEN, False)
    log_ticks(axes.yaxis, *axes.get_ylim())
    return figure


@own_settings()
def scaling(crossings: Sequence[Onsets], exponents: Sequence[Exponent] = ()) -> Figure:
    """Draw the three times against n on log axes, a mark a run with its interval, and the fitted power laws."""
    figure, axes = _panel("training step", False)
    axes.set_xlabel("training images n", color=MUTED, fontsize=SMALL)
    axes.set_yscale("log")
    fits = {fit.definition: fit for fit in exponents if fit.value == fit.value}
    for rule, (color, marker, label) in TIMES.items():
        _points(axes, crossings, rule, color, marker)
        if fit := fits.get(rule):
            axes.plot(fit.sizes, [fit.at(n) for n in fit.sizes], color=color, linewidth=1.4)
            label += f" ∝ n^{fit.value:.2f} [{fit.low:.2f}, {fit.high:.2f}]".replace("-", "−")
        axes.plot([], [], color=color, marker=marker, markersize=4, linewidth=1.4, label=label)
    legend(axes, columns=1)
    log_ticks(axes.yaxis, *axes.get_ylim())
    if sizes := sorted({found.n for found in crossings}):
        axes.set_xlim(sizes[0] / 1.3, sizes[-1] * 1.3)  # all sizes, also where one alone has times
        ticks(axes.xaxis, sizes[:: 1 + len(sizes) // 7])
    return figure


@own_settings()
def _panel(what: str, over_n: bool) -> tuple[Figure, Axes]:
    figure, axes = panel("training step / n" if over_n else "training step", what)
    axes.set_xscale("log")
    return figure, axes


def _shades(runs: Sequence[RunContent]) -> dict[int, str]:
    sizes = sorted({run.n for run in runs})
    return dict(zip(sizes, ramp(len(sizes)), strict=True))


def _curves(
    axes: Axes, runs: Sequence[RunContent], name: str, band: tuple[str, str] | None, over_n: bool
) -> None:
    """Draw a line a run with its band, one legend entry a size; evaluations without the number are left out."""
    shades, labeled = _shades(runs), set[int]()
    for run in sorted(runs, key=lambda run: (run.n, run.seed)):
        steps, *columns = _columns(run, name, *(band or ()))
        x = [step / (run.n if over_n else 1) for step in steps]
        label = None if run.n in labeled else f"{run.n:,}" if labeled else f"n = {run.n:,}"
        axes.plot(x, columns[0], color=shades[run.n], linewidth=1.3, label=label)
        if band:
            axes.fill_between(x, columns[1], columns[2], color=shades[run.n], alpha=0.16, linewidth=0)
        labeled.add(run.n)
    legend(axes, columns=min(len(shades), 5))
    log_ticks(axes.xaxis, *axes.get_xlim())


def _columns(run: RunContent, *names: str) -> list[list[float]]:
    """Return the steps and the named numbers of the evaluations that have all of these numbers."""
    table = [[known_number(row.get(name)) for name in ("step", *names)] for row in run.rows]
    known = [[value for value in row if value is not None] for row in table if None not in row]
    return [[row[place] for row in known] for place in range(len(names) + 1)]


def _marks(
    axes: Axes, runs: Sequence[RunContent], crossings: Sequence[Onsets], rule: str, over_n: bool
) -> None:
    """Mark the times of one rule, where the curves cross their levels."""
    color, marker, _ = TIMES[rule]
    shown = {(run.n, run.seed) for run in runs}
    for found in crossings:
        time = found.times.get(rule)
        if time is not None and time.step is not None and (found.n, found.seed) in shown:
            x = time.step / (found.n if over_n else 1)
            axes.plot([x], [time.level], marker, color=color, markersize=4, zorder=5)


def _reference(axes: Axes, runs: Sequence[RunContent], name: str, label: str) -> None:
    """Draw a dashed line at the mean of a reference record, if the runs have that record."""
    known = [value for run in runs if (value := known_number(run.references.get(name))) is not None]
    if not known:
        return
    height = math.fsum(known) / len(known)
    axes.axhline(height, color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
    axes.annotate(
        f"{label}: {height:.2g}",
        xy=(0.015, height),
        xycoords=("axes fraction", "data"),
        xytext=(0, 2),
        textcoords="offset points",
        color=MUTED,
        fontsize=SMALL - 0.5,
    )


def _points(axes: Axes, crossings: Sequence[Onsets], rule: str, color: str, marker: str) -> None:
    for found in crossings:
        time = found.times.get(rule)
        if time is not None and time.step is not None:
            low = time.step if not time.low else time.low
            high = time.limit if time.high is None else time.high
            reach = [[time.step - low], [high - time.step]]
            axes.errorbar(
                [found.n], [time.step], reach, fmt=marker, ms=4, color=color, elinewidth=0.9, alpha=0.75
            )
