"""The templates of pages: each page is one self-contained HTML file that loads nothing from anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from byheart.report.vector import svg

if TYPE_CHECKING:
    from jinja2 import Environment
    from matplotlib.figure import Figure

__all__ = ["FigureView", "environment", "figure_view"]

SHARED = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class FigureView:
    """A figure, and what to see in the figure."""

    svg: str
    head: str
    caption: str


def figure_view(figure: Figure, name: str, head: str, caption: str) -> FigureView:
    """Make a figure ready for a page.  name: unique on the page."""
    return FigureView(svg(figure, name, f"{head}. {caption}"), head, caption)


@cache
def environment(home: Path | None = None) -> Environment:
    """Load the templates that all pages share, and those of a page's own folder.

    home: the folder of the page's own templates, which are found before the shared ones.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader([*([home] if home is not None else []), SHARED]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
