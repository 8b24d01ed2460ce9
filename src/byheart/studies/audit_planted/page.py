"""The page of a planted benchmark: what the copy test finds of copies made on purpose, and whom it accuses.

A population is a set of real images with copies of its training images and innocents among them.  Its numbers are kept by
group and name, as experiments/kinds/audit/rows.py lists them, pooled over runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from byheart._checks import InputError
from byheart.report.environment import FigureView, figure_view
from byheart.report.laboratory import LaboratoryContent, laboratory_page
from byheart.report.tables import Table
from byheart.report.words import listed, percent, rate
from byheart.studies.audit_planted import figures, heat
from byheart.studies.audit_planted.content import PlantedContent, Population
from byheart.studies.audit_planted.figures import BLENDED, FLOOR, LIMIT

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
        failing=_failing(content.claims),
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
        advice=_answer(content.claims),
        reasons=(),
        claims=[
            {**claim, "paper": ""} for claim in content.claims
        ],  # every claim is ours: no need to say so in each line
        cautions=content.cautions,
        provenance=content.provenance,
        command=content.command,
    )


def _answer(claims: Sequence[Mapping[str, Any]]) -> str:
    """Write the headline: how many of the claims hold."""
    found = Counter(claim.get("verdict") for claim in claims)
    kept, broken, of = found["reproduced"], found["contradicted"], len(claims)
    if not claims:
        return "What the copy test finds, and whom it accuses"
    if kept == of:
        return f"It keeps all {of} promises" if of > 1 else "It keeps its promise"
    return f"It keeps {kept} of {of} promises, and breaks {broken or 'none'}"


def _failing(claims: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """List the claims that are not reproduced, by their verdict."""
    named = {"contradicted": "Contradicted", "unresolved": "Unresolved"}
    return [
        (word, listed(ids))
        for verdict, word in named.items()
        if (ids := [str(claim["id"]) for claim in claims if claim.get("verdict") == verdict])
    ]


def _impossible(population: Population) -> tuple[str, heat.Heat, heat.Heat]:
    """Write what is said where single samples cannot be accused, what is left to measure there, and how little is found."""
    close = population.at("population", "close")
    sentence = (
        f"{percent(None if close is None else close.value)} of the images that cannot be copies match a training image as "
        "closely as planted copies do: no single sample can be accused. Only the share of copies above that is counted."
    )
    return sentence, heat.impossible_heat(population), heat.recall_heat([population])


def _facts(populations: Sequence[Population]) -> Table:
    """List how every population was made."""
    names = dict.fromkeys(name for one in populations for name in one.facts)
    rows = ((one.title, *(one.facts.get(name, "–") for name in names)) for one in populations)
    return Table("Populations", ("population", *names), tuple(rows))


def _innocents(populations: Sequence[Population]) -> Iterator[FigureView]:
    every = "of every kind of innocent, with its 95 % interval, a mark a population. Dashed: the limit,"
    if any(one.names("accused", "safe") for one in populations):
        caption = f"Share accused {every} {rate(LIMIT)}."
        yield figure_view(figures.accused_figure(populations), "accused", "Accused as whole copies", caption)
    if any(one.names("blended", "safe") for one in populations):
        caption = f"Share accused {every} {rate(BLENDED)}."
        yield figure_view(figures.blended_figure(populations), "blended", "Taken for blends", caption)


def _shares(populations: Sequence[Population]) -> Iterator[FigureView]:
    if any(one.names("coverage") for one in populations):
        caption = (
            "How often the 95 % interval of the share holds the true share. "
            f"Dashed: 95 %, as it says. Dotted: {rate(FLOOR)}, the least that is claimed."
        )
        yield figure_view(
            figures.coverage_figure(populations), "coverage", "Does the interval hold?", caption
        )
    if any(one.names("estimate") for one in populations):
        caption = (
            "Mean estimate over the repetitions against the true share. Dashed: where both are the same."
        )
        yield figure_view(figures.estimate_figure(populations), "estimate", "Is the estimate right?", caption)
