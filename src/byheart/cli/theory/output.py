"""What `byheart theory crossover` found, as tables, a sentence and a file of numbers; the figure is `crossover_figure`'s."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from byheart.cli.theory.forecast import BEGUN, Forecast, passing

if TYPE_CHECKING:
    from byheart.numerics.intervals import Interval
    from byheart.theory.transition import Curve, Transition

__all__ = ["show_forecast", "write_forecast"]


def show_forecast(found: Forecast, threshold: float) -> None:
    """The curve and the crossovers as tables, M_pt in a sentence; warnings on stderr."""
    from byheart.cli.tables import show
    from byheart.report.words import plain_number

    curve, n = found.curve, found.curve.n
    print(f"{found.title}: a mixture of M means and one variance, started from {BEGUN[found.start]}\n")
    rows = [
        (f"{m}", f"{m / n:.3f}", _interval(ratio), plain_number(variance), plain_number(singles))
        for m, ratio, variance, singles in _models(curve, threshold)
    ]
    show(("M", "M/N", "memorized [95 %]", "variance", "means on one point"), rows)
    print("\n" + _said(passing(found, threshold), n))
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
        if found.start != "training":
            print("The formulas do not know where a model starts.")
    for note in found.notes:
        print(note, file=sys.stderr if note.startswith("warning") else sys.stdout)


def _models(curve: Curve, threshold: float) -> Iterator[tuple[int, Interval, float, float]]:
    """Of every size: M, the share memorized, the variance, and the share of means on one point."""
    means = curve.variance.mean(1).tolist(), curve.singles.mean(1).tolist()
    return zip(curve.models, curve.ratios(threshold), *means, strict=True)


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


def write_forecast(found: Forecast, threshold: float, json: Path | None, figure: Path | None) -> None:
    """All numbers as JSON, curve, losses and transition as PNG, where a file is named."""
    from byheart._records import write_atomic

    if json is not None:
        from json import dumps

        write_atomic(json, dumps(_record(found, threshold), indent=2) + "\n")
    if figure is not None:
        from byheart.cli.theory.figure import forecast_picture

        write_atomic(figure, forecast_picture(found, threshold, passing(found, threshold)))
        print(f"\nfigure: {figure}")


def _record(found: Forecast, threshold: float) -> dict[str, Any]:
    """Every number that was shown, flat by model."""
    from byheart._version import __version__

    curve, half = found.curve, passing(found, threshold)
    rows = [
        {
            "m": m,
            **ratio.entries("f_mem"),
            "effective_samples": ratio.count,
            "variance": variance,
            "singles": singles,
        }
        for m, ratio, variance, singles in _models(curve, threshold)
    ]
    for row, losses in zip(rows, _losses(found), strict=True):
        row.update(losses)
    edges = {} if half is None else {**half.mean.entries("m_pt"), **half.one.entries("m_pt_one_run")}
    return {
        "byheart": __version__,
        **found.setting,
        "start": found.start,
        "snr": None if found.losses is None else found.losses.snr,
        "threshold": threshold,
        "replicates": curve.variance.shape[1],
        "models": rows,
        "transition": edges or None,
        "crossover": {name: dict(row) for name, row in found.formulas.items()},
    }


def _losses(found: Forecast) -> list[dict[str, float]]:
    """Of every size: excess losses of the model and of M stored points, with their intervals over replicates."""
    from byheart.numerics.intervals import mean_interval

    if found.losses is None or found.curve.excess is None:
        return [{} for _ in found.curve.models]
    return [
        {**mean_interval(model).entries("excess"), **mean_interval(stored).entries("excess_stored")}
        for model, stored in zip(found.curve.excess.tolist(), found.losses.stored.tolist(), strict=True)
    ]
