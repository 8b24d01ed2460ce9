"""The page of the regularization study: what keeps a denoiser from copying, in figures with the formulas over them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from byheart.report.environment import FigureView, figure_view
from byheart.report.images import png_uri
from byheart.report.laboratory import LaboratoryContent, check_figures, laboratory_page
from byheart.studies.s2_regularization.plane import PlaneContent, plane_figure

__all__ = ["Copies", "RegularizationContent", "regularization_page"]


@dataclass(frozen=True, eq=False)
class Copies:
    """Samples beside their denoised versions and nearest training images: (k, height, width) uint8.  ratios: (k,), d1/d2."""

    samples: NDArray[np.uint8]
    denoised: NDArray[np.uint8]
    nearest: NDArray[np.uint8]
    ratios: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RegularizationContent:
    """The page.  laboratory: what every such page has.  plane: trajectories, or None.  copies: images, or None."""

    laboratory: LaboratoryContent
    plane: PlaneContent | None = None
    copies: Copies | None = None


def regularization_page(content: RegularizationContent) -> str:
    """Write the page as HTML; parts of the content may be missing.  Raises InputError without any figure."""
    plane = _plane(content.plane)
    check_figures(content.laboratory, plane)
    return laboratory_page(
        content.laboratory,
        Path(__file__).parent / "regularization.html.j2",
        ["2501.15785", "2402.18491"],
        plane,
        copies=_copies(content.copies),
    )


def _plane(content: PlaneContent | None) -> list[FigureView]:
    if content is None:
        return []
    head, caption = (
        "Where the flow goes",
        f"{len(content.stayed)} sampling trajectories of the exact score, from noise to training points, with the Voronoi cells of these points. "
        f"Of all trajectories {content.kept or 'only some'} end in the cell in which they began: the initial noise alone does not show "
        "which training point is copied.",
    )
    return [figure_view(plane_figure(content), "plane", head, caption)]


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
