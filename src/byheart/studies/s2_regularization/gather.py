"""The regularization study's page: what was measured of each arm, and the formulas for it, gathered from the stored runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from byheart._records import write_atomic
from byheart.experiments.quantities.flows import pooled_share, setting_of
from byheart.experiments.runs.cautions import cautions
from byheart.experiments.runs.curves import Curve, read_curves
from byheart.experiments.runs.differences import differences
from byheart.experiments.runs.provenance import provenance
from byheart.experiments.study.folder import StudyFolder
from byheart.experiments.study.recipe import Study
from byheart.experiments.study.sentences import say
from byheart.report.laboratory import LaboratoryContent
from byheart.report.panels import Line, Panel, level_line, measured_lines, ring_lines
from byheart.store.folders import RunFolder
from byheart.studies.s2_regularization.collapse import collapse_panel, kind_of, points_line
from byheart.studies.s2_regularization.page import Copies, RegularizationContent, regularization_page
from byheart.studies.s2_regularization.plane import PlaneContent
from byheart.theory.terminal import consistency_copies, tikhonov_copies

__all__ = ["regularization_content", "write_page"]

PUBLISHED_TIKHONOV = {1e-5: 0.99, 3.2e-5: 0.80, 1e-4: 0.395, 3.2e-4: 0.137, 1e-3: 0.042, 1e-2: 0.004}
PUBLISHED_CONSISTENCY = {4.6052: 0.985, 3.442: 0.975, 2.3026: 0.91, 1.1394: 0.70}
"""Read off the figures of S2's code: strength c, and κ, to the share of samples within 0.01 of a point."""

TOLERANCE = 0.01
WITHIN = f"within@{TOLERANCE:g}"
SHOWN_PATHS, SHOWN_RUNS = 24, 5

OWN_FIGURES = {
    "tikhonov",
    "consistency",
    "tikhonov-sde",
    "hyperplane",
    "escape",
    "frame",
    "rectangles",
    "conditional",
}
"""Arms of the package's study that have figures of their own, or need none; and those of RATES."""

RATES = {
    "plain": "exact score",
    "half": "γ = 1, slope ½",
    "quarter": "γ = 3, slope ¼",
    "stops": "γ = 0.1/σ, stops",
}


def write_page(folder: StudyFolder) -> None:
    """Write report.html of a conducted study from what is stored."""
    write_atomic(folder.report, regularization_page(regularization_content(folder)))


def regularization_content(folder: StudyFolder) -> RegularizationContent:
    """Gather everything that the page shows; arms that the scale does not have are left out."""
    record, folders = folder.content(), folder.folders()
    study = Study.model_validate(record["study"])
    curves = {arm: read_curves(found) for arm, found in folders.items()}
    everything = [one for found in folders.values() for one in found]
    panels = [
        *(_shares(curves, of) for of in SHARES),
        _rates(curves),
        _widths(curves),
        _networks(curves),
        *_others(curves),
        *(
            collapse_panel(found[0])
            for found in folders.values()
            if found and kind_of(found[0]) == "collapse"
        ),
    ]
    said = say(study.says, folder.claims())
    laboratory = LaboratoryContent(
        title=study.title,
        scale=record["scale"],
        advice=said.advice or study.title,
        reasons=said.reasons,
        panels=[found for found in panels if found is not None],
        claims=folder.claims(),
        cautions=[*folder.left_out(), *cautions(everything)],
        provenance=provenance(everything),
        command=record["command"],
    )
    return RegularizationContent(laboratory, _plane(folders), _copies(folders))


def _others(curves: Mapping[str, Sequence[Curve]]) -> list[Panel]:
    """Draw, for arms of a study of yours, the distance to the nearest point over the noise level, a line a run."""
    found = []
    for arm, runs in curves.items():
        if arm in OWN_FIGURES | RATES.keys() or not runs or runs[0].spec["kind"] != "flow":
            continue
        settings = differences([one.spec for one in runs])
        lines = [
            _distance(f"{settings[place]} seed {one.seed}".strip(), one, place)
            for place, one in enumerate(runs[:SHOWN_RUNS])
        ]
        found.append(
            Panel(
                head=arm,
                caption="Median distance to the nearest training point against the noise level, one line per run.",
                x="noise level σ",
                y="distance to the nearest point",
                lines=[line for line in lines if line is not None],
                log_y=True,
            )
        )
    return [panel for panel in found if panel.lines]


def _distance(label: str, curve: Curve, color: int) -> Line | None:
    pairs = [(float(row["level"] or 0), float(row["distance/median"] or 0)) for row in curve.rows]
    pairs = [(level, distance) for level, distance in pairs if level > 0 and distance > 0]
    return (
        Line(label, [at for at, _ in pairs], [y for _, y in pairs], style="line", color=color)
        if pairs
        else None
    )


@dataclass(frozen=True)
class _Shares:
    """An arm whose copies are counted against one setting.  formula: that setting -> share, in the plane."""

    arm: str
    setting: str
    formula: Callable[[float], float]
    published: Mapping[float, float]
    spaced: Callable[[float, float], NDArray[np.float64]]
    head: str
    x: str
    caption: str


SHARES = (
    _Shares(
        arm="tikhonov",
        setting="strength",
        formula=lambda strength: tikhonov_copies(TOLERANCE, strength, 2),
        published=PUBLISHED_TIKHONOV,
        spaced=lambda first, last: np.geomspace(first / 2, 2 * last, 80),
        head="Tikhonov: a noise floor",
        x="strength c",
        caption="Share of samples within 0.01 of a training point. The share falls with c only because noise of size √c moves the copies "
        "farther away: the samples remain noisy copies (see below). Formula: P(χ² < 0.01²/c).",
    ),
    _Shares(
        arm="consistency",
        setting="kappa",
        formula=lambda kappa: consistency_copies(kappa, 2),
        published=PUBLISHED_CONSISTENCY,
        spaced=lambda first, last: np.linspace(0.0, 1.1 * last, 80),
        head="The consistency score",
        x="κ, with τ = exp(−κ d/2)",
        caption="Share of samples within 0.01 of a training point. This score is damped by the factor p/τ where the density p is below τ; the share of samples "
        "that end in a training point is then P(χ² < κ d).",
    ),
)


def _shares(curves: Mapping[str, Sequence[Curve]], of: _Shares) -> Panel | None:
    """Draw the share of copies against the setting, with the formula and the published points."""
    found = [
        (float(curve.spec["denoiser"]["shrinkage"][of.setting]), curve.rows[-1])
        for curve in curves.get(of.arm, ())
    ]
    measured = sorted((pair for pair in found if pair[1].get(WITHIN) is not None), key=lambda pair: pair[0])
    if not measured:
        return None
    grid = of.spaced(measured[0][0], measured[-1][0]).tolist()
    lines = [
        Line("formula", grid, [of.formula(at) for at in grid], style="formula", color=3),
        *ring_lines("values from S2's code", of.published.items()),
        points_line("measured", measured, WITHIN),
    ]
    return Panel(of.head, of.caption, of.x, "share of copies", lines, log_x=of.arm == "tikhonov")


def _rates(curves: Mapping[str, Sequence[Curve]]) -> Panel | None:
    lines = []
    for color, (arm, label) in enumerate(RATES.items()):
        lines += [
            line for curve in curves.get(arm, ())[:1] if (line := _distance(label, curve, color)) is not None
        ]
    if not lines:
        return None
    return Panel(
        head="How fast it copies",
        caption="Median distance of the samples to the nearest training point while the noise level falls (read from right to left), of one run "
        "each. With a constant shrinkage γ the distance still goes to 0, more slowly; with a shrinkage that grows as the noise falls "
        "a distance remains.",
        x="noise level σ",
        y="distance to the nearest point",
        lines=lines,
        log_y=True,
    )


def _widths(curves: Mapping[str, Sequence[Curve]]) -> Panel | None:
    groups = _by_setting(curves.get("width", ()), "model.width")
    lines = [
        line
        for place, width in enumerate(groups)
        for line in _over_training(f"{width:g}" if place else f"width {width:g}", groups[width], place)
    ]
    if not lines:
        return None
    return Panel(
        head="Width and training time",
        caption="Networks trained on the same twenty points: share of samples within 0.1 of a training point over training, all seeds together. "
        "The band shows the uncertainty from the number of samples, not the variation between networks.",
        x="training step",
        y="share within 0.1",
        lines=lines,
        shades=len(lines),
    )


def _networks(curves: Mapping[str, Sequence[Curve]]) -> Panel | None:
    groups = _by_setting(curves.get("network", ()), "loss.tikhonov.strength")
    lines = []
    for place, strength in enumerate(groups):
        ceiling = tikhonov_copies(0.1, strength, 2)
        for measured in _over_training(f"c = {strength:g}", groups[strength], place):
            lines += [measured, level_line("formula", ceiling, (measured.x[0], measured.x[-1]), place)]
    if not lines:
        return None
    return Panel(
        head="Networks trained with Tikhonov's penalty in the loss",
        caption="Share of samples within 0.1 of a training point over training. Dashed: the share that the formula gives for the exact minimizer, "
        "P(χ² < 0.1²/c).",
        x="training step",
        y="share within 0.1",
        lines=lines,
    )


def _by_setting(curves: Sequence[Curve], dotted: str) -> dict[float, list[Curve]]:
    """Group the curves by the value of a setting, increasing."""
    groups: dict[float, list[Curve]] = defaultdict(list)
    for curve in sorted(curves, key=lambda curve: float(setting_of(curve.spec, dotted))):
        groups[float(setting_of(curve.spec, dotted))].append(curve)
    return dict(groups)


def _over_training(label: str, curves: Sequence[Curve], color: int) -> list[Line]:
    """Draw the share within 0.1 over training, pooled over seeds; no line where no run counted that share."""
    steps = sorted({float(row["step"] or 0) for curve in curves for row in curve.rows})
    shares = []
    for step in steps:
        here = [replace(one, rows=[row]) for one in curves for row in one.rows if row["step"] == step]
        shares.append(pooled_share(here, "within@0.1"))
    known = [(step, share) for step, share in zip(steps, shares, strict=True) if share is not None]
    return measured_lines(label, known, "line", color)


def _plane(folders: Mapping[str, Sequence[RunFolder]]) -> PlaneContent | None:
    if not folders.get("plain"):
        return None
    stored, points = _first(folders["plain"])
    paths = stored["paths"][:SHOWN_PATHS].astype(np.float64)
    ends = {}
    if folders.get("tikhonov"):
        widest = max(
            folders["tikhonov"], key=lambda found: found.header()["spec"]["denoiser"]["shrinkage"]["strength"]
        )
        strength = widest.header()["spec"]["denoiser"]["shrinkage"]["strength"]
        ends[f"samples under c = {strength:g}"] = widest.arrays("samples-0")["samples"][:400].astype(
            np.float64
        )
    kept = pooled_share(read_curves(folders["plain"]), "cell/kept")
    stayed = _cell(paths[:, 0], points) == _cell(paths[:, -1], points)
    return PlaneContent(
        points,
        paths,
        stayed,
        ends,
        "" if kept is None else f"{kept.value:.0%} [{kept.low:.0%}, {kept.high:.0%}]",
    )


def _cell(x: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.intp]:
    found: NDArray[np.intp] = np.linalg.norm(x[:, None] - points, axis=2).argmin(1)
    return found


def _copies(folders: Mapping[str, Sequence[RunFolder]]) -> Copies | None:
    if not folders.get("rectangles"):
        return None
    stored, _ = _first(folders["rectangles"])
    chosen = [
        int(np.flatnonzero(stored["nearest"] == one)[k])
        for one in (0, 1)
        for k in range(2)
        if (stored["nearest"] == one).sum() > k
    ]
    nearest = stored["nearest_images"][chosen]
    ratio = stored["d1"][chosen] / stored["d2"][chosen]
    return Copies(
        _pixels(stored["samples"][chosen]), _pixels(stored["denoised"][chosen]), _pixels(nearest), ratio
    )


def _first(folders: Sequence[RunFolder]) -> tuple[dict[str, Any], NDArray[np.float64]]:
    """Read the samples and the points of the first run."""
    return folders[0].arrays("samples-0"), folders[0].arrays("data")["points"].astype(np.float64)


def _pixels(x: NDArray[np.float32]) -> NDArray[np.uint8]:
    return (np.clip(x[:, 0], 0, 1) * 255).round().astype(np.uint8)
