"""Figures of S1's study about the same question asked otherwise: of other starts, and of networks."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from byheart.experiments.crossover_lines import (
    COPIED,
    FROM_POINTS,
    by_size,
    isotropic,
    kind,
    level_line,
    line,
    over_runs,
    reference,
    start,
)
from byheart.experiments.curves import Curve
from byheart.experiments.quantities.crossover import learned, measured
from byheart.report.palette import INK
from byheart.report.panels import Line, Panel
from byheart.report.tables import interval, number

__all__ = ["STARTS", "network_panel", "start_panels", "starts"]

STARTS = {
    "free": "training points, own widths",
    "pairs": "nearest pairs",
    "training": "training points",
    "population": "fresh samples",
    "gaussian": "Gaussian",
}
"""`start` of a run -> what it is called, from the one that copies most on."""

SHOWN = 0.8
"""M/N at which starts are compared, or the nearest to it that all have."""


def starts(curves: Sequence[Curve]) -> dict[str, list[Curve]]:
    """Start -> runs of one population, the one that other starts were tried on; empty if none was."""
    mixtures = [
        curve for curve in curves if kind(curve) == "mixtures" and curve.spec["data"]["name"] == "mixture"
    ]
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
    """The share of memorized samples, and the loss that was trained, of every start at one size."""
    share = _shared_size(groups)
    if share is None:
        return []
    every = [curve for curves in groups.values() for curve in curves]
    about, counts = isotropic(every[0]), sorted(len(_rows(curves, share)) for curves in groups.values())
    runs = f"{counts[0]}" if counts[0] == counts[-1] else f"{counts[0]} to {counts[-1]}"
    words = f"M = {number(share)} N, N = {every[0].n}" + (f", {about.words}" if about is not None else "")
    copied = Panel(
        head="It belongs to the start",
        caption=f"Mixtures of one size from different starts, {runs} runs each: {words}.",
        x="start",
        y="share memorized",
        lines=_by_start(groups, share, COPIED, (0.0, 1.0)),
        limits=(-0.03, 1.05),
    )
    loss = Panel(
        head="What the same starts reach in training",
        caption="The loss that was trained, of the same models and of the true denoiser. What ends below it fits the training points better than the population does.",
        x="start",
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
    """The trained models at places 0, 1, …, and the true denoiser's level; none without the first."""
    points = line(
        "trained", enumerate(over_runs(_rows(one, share), column) for one in groups.values()), bounds=bounds
    )
    truth = reference([curve for curves in groups.values() for curve in curves], "true", column)
    if not points or not truth.count:
        return points
    return [level_line("true denoiser", truth.value, (-0.5, len(groups) - 0.5), INK), *points]


def _rows(curves: Sequence[Curve], share: float) -> list[dict[str, float]]:
    """The trained models of one size, a run each."""
    return [learned(curve)[share] for curve in curves if share in learned(curve)]


def _shared_size(groups: Mapping[str, Sequence[Curve]]) -> float | None:
    """M/N nearest to SHOWN of those that every start has."""
    sizes = [set().union(*(learned(curve) for curve in curves)) for curves in groups.values()]
    common = set.intersection(*sizes) if sizes else set()
    return min(common, key=lambda share: abs(share - SHOWN), default=None)


def network_panel(networks: Mapping[str, Sequence[Curve]], mixtures: Sequence[Curve]) -> Panel | None:
    """Memorized samples of networks against how many points their weights could hold.  networks: arm -> runs of kind `training`.

    mixtures: shown along with them, M/N along x: a mixture of M components has M d weights.
    """
    lines: list[Line] = []
    said = []
    for color, (arm, curves) in enumerate(networks.items()):
        groups = _by_weights(curves)
        lines += line(
            arm,
            [(at, over_runs([curve.rows[-1] for curve in one], "f_mem")) for at, one in groups],
            "line",
            color + 1,
            (0.0, 1.0),
        )
        said.append(_said(arm, curves))
    if not lines:
        return None
    return Panel(
        head="Does a network store points one by one?",
        caption="Share of memorized samples of trained networks against the number of points that their weights could hold, over N. If "
        f"networks stored points as mixtures do, all would turn at one place. {' '.join(said)}",
        x="weights over d N",
        y="share memorized",
        lines=[*line("mixtures", by_size(mixtures, COPIED), "line", 0, (0.0, 1.0)), *lines],
        limits=(-0.03, 1.05),
    )


def _by_weights(curves: Sequence[Curve]) -> list[tuple[float, list[Curve]]]:
    """Weights over d N -> runs, increasing."""
    groups: dict[float, list[Curve]] = defaultdict(list)
    for curve in curves:
        row = curve.rows[-1]
        if row.get("parameters") and row.get("dimension"):
            groups[float(row["parameters"]) / (float(row["dimension"]) * curve.n)].append(curve)
    return sorted(groups.items())


def _said(arm: str, curves: Sequence[Curve]) -> str:
    half = measured("stored/f_mem@0.5", curves)
    if not math.isfinite(half.value):
        return f"{arm}: one half is not passed between these sizes."
    return f"{arm}: one half at {interval(half.value, half.low, half.high)}."
