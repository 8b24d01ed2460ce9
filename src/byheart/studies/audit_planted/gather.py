"""The page of a planted benchmark of the copy test: its numbers, pooled over the runs of every arm."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from byheart._records import write_atomic
from byheart.experiments.quantities import quantity
from byheart.experiments.runs.cautions import cautions
from byheart.experiments.runs.curves import Curve, read_curves
from byheart.experiments.runs.provenance import provenance
from byheart.experiments.study.folder import StudyFolder
from byheart.experiments.study.recipe import Study
from byheart.numerics.intervals import Interval
from byheart.report.vector import png
from byheart.report.words import listed
from byheart.store.folders import RunFolder
from byheart.studies.audit_planted.content import POOLED, Measured, PlantedContent, Population
from byheart.studies.audit_planted.figures import headline
from byheart.studies.audit_planted.page import planted_page

__all__ = ["planted_content", "write_page"]

DESIGN_SEEDS = (0, 1, 11)
"""Seeds on which the copy test was designed: numbers of these flatter it."""

TITLES = {
    "fashion_mnist": "Fashion-MNIST",
    "glyphs": "Glyphs",
    "digits": "Digits",
    "clipart": "Clip art, near-duplicates",
    "clipart_strict": "Clip art, distinct",
}
DOUBLED = {"exactly": "every image twice", "nearly": "every image and a near copy"}
TOGETHER = ("planted", "matched", "shortlisted")
"""Groups of which all kinds `main` are also pooled, under the name that the vocabulary of quantities has for it."""


def write_page(folder: StudyFolder) -> None:
    """Write report.html and planted.png of a conducted study from what is stored."""
    content = planted_content(folder)
    page = planted_page(content)
    write_atomic(folder.path / "planted.png", png(headline(content.shown)))
    write_atomic(folder.report, page)


def planted_content(folder: StudyFolder) -> PlantedContent:
    """Gather everything that the page shows; arms without a finished audit are left out."""
    record, folders = folder.content(), folder.folders()
    study = Study.model_validate(record["study"])
    runs = {arm: [run for run in found if _is_audit(run)] for arm, found in folders.items()}
    curves = {arm: read_curves(found) for arm, found in _first(study.main_arm, runs).items()}
    everything = [run for found in runs.values() for run in found]
    seeds = sorted({curve.seed for found in curves.values() for curve in found})
    return PlantedContent(
        title=study.title,
        scale=record["scale"],
        alpha=next((curve.spec["alpha"] for found in curves.values() for curve in found), 0.01),
        populations=_populations({arm: found for arm, found in curves.items() if found}),
        seeds=listed([*map(str, seeds)]),
        design=listed([*map(str, DESIGN_SEEDS)]),
        claims=folder.claims(),
        cautions=[*folder.left_out(), *cautions(everything), *_of_seeds(seeds)],
        provenance=_provenance(everything),
        command=record["command"],
    )


def _is_audit(folder: RunFolder) -> bool:
    return folder.exists and folder.header()["spec"]["kind"] == "audit"


def _first(arm: str, found: Mapping[str, list[RunFolder]]) -> dict[str, list[RunFolder]]:
    """Sort the arms so that one of them is in front."""
    return {one: found[one] for one in sorted(found, key=lambda one: one != arm)}


def _populations(curves: Mapping[str, Sequence[Curve]]) -> list[Population]:
    titles = {arm: _title(found[0].spec) for arm, found in curves.items()}
    often = Counter(titles.values())
    return [
        Population(
            arm=arm,
            title=titles[arm] + (f" ({arm})" if often[titles[arm]] > 1 else ""),
            numbers=_numbers(found),
            accusable=_accusable(found),
            doubled=DOUBLED.get(found[0].spec["doubled"], ""),
            once=_once(found[0].spec, curves),
            facts=_facts([curve.spec for curve in found]),
        )
        for arm, found in curves.items()
    ]


def _title(spec: Mapping[str, Any]) -> str:
    doubled = DOUBLED.get(spec["doubled"])
    return TITLES[spec["population"]] + (f", {doubled}" if doubled else "")


def _numbers(curves: Sequence[Curve]) -> dict[str, dict[str, Measured]]:
    """Return group -> name -> number, pooled over runs as the claims pool numbers."""
    found: dict[str, dict[str, Measured]] = {}
    kinds = {(group, "main"): POOLED for group in TOGETHER}
    kinds |= {(row["group"], row["name"]): row["kind"] for curve in curves for row in curve.rows}
    for (group, name), kind in kinds.items():
        if (at := _measured(f"audit/{group}/{name}", curves)) is not None:
            found.setdefault(group, {})[name] = Measured(at, kind)
    return found


def _measured(name: str, curves: Sequence[Curve]) -> Interval | None:
    found = quantity(name, curves)
    if math.isnan(found.value) or found.low is None or found.high is None:
        return None
    return Interval(found.value, found.low, found.high, found.count)


def _accusable(curves: Sequence[Curve]) -> bool:
    """Say whether at most half of alpha of the images score like copies: the audit's own population check."""
    close = _measured("audit/population/close", curves)
    return close is None or close.value <= float(curves[0].spec["alpha"]) / 2


def _once(spec: Mapping[str, Any], curves: Mapping[str, Sequence[Curve]]) -> str:
    """Find the arm with the same training images, each once; "" where no arm has them, or these images are not doubled."""
    if spec["doubled"] == "no":
        return ""
    same = (
        arm
        for arm, found in curves.items()
        if all(found[0].spec[key] == spec[key] for key in ("population", "n"))
        and found[0].spec["doubled"] == "no"
    )
    return next(same, "")


def _facts(specs: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """List how a population was made, from the specifications of all runs of an arm."""
    return {
        "training images": _each(
            ("2 × " if spec["doubled"] != "no" else "") + f"{spec['n']:,}" for spec in specs
        ),
        "held out": _each(f"{spec['heldout']:,}" for spec in specs),
        "judged unseen images per division": _each(f"{spec['pool'] - spec['heldout']:,}" for spec in specs),
        "random divisions": _each(f"{spec['splits']:,}" for spec in specs),
        "test copies per main kind": _each(f"{spec['main']:,}" for spec in specs),
        "per other kind": _each(f"{spec['planted']:,}" for spec in specs),
        "degraded images per kind": _each(f"{spec['innocents']:,}" for spec in specs),
        "seeds": _each(str(spec["seed"]) for spec in specs),
    }


def _each(values: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(values))


def _of_seeds(seeds: Sequence[int]) -> list[str]:
    """Write a sentence where numbers come from the images that the test was designed on."""
    seen = [str(seed) for seed in seeds if seed in DESIGN_SEEDS]
    if not seen:
        return []
    return [
        f"the copy test was designed on seed {listed(seen)} of these data sets: rates measured on that seed are too good."
    ]


def _provenance(folders: Sequence[RunFolder]) -> dict[str, Any]:
    """List the provenance of the runs, without what runs of this kind do not have."""
    if not folders:
        return {}
    return {name: value for name, value in provenance(folders).items() if value != "None"}
