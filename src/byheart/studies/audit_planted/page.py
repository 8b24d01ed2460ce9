"""The page of a planted benchmark: what the copy test finds of copies made on purpose, and what it flags by mistake.

A population is a set of real images with copies of its training images and innocents among them.  Its numbers are kept by
group and name, as experiments/kinds/audit/rows.py lists them, pooled over runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from byheart._checks import InputError
from byheart.report.environment import FigureView, figure_view
from byheart.report.laboratory import LaboratoryContent, laboratory_page
from byheart.report.tables import Table
from byheart.report.words import percent, plural, rate
from byheart.studies.audit_planted import figures, heat
from byheart.studies.audit_planted.content import PlantedContent, Population
from byheart.studies.audit_planted.figures import BLENDED, FLOOR, LIMIT
from byheart.studies.audit_planted.weak import missed_shares, weak_spots

__all__ = ["planted_page"]


def planted_page(content: PlantedContent) -> str:
    """Write the page as HTML; parts of the content may be missing.  Raises InputError without any population."""
    if not content.populations:
        raise InputError(
            got="no records of a planted benchmark",
            need='at least one finished run of kind = "audit"',
            remedy="run the study first",
        )
    known, shown = content.populations, content.shown
    return laboratory_page(
        _laboratory(content),
        Path(__file__).parent / "planted.html.j2",
        [],
        seeds=content.seeds,
        design=content.design,
        weak=weak_spots(content),
        alpha=rate(content.alpha),
        half=rate(content.alpha / 2),
        recall=heat.recall_heat(shown),
        innocent_figures=list(_innocents(shown)),
        accused=heat.accused_heat(shown),
        blended=heat.blended_heat(shown),
        rates=heat.rate_heat(shown),
        share_figures=list(_shares(shown)),
        shares=heat.share_heat(shown),
        matched=heat.matched_heat(shown),
        shortlisted=heat.shortlisted_heat(shown),
        copiers=heat.copier_heat(shown),
        impossible=[_impossible(one) for one in known if not one.accusable],
        doubled=heat.doubled_heats(known),
        facts=_facts(known),
    )


def _laboratory(content: PlantedContent) -> LaboratoryContent:
    """Make the content that the page has in common with the pages of other studies."""
    return LaboratoryContent(
        title=content.title,
        scale=content.scale,
        advice=_answer(content),
        reasons=(),
        claims=[
            {**claim, "paper": ""} for claim in content.claims
        ],  # every claim is ours: no need to say so in each line
        cautions=content.cautions,
        provenance=content.provenance,
        command=content.command,
    )


def _answer(content: PlantedContent) -> str:
    """Write the headline: how many of the claims are reproduced, and whether there are weak spots beside them."""
    counts, of = Counter(claim.get("verdict") for claim in content.claims), len(content.claims)
    if not of:
        return "What the copy test finds, and what it flags by mistake"
    kept = "All" if counts["reproduced"] == of > 1 else f"{counts['reproduced']} of"
    broken = f", {counts['contradicted']} contradicted" if counts["contradicted"] else ""
    weak = "; weak spots are listed below" if weak_spots(content) else ""
    return f"{kept} {plural(of, 'claim')} about the copy test {'is' if of == 1 else 'are'} reproduced{broken}{weak}"


def _impossible(population: Population) -> tuple[str, heat.Heat, heat.Heat]:
    """Write what is said where single samples cannot be accused, what is left to measure there, and how little is found."""
    close = population.at("population", "close")
    sentence = (
        f"{percent(None if close is None else close.value)} of the unseen images come as close to a training image as test copies "
        "do. The audit therefore names no single sample; it only estimates the share of copies beyond such look-alikes."
    )
    return sentence, heat.impossible_heat(population), heat.recall_heat([population])


def _facts(populations: Sequence[Population]) -> Table:
    """List how every population was made."""
    names = dict.fromkeys(name for one in populations for name in one.facts)
    rows = ((one.title, *(one.facts.get(name, "–") for name in names)) for one in populations)
    return Table("Data sets", ("data set", *names), tuple(rows))


def _innocents(populations: Sequence[Population]) -> Iterator[FigureView]:
    every = "by kind of degradation; one mark per data set, with its 95 % interval. Dashed: the limit of"
    if any(one.names("accused", "safe") for one in populations):
        caption = f"Share of degraded images that are flagged, {every} {rate(LIMIT)}."
        yield figure_view(figures.accused_figure(populations), "accused", "Flagged as whole copies", caption)
    if any(one.names("blended", "safe") for one in populations):
        caption = f"Share of degraded images that are flagged, {every} {rate(BLENDED)}."
        head = "Flagged as mixtures of two training images"
        yield figure_view(figures.blended_figure(populations), "blended", head, caption)


def _shares(populations: Sequence[Population]) -> Iterator[FigureView]:
    if any(one.names("coverage") for one in populations):
        caption = (
            "Share of repetitions in which the 95 % interval holds the true share of copies. "
            f"Dashed: the nominal 95 %. Dotted: {rate(FLOOR)}, the least that the claims ask for.{_below(populations)}"
        )
        yield figure_view(
            figures.coverage_figure(populations), "coverage", "Does the interval hold?", caption
        )
    if any(one.names("estimate") for one in populations):
        caption = "Mean estimate over the repetitions against the true share. Dashed: estimate equal to the true share."
        yield figure_view(figures.estimate_figure(populations), "estimate", "Is the estimate right?", caption)


def _below(populations: Sequence[Population]) -> str:
    """Name the data sets and shares whose intervals hold the true share less often than the claims ask for; "" for none."""
    sentences = missed_shares(populations)
    return " " + " ".join(sentences) if sentences else ""
