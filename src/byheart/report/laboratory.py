"""A page of the laboratory: what was found, its figures, the claims, how it was measured, and how to repeat it.

A study's own page is a template that extends `laboratory.html.j2`: it says how its numbers were measured, and adds what no
other study shows.  Claims, cautions, provenance, the command, the bibliography and the colors are written here, once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from byheart._checks import InputError
from byheart.report.citations import BYHEART, PAPERS
from byheart.report.environment import FigureView, environment, figure_view
from byheart.report.palette import TWINS, ramp, variable
from byheart.report.panels import Panel, panel_figure
from byheart.report.tables import claim_lines, tally

__all__ = ["LaboratoryContent", "check_figures", "laboratory_page"]


@dataclass(frozen=True, eq=False)
class LaboratoryContent:
    """The content that every page of a study told in figures has.

    advice: the headline.  reasons: what the study means for a model, a sentence each.
    panels: figures that the page draws itself.  claims: rows of the scoreboard.  cautions, provenance, command: as on every page.
    """

    title: str
    scale: str
    advice: str
    reasons: Sequence[str]
    panels: Sequence[Panel] = ()
    claims: Sequence[Mapping[str, Any]] = ()
    cautions: Sequence[str] = ()
    provenance: Mapping[str, object] = field(default_factory=dict)
    command: str = ""


def check_figures(content: LaboratoryContent, first: Sequence[FigureView] = ()) -> None:
    """Raise InputError if the page of a study that is told in figures has none.  first: figures beside the panels."""
    if not content.panels and not first:
        raise InputError(
            got="no figures", need="the records of at least one arm", remedy="run the study first"
        )


def laboratory_page(
    content: LaboratoryContent,
    template: Path,
    papers: Sequence[str],
    first: Sequence[FigureView] = (),
    shades: Sequence[int] = (),
    **parts: object,
) -> str:
    """Write the page as HTML; parts of the content may be missing.

    template: the file of a template that extends laboratory.html.j2.  papers: keys of PAPERS that the page rests on.
    first: figures that stand before the panels.  shades: into how many shades figures other than the panels part the one hue.
    parts: what the template shows besides.
    """
    return (
        environment(template.parent)
        .get_template(template.name)
        .render(
            content=content,
            figures=[*first, *(_view(panel, f"p{place}") for place, panel in enumerate(content.panels))],
            claims=claim_lines(content.claims),
            tally=tally(content.claims),
            colors=_colors([*shades, *(panel.shades for panel in content.panels)]),
            bibtex=[*(PAPERS[paper] for paper in papers), BYHEART],
            **parts,
        )
    )


def _view(panel: Panel, name: str) -> FigureView:
    return figure_view(panel_figure(panel), name, panel.head, panel.caption)


def _colors(counts: Sequence[int]) -> dict[str, tuple[str, str]]:
    """List every color of the figures, on the light and on the dark page.

    counts: numbers of shades that figures part the one hue into, 0 for none.
    """
    shades = {light: dark for count in counts if count for light, dark in ramp(count).items()}
    return {variable(light): (light, dark) for light, dark in (TWINS | shades).items()}
