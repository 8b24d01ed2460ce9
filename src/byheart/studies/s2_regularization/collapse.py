"""The panel of a run of kind `collapse`: where the posterior over the training points holds one point only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from byheart.experiments.runs.curves import read_curves
from byheart.report.panels import Line, Panel, Style
from byheart.store.folders import RunFolder

__all__ = ["collapse_panel", "kind_of", "points_line"]


def kind_of(folder: RunFolder) -> str:
    return str(folder.header()["spec"]["kind"])


def collapse_panel(folder: RunFolder) -> Panel:
    """Draw the weight of the source, pairs of samples that agree and the Jacobian's trace of a run of kind `collapse`, over the noise level."""
    (curve,) = read_curves([folder])
    name = folder.read_record("data")["name"]
    rows = [
        (float(row["relative"] or 0), row)
        for row in sorted(curve.rows, key=lambda row: float(row["relative"] or 0))
    ]
    dimension = max(float(row["trace"] or 0) for _, row in rows)
    trace = Line(
        f"Jacobian trace / {dimension:.2g}",
        [at for at, _ in rows],
        [float(row["trace"] or 0) / dimension for _, row in rows],
        style="line",
        color=1,
    )
    return Panel(
        head="When the posterior collapses onto one image",
        caption=f"{name}, exact denoiser, against the noise level in units of r_c: weight of the training image from which the noisy image was "
        "made; share of sample pairs, split at this level, that end at the same training image; trace of the denoiser's Jacobian, "
        "scaled, which falls to 0 where one image is left.",
        x="noise level / r_c",
        y="share",
        lines=[
            points_line("weight of the source", rows, "own_weight", color=0, style="line"),
            points_line("pairs that agree", rows, "agreement", color=2),
            trace,
        ],
    )


def points_line(
    label: str,
    rows: Sequence[tuple[float, Mapping[str, Any]]],
    name: str,
    *,
    color: int = 0,
    style: Style = "points",
) -> Line:
    value, low, high = ([float(row[name + end]) for _, row in rows] for end in ("", "_low", "_high"))
    return Line(label, [at for at, _ in rows], value, low, high, style, color)
