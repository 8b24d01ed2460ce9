"""The page of an audit: the verdict in one sentence, then everything that the verdict rests on.

One file that loads nothing, whatever went in: of long lists the page shows the first and says how many there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from byheart.auditing.page.advice import advice, flags_of
from byheart.auditing.page.bars import card_groups, share_bars
from byheart.auditing.page.blanks import blank_views
from byheart.auditing.page.figures import density_figure, signal_panel, tail_figure
from byheart.auditing.page.pairs import pair_views
from byheart.auditing.page.tables import (
    Sheet,
    channel_rules,
    channel_sheet,
    input_sheet,
    measure_sheets,
    signal_note,
    signal_sheet,
)
from byheart.auditing.page.words import population_words, reading_words, subject, tiles
from byheart.report.characters import cleaned, visible
from byheart.report.citations import BYHEART, PAPERS
from byheart.report.environment import FigureView, environment
from byheart.report.palette import TWINS, variable
from byheart.report.panels import panel_figure
from byheart.report.vector import svg

if TYPE_CHECKING:
    from byheart.auditing.record import AuditRecord

__all__ = ["LISTED", "PAIRS", "audit_fragment", "audit_page"]

HOME = Path(__file__).parent


PAIRS = 24
"""Pairs shown, of the closest and of those drawn at random."""
LISTED = 20
"""Entries shown of any list of names."""
_FRAGMENT = 6


def audit_page(result: AuditRecord) -> str:
    """Write the page as HTML; parts of the record may be missing."""
    shown = _shown(result, PAIRS)
    worst, random = pair_views(shown.pairs, shown.random_pairs)
    return (
        environment(HOME)
        .get_template("audit.html.j2")
        .render(
            content={"title": f"Copy audit: {shown.verdict} – {shown.inputs.samples.name}"},
            result=shown,
            limit=LISTED,
            subject=subject(shown),
            tiles=tiles(result),
            next=advice(result),
            by_chance=flags_of(result).by_chance,
            worst=worst,
            random=random,
            total=len(result.pairs),
            figures=list(_score_figures(shown)),
            channels=_channels(shown),
            rules=channel_rules(shown.channels, shown.alpha),
            share=None if shown.copy_share is None else share_bars(shown.copy_share),
            population=[] if shown.population is None else population_words(shown.population),
            card=card_groups(shown.card),
            measures=measure_sheets(shown.measures),
            signals=signal_sheet(shown.signals) if shown.signals else None,
            signal_note=signal_note(),
            signal_figures=_signal_figures(shown),
            inputs=input_sheet(shown.inputs),
            read_words=None if shown.inputs.reading is None else reading_words(shown.inputs.reading),
            blank=blank_views(shown.inputs),
            bibtex=list(dict.fromkeys([*map(_entry, result.cite), BYHEART])),
            colors={variable(light): (light, dark) for light, dark in TWINS.items()},
        )
    )


def audit_fragment(result: AuditRecord) -> str:
    """Write what a notebook shows: the verdict, its numbers, and the closest pairs, with styles for this fragment alone."""
    shown = _shown(result, _FRAGMENT)
    (worst,) = pair_views(shown.pairs)
    return (
        environment(HOME)
        .get_template("audit_fragment.html.j2")
        .render(
            result=shown, subject=subject(shown), tiles=tiles(result), worst=worst, total=len(result.pairs)
        )
    )


def _shown(result: AuditRecord, pairs: int) -> AuditRecord:
    """Keep of the record the pairs that are shown, and make every text of the record visible."""
    short = result.model_copy(
        update={"pairs": result.pairs[:pairs], "random_pairs": result.random_pairs[:pairs]}
    )
    return type(result).model_validate(cleaned(short.model_dump()))


def _channels(result: AuditRecord) -> list[Sheet]:
    found = (
        ("The samples", result.channels),
        ("The samples denoised before the test (the verdict does not use it)", result.denoised),
    )
    return [channel_sheet(name, channels) for name, channels in found if channels]


def _score_figures(result: AuditRecord) -> Iterator[FigureView]:
    """Draw the scores, if the record has any, and their tails, if there are held-out images to compare with."""
    histograms = [one for one in result.histograms if sum(one.counts)]
    if not histograms:
        return
    threshold = next((one.threshold for one in result.channels if one.name == "whole"), None)
    counts = ", ".join(f"{one.name} {sum(one.counts):,}" for one in histograms)
    if len(histograms) == 1:
        head, caption = (
            "Scores of the samples",
            f"Similarity scores ({counts}). Without held-out images it is unknown which scores are unusual.",
        )
    else:
        head, caption = (
            "Scores of samples and held-out images",
            f"Distribution of the similarity scores ({counts}; both areas are 1). If nothing was copied, the two agree. Copies score higher than held-out images: look for samples to the right of the dashed threshold.",
        )
    yield FigureView(
        svg(density_figure(histograms, threshold), "density", f"{head}. {caption}"), head, caption
    )
    if len(histograms) > 1:
        head, caption = (
            "Share of images with at least this score",
            "The same scores on a logarithmic axis, on which single images can be seen. If nothing was copied, the two lines stay together; if samples are copies, their line lies above that of the held-out images.",
        )
        yield FigureView(svg(tail_figure(histograms, threshold), "tail", f"{head}. {caption}"), head, caption)


def _signal_figures(result: AuditRecord) -> list[FigureView]:
    if len(result.signals) < 2:
        return []
    found = signal_panel(result.signals)
    return [
        FigureView(
            svg(panel_figure(found), "gap", f"{found.head}. {found.caption}"), found.head, found.caption
        )
    ]


def _entry(text: str) -> str:
    """Write a BibTeX entry: the entry of a known work, or the text as it is, line by line made visible."""
    known = PAPERS | {"byheart": BYHEART}
    return known.get(text) or "\n".join(map(visible, text.splitlines()))
