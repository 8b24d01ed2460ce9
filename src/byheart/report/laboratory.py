"""A page of the laboratory: what was found, its figures, the claims, how it was measured, and how to repeat it.

A study's own page is a template that extends `laboratory.html.j2`: it says how its numbers were measured, and adds what no
other study shows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from byheart._checks import InputError
from byheart.report.citations import BYHEART, PAPERS
from byheart.report.environment import FigureView, environment
from byheart.report.palette import TWINS, ramp, variable
from byheart.report.panels import Panel, panel_figure
from byheart.report.tables import claim_lines
from byheart.report.vector import svg

__all__ = ["LaboratoryContent", "laboratory_page"]


@dataclass(frozen=True, eq=False)
class LaboratoryContent:
    """What every such page has.  advice: its headline.  reasons: what it means for a model, a sentence each.

    panels: figures of lines.  claims: rows of the scoreboard.  cautions, provenance, command: as on every page.
    """

    title: str
    scale: str
    advice: str
    reasons: Sequence[str]
    panels: Sequence[Panel]
    claims: Sequence[Mapping[str, Any]] = ()
    cautions: Sequence[str] = ()
    provenance: Mapping[str, object] = field(default_factory=dict)
    command: str = ""


def laboratory_page(
    content: LaboratoryContent,
    template: Path,
    papers: Sequence[str],
    first: Sequence[FigureView] = (),
    **parts: object,
) -> str:
    """The page as HTML.  It works with parts missing.  Raises InputError without any figure.

    template: the file of a template that extends laboratory.html.j2.  papers: what it rests on, keys of PAPERS.  first: figures that stand before the panels.
    parts: what the template shows besides.
    """
    if not content.panels and not first:
        raise InputError(
            got="no figures", need="the records of at least one arm", remedy="run the study first"
        )
    return (
        environment(template.parent)
        .get_template(template.name)
        .render(
            content=content,
            figures=[*first, *(_view(found, f"p{place}") for place, found in enumerate(content.panels))],
            claims=claim_lines(content.claims),
            colors=_colors(content.panels),
            bibtex=[*(PAPERS[paper] for paper in papers), BYHEART],
            **parts,
        )
    )


def _view(content: Panel, name: str) -> FigureView:
    drawn = svg(panel_figure(content), name, f"{content.head}. {content.caption}")
    return FigureView(drawn, content.head, content.caption)


def _colors(panels: Sequence[Panel]) -> dict[str, tuple[str, str]]:
    """Every color of the figures, on the light and on the dark page."""
    shades = {light: dark for found in panels if found.shades for light, dark in ramp(found.shades).items()}
    return {variable(light): (light, dark) for light, dark in (TWINS | shades).items()}
