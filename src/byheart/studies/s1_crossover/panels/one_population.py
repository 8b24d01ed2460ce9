"""Figures of S1's study about one population: approximations of losses, the transition, what is learned, colored templates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from byheart.experiments.quantities.crossover import measured
from byheart.experiments.quantities.published import Published
from byheart.experiments.quantities.result import Quantity
from byheart.experiments.runs.curves import Curve
from byheart.report.palette import COPY, GOOD, INK, MUTED, SIGN
from byheart.report.panels import Line, Panel, level_line, measured_lines
from byheart.report.words import interval, number
from byheart.studies.s1_crossover.lines import (
    COPIED,
    SHARE,
    SHOWN_SNR,
    SIZE,
    Population,
    by_size,
    isotropic,
    over_runs,
    published_lines,
    reference,
    share_panel,
)
from byheart.theory.crossover import excess_partial, excess_true, smallest_snr
from byheart.theory.partial import coupon_bound, crossover_finite, finite_factor

__all__ = [
    "colored_panel",
    "factor_panel",
    "learned_panels",
    "loss_panel",
    "ratio_panel",
    "threshold_panel",
    "transition_panel",
]

POSITIVE = (0.0, math.inf)
PAPERS_OWN = Population(200, 50, 12)
"""What S1's figures 1, 6 and 7 are about."""

FRACTIONS = {"0.5": "1/2", "0.333": "1/3", "0.25": "1/4", "0.2": "1/5"}


def ratio_panel(arms: Mapping[str, Sequence[Curve]]) -> Panel | None:
    """Draw the excess loss of true denoisers over its formula, against ψ.  arms: runs of kind `losses`."""
    lines: list[Line] = []
    for color, curves in enumerate(curves for curves in arms.values() if curves):
        label, column = _closed_form(curves[0])
        lines += measured_lines(label, _by_snr(curves, column), color=color)
    if not lines:
        return None
    ends = min(one.x[0] for one in lines), max(one.x[-1] for one in lines)
    outside = [
        Line("outside the theorem", (ends[0], smallest_snr(found.dimension)), (), style="region", color=MUTED)
        for curves in arms.values()
        if curves and (found := isotropic(curves[0])) is not None and found.components > 1
    ]
    return Panel(
        head="Excess loss of the true denoiser",
        caption="Loss of the true denoiser above that of the empirical denoiser, divided by the formula d s/(1 + ψ s), at every noise level "
        "of S1. The formula holds where the noise is small enough to tell the training points apart; with one component the formula "
        "gives the whole loss, at every level.",
        x="signal-to-noise ratio ψ",
        y="measured / formula",
        lines=[*outside[:1], level_line("formula", 1.0, ends, INK), *lines],
        limits=(0.0, max(1.2, 1.05 * max(max(one.high or one.y) for one in lines))),
    )


def _closed_form(curve: Curve) -> tuple[str, str]:
    """Name a run of kind `losses`, and the column that its formula is for."""
    found = isotropic(curve)
    if found is None:
        return "colored templates", "ratio/true"
    return (found.words, "ratio/true") if found.components > 1 else ("one component", "ratio/loss")


def _by_snr(curves: Sequence[Curve], column: str) -> list[tuple[float, Quantity]]:
    levels = sorted({float(row["snr"]) for curve in curves for row in curve.rows})
    rows = {level: [row for curve in curves for row in curve.rows if row["snr"] == level] for level in levels}
    return [(level, over_runs(rows[level], column)) for level in levels]


def factor_panel(curves: Sequence[Curve]) -> Panel | None:
    """Draw C against M/N at the ψ that S1 shows.  curves: runs of kind `losses`, of one isotropic mixture."""
    found = isotropic(curves[0]) if curves else None
    if found is None:
        return None
    snr = min(curves[0].at("snr"), key=lambda one: abs(float(one) - SHOWN_SNR))
    rows = [row for curve in curves for row in curve.rows if row["snr"] == snr]
    shares = sorted(float(name.removeprefix("factor@")) for name in rows[0] if name.startswith("factor@"))
    if not shares:
        return None
    points = [(share, over_runs(rows, f"factor@{share:g}")) for share in shares]
    theory = [(share, over_runs(rows, f"formula/factor@{share:g}")) for share in shares]
    ends = (0.0, 1.0)
    few = min(1.0, coupon_bound(found.components, found.dimension) / found.n)
    return Panel(
        head="Constant C of the loss of stored points",
        caption=f"Constant C in the excess loss C (1 − M/N) d s of a model that stores M points, at ψ = {number(float(snr))}, {_about(curves)}. S1 proves "
        "1 ≤ C ≤ 2, draws its figures with 2 and computes with 1. Dashed, finite C: the value for this M, from the mean distance "
        "to the nearest stored point.",
        x=SIZE,
        y="C",
        lines=[
            Line("too few for the theorem", (0.0, few), (), style="region", color=MUTED),
            level_line("C = 1, C = 2", 1.0, ends, INK),
            level_line("", 2.0, ends, INK),
            *measured_lines("finite C", theory, "formula", COPY),
            *measured_lines("measured", points, color=COPY),
        ],
        log_x=False,
    )


def transition_panel(curves: Sequence[Curve], published: Published) -> Panel | None:
    """Draw the share of memorized samples over M/N, with Lloyd's and S1's shares."""
    points = measured_lines("trained", by_size(curves, COPIED), bounds=SHARE)
    if not points:
        return None
    rings = []
    if isotropic(curves[0]) == PAPERS_OWN:
        rings = [
            *published_lines("S1's figures", published, "transition", "f_mem"),
            *published_lines("", published, "seeds", "f_mem"),
        ]
    half = measured("m_pt@0.333", curves)
    where = (
        f"The share passes one half at M = {interval(half.value, half.low, half.high)} N."
        if half.count
        else "The share does not pass one half between these sizes."
    )
    return share_panel(
        head="The transition",
        caption=f"Share of samples whose nearest training point is more than three times closer than the second nearest, {_about(curves)}. "
        f"{where} Dashed: Lloyd's k-means from the same start, without training.",
        lines=[
            *rings,
            *measured_lines("Lloyd", by_size(curves, f"lloyd/{COPIED}"), "formula", INK),
            *points,
        ],
    )


def threshold_panel(curves: Sequence[Curve]) -> Panel | None:
    """Draw the share of memorized samples at every threshold."""
    thresholds = sorted(
        {
            name.removeprefix("f_mem@")
            for curve in curves
            for row in curve.rows
            for name in row
            if name.startswith("f_mem@") and not name.endswith(("_low", "_high"))
        },
        key=float,
        reverse=True,
    )
    lines: list[Line] = []
    for color, threshold in enumerate(thresholds):
        label = FRACTIONS.get(threshold, threshold)
        name = f"f_mem@{threshold}"
        lines += measured_lines(f"d₁ < {label} d₂", by_size(curves, name), "line", color, SHARE)
        lines += measured_lines("", by_size(curves, f"lloyd/{name}"), "formula", color)
    if len(thresholds) < 2 or not lines:
        return None
    return share_panel(
        head="The transition depends on what is called a copy",
        caption=f"Share of copies among the same samples at {len(thresholds)} thresholds of d₁/d₂, the distances to the two nearest training points. "
        "Dashed: Lloyd's k-means.",
        lines=lines,
        shades=len(thresholds),
    )


def loss_panel(curves: Sequence[Curve], published: Published) -> Panel | None:
    """Draw losses on training and fresh points over M/N, with the true denoiser's loss and the approximations."""
    train, heldout = (by_size(curves, f"loss/{name}") for name in ("train", "heldout"))
    found = isotropic(curves[0]) if curves else None
    if found is None or not train:
        return None
    rings = []
    if found == PAPERS_OWN:
        rings = [
            *published_lines("S1's figures", published, "transition", "loss/train", positive=True),
            *published_lines("", published, "transition", "loss/heldout"),
        ]
    ends = train[0][0], train[-1][0]
    truth = reference(curves, "true", "loss/heldout")
    true = [level_line("true denoiser, new points", truth.value, ends, INK)] if truth.count else []
    kept = [(at, value) for at, value in train if value.value > 0]
    least = min(value.value for at, value in kept if at < 1 or len(kept) == 1)
    excess = float(excess_true(SHOWN_SNR, 1, found.std**2)) / found.std**2
    crossing = crossover_finite(
        excess, found.n, found.dimension, found.components, separation=2 / found.std**2
    )
    return Panel(
        head="Losses on training points and on new points",
        caption=f"Squared error E‖D − x₀‖² of the denoiser at signal-to-noise ratio ψ = {SHOWN_SNR:g}, {_about(curves)}. The formulas for the true "
        f"distribution and for a model that stores M points cross at M = {number(crossing)} N for this ψ.",
        x=SIZE,
        y="loss, summed over coordinates",
        lines=[
            *rings,
            *true,
            *_approximations(found),
            *measured_lines("training points", kept, color=COPY),
            *measured_lines("new points", heldout, color=GOOD),
        ],
        log_x=False,
        log_y=True,
        limits=(least / 2, 1.6 * max(value.value for _, value in [*train, *heldout])),
    )


def _approximations(found: Population) -> list[Line]:
    """Draw S1's two excess losses: that of the true denoiser, and that of stored points with the C of so many points."""
    variance, n = found.std**2, found.n
    models = sorted({max(1, round(n * share)) for share in np.linspace(0.05, 0.98, 20)})
    factors = [finite_factor(found.dimension, m, found.components, separation=2 / variance) for m in models]
    stored = excess_partial(models, n, found.dimension, variance, factors)
    true = float(excess_true(SHOWN_SNR, found.dimension, variance))
    shares = [m / n for m in models]
    return [
        level_line("d s/(1 + ψ s)", true, (shares[0], 1.0), MUTED),
        Line("C (1 − M/N) d s", shares, stored.tolist(), style="formula", color=SIGN),
    ]


def learned_panels(curves: Sequence[Curve], published: Published) -> list[Panel]:
    """Draw the variance and the centers of what was learned, over M/N."""
    found = isotropic(curves[0]) if curves else None
    if found is None:
        return []
    own = found == PAPERS_OWN
    variance = measured_lines("trained", by_size(curves, "variance"), bounds=POSITIVE)
    places = [
        *measured_lines(
            "to the nearest training point", by_size(curves, "distance/point"), color=COPY, bounds=POSITIVE
        ),
        *measured_lines(
            "to the nearest true mean", by_size(curves, "distance/mean"), color=GOOD, bounds=POSITIVE
        ),
    ]
    rings = {
        name: published_lines("S1's figures", published, "transition", name) if own else []
        for name in ("variance", "distance/point", "distance/mean")
    }
    second = [Line("", ring.x, ring.y, style="published") for ring in rings["distance/mean"]]
    panels = [
        Panel(
            head="The learned variance",
            caption=f"Variance within the components, {_about(curves)}. The true distribution has {number(found.std**2)}, a model that "
            "stores every point has 0. Dashed: the variance within the clusters of Lloyd's k-means.",
            x=SIZE,
            y="variance",
            lines=[
                *rings["variance"],
                *measured_lines("Lloyd", by_size(curves, "lloyd/variance"), "formula", INK),
                *variance,
            ],
            log_x=False,
        ),
        Panel(
            head="Where the components end up",
            caption="Mean distance of the learned centers to the nearest training point and to the nearest true mean. A center on a "
            "training point has distance 0.",
            x=SIZE,
            y="distance",
            lines=[*rings["distance/point"], *second, *places],
            log_x=False,
        ),
    ]
    return [panel for panel, lines in zip(panels, (variance, places), strict=True) if lines]


def colored_panel(curves: Sequence[Curve], published: Published) -> Panel | None:
    """Draw memorized samples of colored templates, with the true denoiser's share.  curves: runs on templates."""
    points = measured_lines("trained", by_size(curves, COPIED), bounds=SHARE)
    if not points:
        return None
    floor = reference(curves, "true", COPIED)
    ends = points[0].x[0], points[0].x[-1]
    true = measured_lines("true denoiser", [(at, floor) for at in ends], "line", GOOD, SHARE)
    templates = curves[0].spec["data"].get("templates") or {}
    source = templates.get("source") or "fashion_mnist"
    return share_panel(
        head="Colored images",
        caption=f"Templates of {source} in random colors: images of {_pixels(curves[0])} numbers that vary in three dimensions. The rule counts a "
        f"share of {interval(floor.value, floor.low, floor.high)} of the samples of the true denoiser as copies, although they are new. Rings: S1 "
        "on Fashion-MNIST, N = 100.",
        lines=[*published_lines("S1's figure", published, "colored", "f_mem"), *true, *points],
    )


def _pixels(curve: Curve) -> str:
    side = int((curve.spec["data"].get("templates") or {}).get("side", 15))
    return f"{3 * side * side}"


def _about(curves: Sequence[Curve]) -> str:
    """Say what a figure shows, and of how many runs."""
    found, count = isotropic(curves[0]) if curves else None, len(curves)
    sets = f"{count} training sets" if count > 1 else "one training set"
    return f"{sets} of N = {curves[0].n}, {found.words}" if found is not None else sets
