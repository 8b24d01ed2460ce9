"""What `byheart theory crossover` forecast, as tables, a sentence and a file of numbers; as S1's slice computed it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from byheart._checks import printable
from byheart.studies.s1_crossover.forecast.record import STARTS, Forecast, by_size, forecast_record, passing

if TYPE_CHECKING:
    from byheart.numerics.intervals import Interval
    from byheart.theory.transition import Transition

__all__ = ["show_forecast", "write_forecast"]


def show_forecast(forecast: Forecast, threshold: float) -> None:
    """Print the curve and the crossovers as tables, M_pt in a sentence, and warnings on stderr."""
    from byheart.cli.tables import show
    from byheart.report.words import plain_number

    curve, n = forecast.curve, forecast.curve.n
    print(f"{forecast.title}: a mixture of M means and one variance, started from {STARTS[forecast.start]}\n")
    rows = [
        (f"{m}", f"{m / n:.3f}", _interval(ratio), plain_number(variance), plain_number(singles))
        for m, ratio, variance, singles in by_size(curve, threshold)
    ]
    show(("M", "M/N", "memorized [95 %]", "variance", "means on one point"), rows)
    print("\n" + _said(passing(forecast, threshold), n))
    if forecast.formulas:
        print(
            "\nPredicted crossover M*/N: where storing M points costs as much as knowing the population, for five "
            "weightings of the loss"
        )
        columns = list(next(iter(forecast.formulas.values())))
        show(
            ("weighting", *columns),
            [(name, *(f"{row[c]:.3f}" for c in columns)) for name, row in forecast.formulas.items()],
        )
        print(
            'That models memorize from M* on is a hypothesis, and "published" was fitted to it; training weighs as eps.'
        )
        if forecast.start != "training":
            print("The formulas do not know where a model starts.")
    for note in forecast.notes:
        print(printable(note), file=sys.stderr if note.startswith("warning") else sys.stdout)


def _said(half: Transition | None, n: int) -> str:
    if half is None:
        return "Half of the samples memorized: not between the sizes above, or not in every repeat."
    mean, one = half.mean, half.one
    return (
        f"Half of the samples memorized from M = {mean.value:.0f} on, M/N = {mean.value / n:.3f} "
        f"[{mean.low / n:.3f}, {mean.high / n:.3f}] on average; a single model at M/N from {one.low / n:.3f} to {one.high / n:.3f} (95 %)."
    )


def _interval(ratio: Interval) -> str:
    return f"{ratio.value:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]"


def write_forecast(forecast: Forecast, threshold: float, json: Path | None, figure: Path | None) -> None:
    """Write all numbers as JSON, and curve, losses and transition as PNG, where a file is named."""
    from byheart._records import write_atomic

    if json is not None:
        from json import dumps

        write_atomic(json, dumps(forecast_record(forecast, threshold), indent=2) + "\n")
    if figure is not None:
        from byheart.cli.outputs import drawn
        from byheart.studies.s1_crossover.forecast.figure import forecast_picture

        picture = drawn(
            "the figure",
            lambda: forecast_picture(forecast, threshold, passing(forecast, threshold)),
            lambda: "the same command with the same seed forecasts and draws the same",
        )
        if picture is not None:
            write_atomic(figure, picture)
            print(f"\nfigure: {figure}")
