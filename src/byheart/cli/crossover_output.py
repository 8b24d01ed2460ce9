"""What `byheart theory crossover` found, as tables, a sentence, a file of numbers and a figure."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from byheart.numerics.intervals import Interval
    from byheart.report.panels import Panel
    from byheart.theory.transition import Curve, Transition

__all__ = ["Forecast", "show_forecast", "write_forecast"]


@dataclass(frozen=True)
class Forecast:
    """title: what it is about.  setting: the numbers it is about.  formulas: weighting -> column -> M*/N."""

    title: str
    setting: Mapping[str, Any]
    curve: Curve
    formulas: Mapping[str, Mapping[str, float]]
    notes: tuple[str, ...] = ()


def _transition(found: Forecast, threshold: float) -> Transition | None:
    from byheart.theory.transition import transition

    if len(found.curve.models) < 2:
        return None
    return transition(found.curve.shares(threshold), found.curve.models)


def show_forecast(found: Forecast, threshold: float) -> None:
    """The curve and the crossovers as tables, M_pt in a sentence; warnings on stderr."""
    from byheart.cli.tables import number, show

    curve, n = found.curve, found.curve.n
    print(f"{found.title}: a mixture of M means and one variance, started from M training points\n")
    rows = [
        (f"{m}", f"{m / n:.3f}", _interval(ratio), number(variance), number(singles))
        for m, ratio, variance, singles in zip(
            curve.models,
            curve.ratios(threshold),
            curve.variance.mean(1).tolist(),
            curve.singles.mean(1).tolist(),
            strict=True,
        )
    ]
    show(("M", "M/N", "memorized [95 %]", "variance", "means on one point"), rows)
    print("\n" + _said(_transition(found, threshold), n))
    if found.formulas:
        print("\nM*/N, where M stored points cost as much as the population, for a loss that is the")
        columns = list(next(iter(found.formulas.values())))
        show(
            ("weighting", *columns),
            [(name, *(f"{row[c]:.3f}" for c in columns)) for name, row in found.formulas.items()],
        )
        print(
            'That models memorize from M* on is a hypothesis, and "published" was fitted to it; training weighs as eps.'
        )
    for note in found.notes:
        print(note, file=sys.stderr if note.startswith("warning") else sys.stdout)


def _said(passing: Transition | None, n: int) -> str:
    if passing is None:
        return "Half of the samples memorized: not between the sizes above, or not in every repeat."
    mean, one = passing.mean, passing.one
    return (
        f"Half of the samples memorized from M = {mean.value:.0f} on, M/N = {mean.value / n:.3f} "
        f"[{mean.low / n:.3f}, {mean.high / n:.3f}] on average; a single model at M/N from {one.low / n:.3f} to {one.high / n:.3f} (95 %)."
    )


def _interval(ratio: Interval) -> str:
    return f"{ratio.value:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]"


def write_forecast(found: Forecast, threshold: float, json: Path | None, figure: Path | None) -> None:
    """All numbers as JSON, the curve as PNG, where a file is named."""
    from byheart._records import write_atomic

    if json is not None:
        from json import dumps

        write_atomic(json, dumps(_record(found, threshold), indent=2) + "\n")
    if figure is not None:
        from byheart.report.panels import panel_figure
        from byheart.report.vector import png

        write_atomic(figure, png(panel_figure(_panel(found, threshold))))
        print(f"\nfigure: {figure}")


def _record(found: Forecast, threshold: float) -> dict[str, Any]:
    """Every number that was shown, flat by model."""
    from byheart import __version__

    curve, passing = found.curve, _transition(found, threshold)
    rows = [
        {
            "m": m,
            **ratio.entries("f_mem"),
            "effective_samples": ratio.count,
            "variance": variance,
            "singles": singles,
        }
        for m, ratio, variance, singles in zip(
            curve.models,
            curve.ratios(threshold),
            curve.variance.mean(1).tolist(),
            curve.singles.mean(1).tolist(),
            strict=True,
        )
    ]
    edges = {} if passing is None else {**passing.mean.entries("m_pt"), **passing.one.entries("m_pt_one_run")}
    return {
        "byheart": __version__,
        **found.setting,
        "threshold": threshold,
        "replicates": curve.variance.shape[1],
        "models": rows,
        "transition": edges or None,
        "crossover": {name: dict(row) for name, row in found.formulas.items()},
    }


def _panel(found: Forecast, threshold: float) -> Panel:
    from byheart.report.panels import Line, Panel

    curve, ratios = found.curve, found.curve.ratios(threshold)
    at = [m / curve.n for m in curve.models]
    value, low, high = ([getattr(ratio, name) for ratio in ratios] for name in ("value", "low", "high"))
    lines = [
        Line("memorized", at, value, low, high, style="line"),
        Line("variance", at, curve.variance.mean(1).tolist(), style="line", color=1),
        Line("means on one point", at, curve.singles.mean(1).tolist(), style="line", color=2),
    ]
    return Panel(
        head="From which size a mixture model knows its data by heart",
        caption=f"{found.title}. Share of samples with d₁ < {threshold:.3g} d₂, by k-means in the place of training.",
        x="M / N",
        y="share",
        lines=lines,
        log_x=False,
    )
