"""Do networks store points one by one?  Their memorized samples beside those of mixtures of the same population.

Both stand over parameters/(d N).  A mixture of M components has M d + 1 parameters, so that M stored points stand at M/N; one of
templates of h × w pixels has M (h w + 3) + 1, for images of d = 3 h w numbers, so that M stored templates stand near M/(3 N).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

from byheart.experiments.quantities.crossover import learned, measured
from byheart.experiments.quantities.result import Quantity
from byheart.experiments.runs.curves import Curve
from byheart.report.panels import Line, Panel, measured_lines
from byheart.report.words import interval, listed
from byheart.studies.s1_crossover.lines import (
    COPIED,
    FROM_POINTS,
    SHARE,
    SHARE_LIMITS,
    Population,
    TemplatePopulation,
    by_size,
    half,
    one_width,
    over_runs,
    population,
    start,
)

__all__ = ["network_panels"]

Arms = Mapping[str, Sequence[Curve]]
Known = Population | TemplatePopulation


def network_panels(networks: Arms, mixtures: Sequence[Curve]) -> list[Panel]:
    """Make a figure for every population that networks were trained on.  networks: arm -> runs of kind `training`.

    mixtures: of kind `mixtures`; shown are those of the same population with one variance, from training points.
    Networks without a count of their parameters, and data without a formula, are left out.
    """
    groups: dict[Known, dict[str, list[Curve]]] = defaultdict(lambda: defaultdict(list))
    for arm, curves in networks.items():
        for curve in curves:
            of, row = population(curve), curve.rows[-1]
            if of is not None and row.get("parameters") and row.get("dimension"):
                groups[of][arm].append(curve)
    return [_panel(of, arms, _alike(of, mixtures)) for of, arms in groups.items()]


def _alike(of: Known, mixtures: Sequence[Curve]) -> list[Curve]:
    """List the mixtures of several sizes on that population."""
    return [
        curve
        for curve in mixtures
        if population(curve) == of
        and one_width(curve)
        and start(curve) == FROM_POINTS
        and len(learned(curve)) > 1
    ]


def _panel(of: Known, networks: Arms, mixtures: Sequence[Curve]) -> Panel:
    what = "points" if isinstance(of, Population) else "colored images"
    lines: list[Line] = []
    for color, (arm, curves) in enumerate(networks.items(), start=1):
        lines += measured_lines(arm, _by_parameters(curves), "line", color, SHARE)
    sizes = [(_place(of, share), value) for share, value in by_size(mixtures, COPIED)]
    compared = (
        f" If a network stored {what} one by one, as a mixture does, its curve would rise at the same number of parameters as "
        "that of the mixtures."
        if sizes
        else ""
    )
    turns = [_turn("mixtures", _moved(of, half(mixtures)))] if sizes else []
    turns += [_turn(arm, measured("stored/f_mem@0.5", curves)) for arm, curves in networks.items()]
    return Panel(
        head=f"Does a network store {what} one by one?",
        caption=f"Share of samples that are copies against the number of parameters, divided by d N; N = {of.n}, {of.words}. The training "
        f"sets of the networks are subsets of one pool.{compared} Half of the samples are copies: {listed(turns)}.",
        x="parameters / (d N)",
        y="share of copies",
        lines=[*measured_lines("mixtures", sizes, "line", 0, SHARE), *lines],
        limits=SHARE_LIMITS,
    )


def _by_parameters(curves: Sequence[Curve]) -> list[tuple[float, Quantity]]:
    """List parameters over d N and the last share of memorized samples, mean over runs, increasing."""
    groups: dict[float, list[Curve]] = defaultdict(list)
    for curve in curves:
        row = curve.rows[-1]
        groups[float(row["parameters"]) / (float(row["dimension"]) * curve.n)].append(curve)
    return [(at, over_runs([curve.rows[-1] for curve in one], "f_mem")) for at, one in sorted(groups.items())]


def _place(of: Known, share: float) -> float:
    """Compute parameters over d N of a mixture of share · N components."""
    return of.parameters(share * of.n) / (of.dimension * of.n)


def _moved(of: Known, found: Quantity) -> Quantity:
    """Convert a transition in units of N to parameters over d N."""
    low, high = (None if end is None else _place(of, end) for end in (found.low, found.high))
    return Quantity(_place(of, found.value), low, high, found.count, found.missing)


def _turn(name: str, found: Quantity) -> str:
    if not math.isfinite(found.value):
        return f"for {name} not between these sizes"
    return f"for {name} at {interval(found.value, found.low, found.high)}"
