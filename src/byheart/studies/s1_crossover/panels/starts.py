"""Figures of S1's study about mixtures that are trained otherwise: from other starts, and with a width for every component."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from byheart.experiments.quantities.crossover import learned
from byheart.experiments.runs.curves import Curve
from byheart.report.palette import COPY, GOOD, INK
from byheart.report.panels import Line, Panel, level_line, measured_lines
from byheart.report.words import interval, number
from byheart.studies.s1_crossover.lines import (
    COPIED,
    FROM_POINTS,
    SHARE,
    SHARE_LIMITS,
    at_size,
    by_size,
    half,
    isotropic,
    kind,
    one_width,
    over_runs,
    reference,
    setting,
    share_panel,
    start,
)

__all__ = ["STARTS", "start_panels", "starts", "widths_panel"]

STARTS = {
    "pairs": "nearest pairs",
    "training": "training points",
    "population": "new samples",
    "gaussian": "Gaussian",
}
"""`start` of a run -> what it is called, from the one that copies most on."""

SHOWN = 0.8
"""M/N at which starts are compared, or the nearest to it that all have."""


def starts(curves: Sequence[Curve]) -> dict[str, list[Curve]]:
    """Return start -> runs of the one population that other starts were tried on; empty if no other start was tried."""
    mixtures = [curve for curve in curves if kind(curve) == "mixtures" and isotropic(curve) is not None]
    mixtures = [curve for curve in mixtures if one_width(curve)]
    others = {isotropic(curve) for curve in mixtures if start(curve) != FROM_POINTS}
    if not others:
        return {}
    shared = max(others, key=lambda one: sum(isotropic(curve) == one for curve in mixtures))
    found: dict[str, list[Curve]] = defaultdict(list)
    for curve in mixtures:
        if isotropic(curve) == shared:
            found[start(curve)].append(curve)
    return {name: found[name] for name in STARTS if name in found}


def start_panels(groups: Mapping[str, Sequence[Curve]]) -> list[Panel]:
    """Draw the share of memorized samples, and the loss that was trained, of every start at one size."""
    share = _shared_size(groups)
    if share is None:
        return []
    every = [curve for curves in groups.values() for curve in curves]
    counts = sorted(len(at_size(curves, share)) for curves in groups.values())
    runs = f"{counts[0]}" if counts[0] == counts[-1] else f"{counts[0]} to {counts[-1]}"
    words = f"M = {number(share)} N, {setting(every[0])}"
    copied = Panel(
        head="The transition depends on the starting values",
        caption=f"Share of copies of mixtures of one size whose means start at different values, {runs} runs each: {words}.",
        x="start of the means",
        y="share of copies",
        lines=_by_start(groups, share, COPIED, SHARE),
        limits=SHARE_LIMITS,
    )
    loss = Panel(
        head="Training loss from the same starting values",
        caption="Training loss of the same mixtures. Dashed: the true denoiser. Mixtures below the dashed line fit the training points better "
        "than the true distribution does.",
        x="start of the means",
        y="training loss E‖ε̂ − ε‖²",
        lines=_by_start(groups, share, "loss/eps"),
    )
    names = tuple(STARTS[name] for name in groups)
    return [replace(panel, log_x=False, names=names) for panel in (copied, loss) if panel.lines]


def _by_start(
    groups: Mapping[str, Sequence[Curve]],
    share: float,
    column: str,
    bounds: tuple[float, float] | None = None,
) -> list[Line]:
    """Draw the trained models at places 0, 1, …, and the true denoiser's level; nothing without trained models."""
    points = measured_lines(
        "trained", enumerate(over_runs(at_size(one, share), column) for one in groups.values()), bounds=bounds
    )
    truth = reference([curve for curves in groups.values() for curve in curves], "true", column)
    if not points or not truth.count:
        return points
    return [level_line("true denoiser", truth.value, (-0.5, len(groups) - 0.5), INK), *points]


def _shared_size(groups: Mapping[str, Sequence[Curve]]) -> float | None:
    """Choose the M/N nearest to SHOWN that every start has."""
    sizes = [set().union(*(learned(curve) for curve in curves)) for curves in groups.values()]
    common = set.intersection(*sizes) if sizes else set()
    return min(common, key=lambda share: abs(share - SHOWN), default=None)


def widths_panel(curves: Sequence[Curve]) -> Panel | None:
    """Draw memorized samples of mixtures with a variance and a weight for every component, beside mixtures of one variance.

    curves: runs of kind `mixtures`.  Shown is the population with most runs of the former; all start at training points.
    """
    begun = [curve for curve in curves if isotropic(curve) is not None and start(curve) == FROM_POINTS]
    about = Counter(isotropic(curve) for curve in begun if not one_width(curve)).most_common(1)
    if not about:
        return None
    alike = [curve for curve in begun if isotropic(curve) == about[0][0]]
    free, one = ([curve for curve in alike if one_width(curve) == shared] for shared in (False, True))
    return share_panel(
        head="One variance for all, or one each",
        caption=f"Share of copies of mixtures that start at training points, {setting(alike[0])}: with one common variance, or with one variance and "
        f"one weight per component. {_half('One each', free)}{_half('One for all', one)}",
        lines=[
            *measured_lines("one each", by_size(free, COPIED), color=COPY, bounds=SHARE),
            *measured_lines("one for all", by_size(one, COPIED), color=GOOD, bounds=SHARE),
        ],
    )


def _half(label: str, curves: Sequence[Curve]) -> str:
    """Find where half of the samples of these runs are memorized; nothing without such runs."""
    found = half(curves)
    if not math.isfinite(found.value):
        return ""
    return (
        f"{label}: half of the samples are copies at M = {interval(found.value, found.low, found.high)} N. "
    )
