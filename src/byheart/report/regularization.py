"""The page of the regularization study: what keeps a denoiser from copying, in figures with the formulas over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from byheart._checks import InputError
from byheart.report.citations import BYHEART, PAPERS
from byheart.report.images import png_uri
from byheart.report.pages import FigureView, environment
from byheart.report.palette import TWINS, ramp, variable
from byheart.report.panels import Panel, PlaneContent, panel_figure, plane_figure
from byheart.report.tables import claim_lines
from byheart.report.vector import svg

__all__ = ["Copies", "RegularizationContent", "regularization_page"]


@dataclass(frozen=True, eq=False)
class Copies:
    """Images of a sampling beside what they are.  samples, denoised, nearest: (k, height, width) uint8.  ratios: (k,), d1/d2."""

    samples: NDArray[np.uint8]
    denoised: NDArray[np.uint8]
    nearest: NDArray[np.uint8]
    ratios: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RegularizationContent:
    """The page.  advice: its headline.  reasons: what it means for a model, a sentence each.

    panels: figures of lines.  plane: trajectories, or None.  copies: images, or None.  claims: rows of the scoreboard.
    cautions, provenance, command: as on every page.
    """

    title: str
    scale: str
    advice: str
    reasons: Sequence[str]
    panels: Sequence[Panel]
    plane: PlaneContent | None = None
    copies: Copies | None = None
    claims: Sequence[Mapping[str, Any]] = ()
    cautions: Sequence[str] = ()
    provenance: Mapping[str, object] = field(default_factory=dict)
    command: str = ""


def regularization_page(content: RegularizationContent) -> str:
    """The page as HTML.  It works with parts missing.  Raises InputError without any figure."""
    if not content.panels and content.plane is None:
        raise InputError(
            got="no figures", need="the records of at least one arm", remedy="run the study first"
        )
    shades = {
        light: dark for found in content.panels if found.shades for light, dark in ramp(found.shades).items()
    }
    return (
        environment()
        .get_template("regularization.html.j2")
        .render(
            content=content,
            figures=[
                *_plane(content.plane),
                *(_view(found, f"p{place}") for place, found in enumerate(content.panels)),
            ],
            copies=_copies(content.copies),
            claims=claim_lines(content.claims),
            colors={variable(light): (light, dark) for light, dark in (TWINS | shades).items()},
            bibtex=[PAPERS["2501.15785"], PAPERS["2402.18491"], BYHEART],
        )
    )


def _view(content: Panel, name: str) -> FigureView:
    drawn = svg(panel_figure(content), name, f"{content.head}. {content.caption}")
    return FigureView(drawn, content.head, content.caption)


def _plane(content: PlaneContent | None) -> list[FigureView]:
    if content is None:
        return []
    head, caption = (
        "Where the flow goes",
        f"{len(content.stayed)} trajectories of the exact score, from noise to training points, between the points' Voronoi cells. "
        f"Of all trajectories {content.kept or 'some'} end in the cell they began in: which point a sample copies is settled along the way.",
    )
    return [FigureView(svg(plane_figure(content), "plane", caption), head, caption)]


def _copies(content: Copies | None) -> list[dict[str, str]]:
    if content is None:
        return []
    parts = zip(content.samples, content.denoised, content.nearest, content.ratios, strict=True)
    return [
        {
            "sample": png_uri(sample),
            "denoised": png_uri(denoised),
            "nearest": png_uri(nearest),
            "ratio": f"{ratio:.2f}",
        }
        for sample, denoised, nearest, ratio in parts
    ]
