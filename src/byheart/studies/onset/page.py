"""The page of the onset study: when samples get good, when they get copied, and how that depends on n."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from byheart._checks import InputError
from byheart.report.environment import FigureView, figure_view
from byheart.report.images import png_uri
from byheart.report.laboratory import LaboratoryContent, laboratory_page
from byheart.report.tables import Table
from byheart.report.words import interval, number
from byheart.studies.onset import figures
from byheart.studies.onset.content import GEN, MEM, SPLIT, OnsetContent, Strip
from byheart.studies.onset.summary import Summary, summary
from byheart.studies.onset.tables import collapse_table, crossing_table, exponent_table, reference_table
from byheart.studies.onset.timeline import Timeline, timeline

__all__ = ["onset_page"]


@dataclass(frozen=True)
class Cell:
    """One image of a strip.  ratio: d₁/d₂ as text.  words: for readers who do not see it."""

    image: str
    ratio: str
    copied: bool
    words: str


@dataclass(frozen=True)
class StripView:
    """One strip, ready to show.  rows: (cells, nearest training image) a sample."""

    label: str
    steps: tuple[str, ...]
    rows: tuple[tuple[tuple[Cell, ...], Cell], ...]
    chosen: bool


@dataclass(frozen=True)
class ArmView:
    """All that one arm shows.  runs: ids."""

    name: str
    title: str
    facts: Mapping[str, object]
    provenance: Mapping[str, object]
    runs: tuple[str, ...]
    summary: Summary
    timeline: Timeline | None
    strips: tuple[StripView, ...]
    figures: tuple[FigureView, ...]
    tables: tuple[Table, ...]
    more: tuple[Table, ...]


def onset_page(content: OnsetContent) -> str:
    """Write the page as HTML; times, claims, strips and all seeds but one may be missing.

    Raises InputError without any run.
    """
    if not content.runs:
        raise InputError(got="no runs", need="the records of at least one", remedy="run the study first")
    arms = [content, *content.others]
    main, *others = (_arm(arm, f"a{place}") for place, arm in enumerate(arms))
    return laboratory_page(
        _laboratory(arms, main.summary),
        Path(__file__).parent / "onset.html.j2",
        ["2505.17638"],
        main.figures,
        [_count_sizes(arm) for arm in arms],
        main=main,
        others=others,
        data_name=content.data_name,
        threshold=_threshold(content.threshold),
    )


def _laboratory(arms: Sequence[OnsetContent], said: Summary) -> LaboratoryContent:
    """Make the content that the page has in common with the pages of other studies; each arm shows its own provenance."""
    main = arms[0]
    return LaboratoryContent(
        title=main.title,
        scale=main.scale,
        advice=said.advice,
        reasons=said.reasons,
        claims=[claim for arm in arms for claim in arm.claims],
        cautions=list(dict.fromkeys(text for arm in arms for text in arm.cautions)),
        command=main.command,
    )


def _threshold(ratio: float) -> str:
    """Write the threshold 1/3 as people do, any other threshold as a number."""
    whole = round(1 / ratio)
    return f"1/{whole}" if abs(1 / ratio - whole) < 1e-9 and whole > 1 else number(ratio)


def _count_sizes(arm: OnsetContent) -> int:
    return len({run.n for run in arm.runs})


def _arm(content: OnsetContent, name: str) -> ArmView:
    said = summary(content)
    rules = {rule for found in content.crossings for rule in found.times}
    tables = (
        crossing_table(content.crossings, (GEN, SPLIT, MEM)),
        exponent_table(content.exponents),
        collapse_table(content.collapses),
        reference_table(content.runs),
    )
    others = crossing_table(content.crossings, sorted(rules - {GEN, SPLIT, MEM}))
    return ArmView(
        name=name,
        title=content.title,
        facts=content.facts,
        provenance=content.provenance,
        runs=tuple(run.id for run in content.runs),
        summary=said,
        timeline=timeline(content),
        strips=_strips(content, said.n),
        figures=tuple(_figures(content, name)),
        tables=tuple(table for table in tables if table.rows),
        more=(others,) if others.columns[2:] else (),
    )


def _strips(content: OnsetContent, n: int | None) -> tuple[StripView, ...]:
    ordered = sorted(content.strips, key=lambda strip: (strip.n, strip.seed))
    chosen = next((strip for strip in ordered if strip.n == n), ordered[0] if ordered else None)
    many = len({strip.n for strip in ordered}) < len(ordered)
    return tuple(
        StripView(
            label=f"{strip.n:,}" + (f" · seed {strip.seed}" if many else ""),
            steps=tuple(f"{step:,}" for step in strip.steps),
            rows=tuple(_strip_row(strip, sample, content.threshold) for sample in range(len(strip.images))),
            chosen=strip is chosen,
        )
        for strip in ordered
    )


def _strip_row(strip: Strip, sample: int, threshold: float) -> tuple[tuple[Cell, ...], Cell]:
    ratios = [float(ratio) for ratio in strip.ratios[sample]]
    cells = (
        Cell(
            image=png_uri(image),
            ratio=f"{ratio:.2f}",
            copied=ratio < threshold,
            words=f"sample {sample + 1} at step {step:,}, d1/d2 = {ratio:.2f}",
        )
        for image, ratio, step in zip(strip.images[sample], ratios, strip.steps, strict=True)
    )
    nearest = png_uri(strip.nearest[sample])
    return tuple(cells), Cell(nearest, "", False, f"the training image nearest to sample {sample + 1}")


def _figures(content: OnsetContent, name: str) -> Iterator[FigureView]:
    """Make the figures that the records allow.

    Captions say what to look for; whether the figure shows such a thing, the numbers say.
    """
    runs, times = content.runs, content.crossings
    has = {key for run in runs for row in run.rows for key, value in row.items() if value is not None}
    band = "A line a run; shaded: 95 % interval."
    if "f_mem" in has:
        caption = f"Share of samples that are copies. {band} Dots: it reaches 0.1."
        yield figure_view(figures.memorization(runs, times), f"{name}f", "Copies along training", caption)
        caption = f"The same over step / n: where curves fall on each other, n sets the time. {_fall(content, 'f_mem')}"
        yield figure_view(
            figures.memorization(runs, times, over_n=True), f"{name}fn", "Copies, time divided by n", caption
        )
    if "gap@0.5" in has:
        caption = f"Held-out minus training loss at noise level 0.5, which needs no samples. {band} Squares: it reaches 0.1."
        yield figure_view(figures.loss_gap(runs, times), f"{name}g", "Loss gap along training", caption)
        caption = f"The same over step / n. {_fall(content, 'gap@0.5')}"
        yield figure_view(
            figures.loss_gap(runs, times, over_n=True), f"{name}gn", "Loss gap, time divided by n", caption
        )
    if "fd" in has:
        caption = (
            "Fréchet distance of samples to held-out images, small is good. Triangles: it has settled. It need not rise "
            "where copying sets in: copies of good images look good."
        )
        yield figure_view(figures.fidelity(runs, times), f"{name}d", "Quality along training", caption)
    if any(time.step is not None for found in times for time in found.times.values()):
        caption = (
            "The three times against n, with intervals and fitted power laws (exponent, 95 % interval). A level line is a "
            "clock that n does not move. The window for stopping lies between triangles and dots."
        )
        yield figure_view(
            figures.scaling(times, content.exponents), f"{name}s", "The clocks, against n", caption
        )


def _fall(content: OnsetContent, name: str) -> str:
    found = content.collapses.get(name)
    if found is None or found.ratio != found.ratio:
        return ""
    factor = interval(found.ratio, found.low, found.high)
    sizes = ", ".join(f"{n:,}" for n in found.sizes)
    change = "falls" if found.ratio > 1 else "does not fall: it goes"
    spreads = f"from {number(found.before)} to {number(found.after)} (before over after: {factor})"
    return f"The spread between n = {sizes} {change} {spreads}."
