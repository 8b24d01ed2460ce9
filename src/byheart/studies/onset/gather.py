"""The onset study's page: times, exponents, collapses and sample strips, gathered from the stored runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from byheart._checks import InputError
from byheart._records import write_atomic
from byheart.analysis.collapse_quality import Collapse, collapse
from byheart.experiments.quantities.onset import crossing_rule, measured_exponent, series
from byheart.experiments.runs.cautions import cautions
from byheart.experiments.runs.curves import Curve, read_curves
from byheart.experiments.runs.provenance import provenance
from byheart.experiments.study.claims import ClaimRow
from byheart.experiments.study.folder import StudyFolder
from byheart.experiments.study.recipe import Study
from byheart.experiments.study.sentences import say
from byheart.report.vector import png
from byheart.store.folders import Row, RunFolder
from byheart.store.tables import export
from byheart.studies.onset.content import OnsetContent, Onsets, RunContent, Strip
from byheart.studies.onset.figures import headline
from byheart.studies.onset.page import onset_page

__all__ = ["headline_picture", "onset_content", "write_page"]

RULES = (
    "tau_gen@0.1",
    "tau_split@0.05",
    "tau_split@0.1",
    "tau_split@0.15",
    "tau_mem@0.05",
    "tau_mem@0.1",
    "tau_mem@0.3",
    "tau_mem@0.5",
    "tau_mem_normalized@0.5",
)
"""Every onset time that is read off and kept; the page leads with the ones at 0.1."""

COLLAPSING = ("f_mem", "gap@0.5")
SHOWN_SAMPLES, SHOWN_STEPS = 6, 8


def write_page(folder: StudyFolder) -> None:
    """Write report.html, onset.png and crossings.csv of a conducted study from what is stored."""
    content = onset_content(folder)
    export(_crossing_rows(content), folder.path / "crossings.csv")
    write_atomic(folder.path / "onset.png", png(headline(content.runs, content.crossings)))
    write_atomic(folder.report, onset_page(content))


def headline_picture(curves: Sequence[Curve]) -> bytes:
    """Draw the page's first figure, a PNG file, from the curves of one arm, as committed records hold them."""
    return png(headline([_run(curve) for curve in curves], [_onsets(curve) for curve in curves]))


def _run(curve: Curve) -> RunContent:
    return RunContent(curve.id, curve.n, curve.seed, curve.rows, curve.references)


def onset_content(folder: StudyFolder) -> OnsetContent:
    """Gather everything that the page shows: the study's main arm, and the other arms behind the main arm."""
    record, folders = folder.content(), folder.folders()
    study = Study.model_validate(record["study"])
    first = study.main_arm if study.main_arm in folders else next(iter(folders))
    claims = folder.claims()
    others = [
        _arm(study, arm, found, claims, title=_arm_title(study, arm), scale=record["scale"])
        for arm, found in folders.items()
        if arm != first
    ]
    main = _arm(study, first, folders[first], claims, title=study.title, scale=record["scale"])
    said = [*folder.left_out(), *main.cautions]
    return replace(main, claims=claims, others=others, cautions=said, command=record["command"])


def _arm(
    study: Study,
    arm: str,
    folders: Sequence[RunFolder],
    claims: Sequence[ClaimRow],
    *,
    title: str,
    scale: str,
) -> OnsetContent:
    curves = read_curves(folders)
    n_min = min((claim.n_min for claim in study.claims if claim.arm == arm and claim.n_min > 1), default=1)
    fitted = [curve for curve in curves if curve.n >= n_min]
    if len({curve.n for curve in fitted}) < 2:  # too few images for the claims' range: fit what there is
        fitted = curves
    return OnsetContent(
        title=title,
        scale=scale,
        data_name=str(folders[0].read_record("data").get("name", "")),
        runs=[_run(curve) for curve in curves],
        crossings=[_onsets(curve) for curve in curves],
        exponents=[
            measured_exponent(rule, curves if rule.startswith("tau_gen") else fitted)
            for rule in RULES
            if curves
        ],
        collapses=_collapses(fitted),
        strips=_strips(folders),
        facts=_facts(folders[0]),
        cautions=cautions(folders),
        threshold=_threshold(folders[0]),
        provenance=provenance(folders),
        says=_says(study, arm, claims),
    )


def _threshold(folder: RunFolder) -> float:
    """Find the threshold of `f_mem` in a run.  Raises InputError where the plan of the run does not count copies."""
    for measure in folder.header()["spec"]["plan"].get("measures", ()):
        if measure["kind"] == "copies":
            return float(measure["thresholds"][0])
    raise InputError(
        got=f"run {folder.id}, whose plan does not count copies",
        need="a measure of kind copies: the page is about `f_mem`",
        remedy='add { kind = "copies" } to plan.measures, or, where an older version stored the run, '
        f"move {folder.path} away; then run the study anew",
    )


def _says(study: Study, arm: str, claims: Sequence[ClaimRow]) -> tuple[str, ...] | None:
    """Write the sentences that rest on claims about this arm alone; None where no claim about the arm is decided."""
    ids = {claim.id for claim in study.claims if claim.arm == arm}
    decided = [row for row in claims if row["id"] in ids]
    about = [sentence for sentence in study.says if ids.issuperset(sentence.rests_on)]
    return say(about, decided).reasons if decided else None


def _onsets(curve: Curve) -> Onsets:
    return Onsets(curve.n, curve.seed, {rule: crossing_rule(rule)(curve) for rule in RULES})


def _collapses(curves: Sequence[Curve]) -> dict[str, Collapse]:
    return {name: collapse(series(curves, name)) for name in COLLAPSING}


def _strips(folders: Sequence[RunFolder]) -> list[Strip]:
    """Make a strip of every n, from the first seed of that n."""
    first: dict[int, tuple[int, RunFolder]] = {}
    for folder in folders:
        spec = folder.header()["spec"]
        if spec["n"] not in first or spec["seed"] < first[spec["n"]][0]:
            first[spec["n"]] = (spec["seed"], folder)
    strips = [_strip(n, seed, folder) for n, (seed, folder) in sorted(first.items())]
    return [strip for strip in strips if strip is not None]


def _strip(n: int, seed: int, folder: RunFolder) -> Strip | None:
    """Make a strip of the first samples of a run, not chosen, at log-spaced steps; None where samples are no images."""
    steps = folder.sample_steps()
    if not steps or len(folder.read_record("data")["shape"]) != 3:
        return None
    places = sorted(set(np.linspace(0, len(steps) - 1, SHOWN_STEPS).round().astype(int).tolist()))
    steps = [steps[place] for place in places]
    stored = [folder.arrays(f"samples-{step}") for step in steps]
    pixels = _Pixels(folder)
    return Strip(
        n=n,
        seed=seed,
        steps=steps,
        images=np.stack([pixels(found["samples"][:SHOWN_SAMPLES]) for found in stored], axis=1),
        nearest=pixels(stored[-1]["nearest_images"][:SHOWN_SAMPLES]),
        ratios=np.stack([_ratio(found)[:SHOWN_SAMPLES] for found in stored], axis=1),
    )


def _ratio(found: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    d1, d2 = found["d1"], found["d2"]
    return np.where(d2 > 0, d1 / np.where(d2 > 0, d2, 1.0), 1.0)


class _Pixels:
    """Training units (b, c, h, w) -> uint8 images (b, h, w) or (b, h, w, 3), without the alpha of 2 or 4 channels."""

    def __init__(self, folder: RunFolder) -> None:
        stored = folder.arrays("data")
        self._center, self._scale = stored["center"], float(stored["scale"])

    def __call__(self, x: NDArray[np.float32]) -> NDArray[np.uint8]:
        values = np.clip((x * self._scale + self._center) * 255, 0, 255).round().astype(np.uint8)
        return values[:, 0] if values.shape[1] < 3 else np.moveaxis(values[:, :3], 1, -1)


def _facts(folder: RunFolder) -> dict[str, Any]:
    spec, data = folder.header()["spec"], folder.read_record("data")
    training, plan = spec.get("training", {}), spec["plan"]
    return {
        "images": f"{data['count']} of shape {'×'.join(map(str, data['shape']))}, {data['heldout']} held out",
        "model": ", ".join(f"{key} {value}" for key, value in spec.get("model", {}).items()),
        "training": f"{training.get('optimizer')}, learning rate {training.get('lr')}, batch {training.get('batch')}, "
        f"moving average over {training.get('ema_horizon', 0):.0%} of the steps so far",
        "samples": f"{plan['samples']} at every evaluation, the same noise each time, {plan['solver']}, "
        f"{plan['grid']['steps']} noise levels",
    }


def _arm_title(study: Study, arm: str) -> str:
    model = study.arms[arm].base.get("model", {})
    return f"The same study with another network: {model.get('kind', arm)} of width {model.get('width', '?')}"


def _crossing_rows(content: OnsetContent) -> list[Row]:
    """Write every onset time as a row."""
    return [
        {
            "arm": arm.title,
            "n": found.n,
            "seed": found.seed,
            "time": rule,
            "step": at.step,
            "low": at.low,
            "high": at.high,
            "limit": at.limit,
            "definition": at.definition,
        }
        for arm in (content, *content.others)
        for found in arm.crossings
        for rule, at in found.times.items()
    ]
