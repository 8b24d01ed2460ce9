"""The page of S1's study: what was measured of each arm, the formulas for it and the published curves, from the stored runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from byheart._records import write_atomic
from byheart.experiments.runs.cautions import cautions
from byheart.experiments.runs.curves import Curve, read_curves
from byheart.experiments.runs.provenance import provenance
from byheart.experiments.study.folder import StudyFolder
from byheart.experiments.study.recipe import Study
from byheart.experiments.study.sentences import say
from byheart.report.laboratory import LaboratoryContent
from byheart.report.panels import Panel, panel_figure
from byheart.report.vector import png
from byheart.studies.s1_crossover.lines import TemplatePopulation, isotropic, kind, one_width, population
from byheart.studies.s1_crossover.page import CrossoverContent, crossover_page
from byheart.studies.s1_crossover.panels.networks import network_panels
from byheart.studies.s1_crossover.panels.one_population import (
    colored_panel,
    factor_panel,
    learned_panels,
    loss_panel,
    ratio_panel,
    threshold_panel,
    transition_panel,
)
from byheart.studies.s1_crossover.panels.populations import (
    Seen,
    fitted,
    phase_panel,
    seen,
    universality_panel,
    weighting_content,
)
from byheart.studies.s1_crossover.panels.starts import start_panels, starts, widths_panel
from byheart.theory.weighting import Fit

__all__ = ["crossover_content", "write_page"]

Arms = Mapping[str, Sequence[Curve]]


def write_page(folder: StudyFolder) -> None:
    """Write report.html of a conducted study from what is stored, and its first figure as crossover.png."""
    content = crossover_content(folder)
    page = crossover_page(content)
    write_atomic(folder.path / "crossover.png", png(panel_figure(content.laboratory.panels[0])))
    write_atomic(folder.report, page)


def crossover_content(folder: StudyFolder) -> CrossoverContent:
    """Gather everything that the page shows; arms that the scale does not have are left out."""
    record, folders = folder.content(), folder.folders()
    study = Study.model_validate(record["study"])
    curves = {arm: read_curves(found) for arm, found in folders.items()}
    everything = [one for found in folders.values() for one in found]
    said = say(study.says, folder.claims())
    cells = seen([curve for found in curves.values() for curve in found])
    fit = fitted(cells)
    laboratory = LaboratoryContent(
        title=study.title,
        scale=record["scale"],
        advice=said.advice or study.title,
        reasons=said.reasons,
        panels=_panels(curves, study, cells, fit),
        claims=folder.claims(),
        cautions=[*folder.left_out(), *cautions(everything)],
        provenance=provenance(everything),
        command=record["command"],
    )
    return CrossoverContent(laboratory, weighting_content(fit, cells))


def _panels(curves: Arms, study: Study, cells: Sequence[Seen], fit: Fit | None) -> list[Panel]:
    """Make the figures in the order in which they are read; figures without records are left out."""
    mixed, losses, networks = (_of_kind(curves, name) for name in ("mixtures", "losses", "training"))
    every = [curve for found in mixed.values() for curve in found]
    own = {arm: one for arm, found in mixed.items() if (one := [c for c in found if one_width(c)])}
    shown = own.get(study.main_arm) or next(iter(own.values()), [])
    alike = [curve for found in own.values() for curve in found]
    panels = [
        transition_panel(shown, study.published),
        threshold_panel(shown),
        loss_panel(shown, study.published),
        *learned_panels(shown, study.published),
        universality_panel(cells, fit),
        phase_panel(cells),
        *start_panels(starts(alike)),
        widths_panel(every),
        colored_panel(
            [curve for curve in alike if isinstance(population(curve), TemplatePopulation)], study.published
        ),
        *network_panels(networks, alike),
        ratio_panel(losses),
        factor_panel(next((found for found in losses.values() if _several(found)), [])),
    ]
    return [panel for panel in panels if panel is not None]


def _of_kind(curves: Arms, name: str) -> dict[str, Sequence[Curve]]:
    return {arm: found for arm, found in curves.items() if found and kind(found[0]) == name}


def _several(curves: Sequence[Curve]) -> bool:
    """Say whether the run is about a mixture of several components."""
    found = isotropic(curves[0])
    return found is not None and found.components > 1
