"""A figure as SVG inside a page: text stays text, colors follow the page, and the same figure gives the same bytes."""

from __future__ import annotations

import re
from html import escape
from io import BytesIO, StringIO
from typing import TYPE_CHECKING

from byheart.report.drawing import own_settings
from byheart.report.palette import TWINS, ramp, variable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["png", "svg"]

_SHADES = 12  # at most so many sizes n on a page get colors that follow it


@own_settings()
def svg(figure: Figure, name: str, description: str) -> str:
    """The figure as an <svg> element as wide as its place.

    name: unique on the page, begins every id inside.  description: for readers who do not see it.
    """
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    buffer = StringIO()
    FigureCanvasSVG(figure)
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _embedded(buffer.getvalue(), name, description)


@own_settings()
def png(figure: Figure) -> bytes:
    """The figure as a PNG file on white, for slides and plain pages; the same figure gives the same bytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    buffer = BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(buffer, format="png", dpi=160, facecolor="white", metadata={"Software": None})
    return buffer.getvalue()


def _embedded(text: str, name: str, description: str) -> str:
    text = text[text.index("<svg") :]
    for pattern in (r"<!--.*?-->", r"<metadata>.*?</metadata>", r"<style.*?</style>", r"<title>.*?</title>"):
        text = re.sub(pattern, "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r"(href=\"|url\()#", rf"\1#{name}-", text)
    colors = TWINS | {light: dark for count in range(1, _SHADES + 1) for light, dark in ramp(count).items()}
    text = re.sub(r"#[0-9a-f]{6}\b", lambda hit: _following(hit[0], colors), text)
    box = re.search(r'viewBox="[^"]*"', text)
    opening = f'<svg {box[0] if box else ""} role="img" aria-label="{escape(description)}">'
    return opening + text[text.index(">") + 1 :].strip()


def _following(color: str, colors: dict[str, str]) -> str:
    return f"var({variable(color)}, {color})" if color in colors else color
