"""The figure of a forecast: shares, losses with their formulas, and the transition among sizes, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING

from byheart.studies.s1_crossover.forecast.record import Forecast, Losses

if TYPE_CHECKING:
    from byheart.numerics.intervals import Interval
    from byheart.report.panels import Line, Panel, Style
    from byheart.theory.transition import Transition

__all__ = ["forecast_picture"]

PLACES = 6  # sizes N of the phase picture
FOUR_FIFTHS = 0.8  # of N: where S1 puts the transition


def forecast_picture(found: Forecast, threshold: float, half: Transition | None) -> bytes:
    """A PNG file.  half: where half of the samples are memorized."""
    panels = [_shares(found, threshold), _phases(found, half)]
    if found.losses is not None and min(_sizes(found)) < 1:  # all points stored lose nothing
        panels.insert(1, _losses(found, found.losses))
    return _side_by_side(panels)


def _side_by_side(panels: Sequence[Panel]) -> bytes:
    """Figures of one height in one picture."""
    import numpy as np
    from PIL import Image

    from byheart.report.panels import panel_figure
    from byheart.report.vector import png

    drawn = [np.asarray(Image.open(BytesIO(png(panel_figure(panel)))).convert("RGB")) for panel in panels]
    file = BytesIO()
    Image.fromarray(np.concatenate(drawn, axis=1)).save(file, format="PNG")
    return file.getvalue()


def _shares(found: Forecast, threshold: float) -> Panel:
    """What becomes of the models, against M/N."""
    from byheart.report.panels import Line, Panel

    curve, at = found.curve, _sizes(found)
    return Panel(
        head="From which size a mixture model knows its data by heart",
        caption=f"Share of samples with d₁ < {threshold:.3g} d₂, by k-means in the place of training.",
        x=f"M / N: {found.title}",
        y="share",
        lines=[
            _measured("memorized", at, curve.ratios(threshold), 0),
            Line("variance", at, curve.variance.mean(1).tolist(), style="line", color=1),
            Line("means on one point", at, curve.singles.mean(1).tolist(), style="line", color=2),
        ],
        log_x=False,
    )


def _losses(found: Forecast, losses: Losses) -> Panel:
    """Excess losses: of the models and of M stored points as measured, and the formulas."""
    from byheart.numerics.intervals import mean_interval
    from byheart.report.palette import COPY, SIGN
    from byheart.report.panels import Panel

    excess = [] if found.curve.excess is None else found.curve.excess.tolist()
    lines = _formulas(found, losses)
    for name, rows, color in (
        ("stored, measured", losses.stored.tolist(), SIGN),
        ("models, by k-means", excess, COPY),
    ):
        kept = [(at, mean_interval(row)) for at, row in zip(_sizes(found), rows, strict=True) if at < 1]
        lines.append(_measured(name, [at for at, _ in kept], [value for _, value in kept], color, "points"))
    return Panel(
        head="What the population, stored points and the models cost",
        caption="Loss on the training points above that of the empirical denoiser.",
        x="M / N",
        y=f"excess loss at ψ = {losses.snr:.3g}",
        lines=lines,
        log_x=False,
        log_y=True,
    )


def _formulas(found: Forecast, losses: Losses) -> list[Line]:
    """Of the population, and of M stored points with C = 1, with C = 2 and, of a population, with the finite C."""
    from byheart.report.palette import GOOD, INK, MUTED, SIGN
    from byheart.report.panels import Line
    from byheart.theory.crossover import excess_spectrum
    from byheart.theory.partial import finite_factor

    if losses.spectrum is None:
        return []
    models, n = [m for m in found.curve.models if m < found.curve.n], found.curve.n
    at, total = [m / n for m in models], sum(losses.spectrum)
    true = float(excess_spectrum(losses.snr, losses.spectrum))
    columns = {"stored, C = 1": ([1.0] * len(models), MUTED), "stored, C = 2": ([2.0] * len(models), INK)}
    if "data" not in found.setting:
        d, k = found.setting["dimension"], found.setting["components"]
        columns["stored, finite C"] = ([finite_factor(d, m, k) for m in models], SIGN)
    rows = [
        Line(
            name,
            at,
            [c * (1 - share) * total for c, share in zip(factors, at, strict=True)],
            style="formula",
            color=color,
        )
        for name, (factors, color) in columns.items()
    ]
    return [Line("population", [at[0], 1.0], [true] * 2, style="formula", color=GOOD), *rows]


def _phases(found: Forecast, half: Transition | None) -> Panel:
    """Where the transition is, and where the formulas with S1's fitted weighting put it, in the plane of N and M."""
    import numpy as np

    from byheart.report.palette import COPY, INK, MUTED, SIGN
    from byheart.report.panels import Line, Panel

    n = found.curve.n
    places = np.linspace(max(2, n / 4, found.setting["components"] or 1), 2 * n, PLACES).round().tolist()
    row = dict(found.formulas.get("published", {}))
    merged = abs(row.get("C = 2", 0.0) - FOUR_FIFTHS) < 5e-4  # of S1's population: one line, not two
    name = "M*, C = 2: 0.8 N" if merged else "M = 0.8 N"
    lines = [Line(name, places, [FOUR_FIFTHS * place for place in places], style="formula", color=INK)]
    for name, color in (("C = 1", MUTED), ("C = 2", SIGN)):
        if name in row and not (merged and name == "C = 2"):
            shares = [row[name] * place for place in places]
            lines.append(Line(f"M*, {name}", places, shares, style="formula", color=color))
    if "data" not in found.setting:
        lines.append(Line("M*, finite C", places, _finite(found, places), style="formula", color=SIGN))
    if half is not None:
        lines.append(_measured("half memorized", [n], [half.mean], COPY, "points"))
    return Panel(
        head="Where it lies among sizes",
        caption="M* for S1's weighting, which was fitted to such transitions.",
        x="points N",
        y="components M",
        lines=lines,
        log_x=False,
    )


def _finite(found: Forecast, places: Sequence[float]) -> list[float]:
    """M* with the C of that N, d, K and M."""
    from byheart.theory.partial import crossover_finite

    d, k = found.setting["dimension"], found.setting["components"]
    excess = 1 - found.formulas["published"]["C = 1"]
    return [place * crossover_finite(excess, round(place), d, k) for place in places]


def _sizes(found: Forecast) -> list[float]:
    return [m / found.curve.n for m in found.curve.models]


def _measured(
    name: str, at: Sequence[float], values: Sequence[Interval], color: int | str, style: Style = "line"
) -> Line:
    from byheart.report.panels import Line

    value, low, high = ([getattr(one, side) for one in values] for side in ("value", "low", "high"))
    return Line(name, at, value, low, high, style=style, color=color)
