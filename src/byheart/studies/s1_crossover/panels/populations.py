"""Where the transition lies for every N, d and K, and what a fitted weighting of the losses says of it, beside a constant."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from byheart.experiments.quantities.crossover import learned, measured
from byheart.experiments.runs.curves import Curve
from byheart.report.palette import COPY, GOOD, INK
from byheart.report.panels import Line, Panel, level_line
from byheart.studies.s1_crossover.lines import (
    FROM_POINTS,
    Population,
    isotropic,
    kind,
    one_width,
    start,
)
from byheart.studies.s1_crossover.page import WeightingContent
from byheart.theory.crossover import snr, times
from byheart.theory.weighting import Cell, Fit, approximate_cell, fit_weighting

__all__ = ["Seen", "fitted", "phase_panel", "seen", "universality_panel", "weighting_content"]

LEVEL = 0.8
"""S1's M_pt/N."""

EVERY = 3
"""Every third cell is kept out of the fit."""

SHADES = 6  # at most so many (d, K) have a shade of their own
SPREAD = 0.12  # of the step between sizes N: points of one N stand side by side within it


@dataclass(frozen=True)
class Seen:
    """A population with the transitions of its runs.  models: M that were trained.  transitions: M_pt/N, one a run."""

    population: Population
    models: tuple[int, ...]
    transitions: tuple[float, ...]

    @property
    def mean(self) -> float:
        return math.fsum(self.transitions) / len(self.transitions)


def seen(curves: Sequence[Curve]) -> list[Seen]:
    """List the transitions by population, of runs with one variance that started from training points.

    Runs without a transition are left out.
    """
    groups: dict[Population, list[tuple[tuple[int, ...], float]]] = defaultdict(list)
    for curve in curves:
        found = isotropic(curve)
        if kind(curve) != "mixtures" or found is None or start(curve) != FROM_POINTS or not one_width(curve):
            continue
        place = measured("m_pt@0.333", [curve]).value
        if math.isfinite(place):
            groups[found].append((tuple(int(row["m"]) for row in learned(curve).values()), place))
    return [
        Seen(population, found[0][0], tuple(place for _, place in found))
        for population, found in sorted(groups.items())
    ]


def fitted(cells: Sequence[Seen]) -> Fit | None:
    """Try S1's fit to two of three cells on the other cells; None for fewer than three cells.

    The losses are S1's approximations with C = 2.  Its floor is the noise of the cells' means, where a cell has several runs.
    """
    if len(cells) < EVERY:
        return None
    found = [_cell(cell) for cell in cells]
    noise = [
        float(np.var(cell.transitions, ddof=1)) / len(cell.transitions)
        for cell in cells
        if len(cell.transitions) > 1
    ]
    return fit_weighting(
        [cell for at, cell in enumerate(found) if at % EVERY],
        found[::EVERY],
        floor=float(np.mean(noise)) if noise else None,
    )


def _cell(cell: Seen) -> Cell:
    of = cell.population
    return approximate_cell(of.n, cell.models, cell.mean, snr(times()), of.dimension, of.std**2, factor=2.0)


def weighting_content(fit: Fit | None, cells: Sequence[Seen]) -> WeightingContent | None:
    """Make the content of the fit for the page."""
    if fit is None or fit.heldout_error is None or fit.constant_heldout_error is None:
        return None
    return WeightingContent(
        cells=len(fit.predicted),
        heldout=len(cells) - len(fit.predicted),
        numbers=len(fit.weights),
        constraints=fit.constraints,
        errors=(fit.error, fit.heldout_error),
        constant=fit.constant,
        constant_errors=(fit.constant_error, fit.constant_heldout_error),
        floor=fit.floor,
    )


def universality_panel(cells: Sequence[Seen], fit: Fit | None) -> Panel | None:
    """Draw M_pt/N of every run against N, with S1's 4/5, the fitted weighting and the best constant."""
    if len({cell.population for cell in cells}) < 2:
        return None
    ends = _ends(cells)
    lines = [level_line("4/5", LEVEL, ends, INK)]
    if fit is not None:
        kept = [cell for at, cell in enumerate(cells) if at % EVERY]
        pairs = sorted(zip((cell.population.n for cell in kept), fit.predicted, strict=True))
        lines.append(
            Line("fitted weighting", [n for n, _ in pairs], [y for _, y in pairs], style="line", color=GOOD)
        )
        lines.append(level_line("best constant", fit.constant, ends, COPY))
    groups = _groups(cells)
    low = min(place for cell in cells for place in cell.transitions)
    high = max(place for cell in cells for place in cell.transitions)
    return Panel(
        head="Is the transition at the same M / N everywhere?",
        caption=f"Transition point M_pt/N of each run, for {len(cells)} combinations of N, d and K, beside the prediction of S1's fitted weighting of "
        "the losses, which has one parameter per noise level, and beside the best constant.",
        x="training points N",
        y="transition point M_pt / N",
        lines=[*lines, *_points(groups, over=True)],
        log_x=False,
        shades=len(groups),
        limits=(min(0.7, low - 0.03), max(0.9, high + 0.03)),
    )


def phase_panel(cells: Sequence[Seen]) -> Panel | None:
    """Draw M_pt against N, between where mixtures memorize and where mixtures do not."""
    if len({cell.population.n for cell in cells}) < 2:
        return None
    low, high = _ends(cells)
    grid = (low, high)
    share = math.fsum(cell.mean for cell in cells) / len(cells)
    groups = _groups(cells)
    return Panel(
        head="Phase diagram",
        caption="Number of components M_pt at which half of the samples are copies, one point per run. Dashed: M = 4/5 N.",
        x="training points N",
        y="components M",
        lines=[
            Line("copies", grid, (), [share * n for n in grid], list(grid), "region", COPY),
            Line("new samples", grid, (), [0.0, 0.0], [share * n for n in grid], "region", GOOD),
            Line("4/5 N", grid, [LEVEL * n for n in grid], style="formula", color=INK),
            *_points(groups, over=False),
        ],
        log_x=False,
        shades=len(groups),
        limits=(0.0, high),
    )


def _ends(cells: Sequence[Seen]) -> tuple[float, float]:
    sizes = [cell.population.n for cell in cells]
    return 0.8 * min(sizes), 1.06 * max(sizes)


def _groups(cells: Sequence[Seen]) -> dict[str, list[Seen]]:
    """Group cells by (d, K), or by d where there are too many groups to tell apart."""
    many = len({cell.population.words for cell in cells}) > SHADES
    groups: dict[str, list[Seen]] = defaultdict(list)
    for cell in sorted(cells, key=lambda cell: (cell.population.dimension, cell.population.components)):
        groups[f"d = {cell.population.dimension}" if many else cell.population.words].append(cell)
    return dict(groups)


def _points(groups: Mapping[str, Sequence[Seen]], over: bool) -> list[Line]:
    """Make a series of every group, moved a little along N so that all can be seen.  over: divide by N."""
    sizes = sorted({cell.population.n for cells in groups.values() for cell in cells})
    step = min((b - a for a, b in pairwise(sizes)), default=sizes[0])
    found = []
    for place, (label, cells) in enumerate(groups.items()):
        shift = SPREAD * step * (2 * place / max(1, len(groups) - 1) - 1) if len(groups) > 1 else 0.0
        pairs = [
            (cell.population.n + shift, one * (1 if over else cell.population.n))
            for cell in cells
            for one in cell.transitions
        ]
        found.append(Line(label, [at for at, _ in pairs], [y for _, y in pairs], color=place))
    return found
