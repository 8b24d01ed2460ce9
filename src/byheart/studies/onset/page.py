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
    band = "One line per run, with its 95 % interval."
    if "f_mem" in has:
        caption = f"Share of copies among the samples. {band} The dot marks the step at which the share reaches 10 %."
        yield figure_view(figures.memorization(runs, times), f"{name}f", "Copies along training", caption)
        caption = (
            "The same curves with the step divided by n. If they coincide, the time of copying is proportional to n. "
            f"{_fall(content, 'f_mem')}"
        )
        yield figure_view(
            figures.memorization(runs, times, over_n=True), f"{name}fn", "Copies, time divided by n", caption
        )
    if "gap@0.5" in has:
        caption = (
            f"Held-out loss minus training loss at noise level 0.5. {band} The square marks the step at which the difference "
            "reaches 0.1. No samples are needed to measure this difference."
        )
        yield figure_view(figures.loss_gap(runs, times), f"{name}g", "Loss gap along training", caption)
        caption = f"The same curves with the step divided by n. {_fall(content, 'gap@0.5')}"
        yield figure_view(
            figures.loss_gap(runs, times, over_n=True), f"{name}gn", "Loss gap, time divided by n", caption
        )
    if "fd" in has:
        caption = (
            "Fréchet distance (FD) between samples and held-out images; smaller is better. The triangle marks the step at which "
            "FD has covered 90 % of its fall. FD need not rise when copying begins, because copies look like real images: FD "
            "does not warn of copying."
        )
        yield figure_view(figures.fidelity(runs, times), f"{name}d", "Quality along training", caption)
    if any(time.step is not None for found in times for time in found.times.values()):
        caption = (
            "Three training steps against n, with intervals and fitted power laws (exponent, 95 % interval): FD has covered "
            "90 % of its fall (triangles), the losses differ by 0.1 (squares), 10 % of the samples are copies (dots). A "
            "horizontal line means that the step does not depend on n."
        )
        yield figure_view(
            figures.scaling(times, content.exponents), f"{name}s", "The three times against n", caption
        )


def _fall(content: OnsetContent, name: str) -> str:
    change = content.collapses.get(name)
    if change is None or change.ratio != change.ratio:
        return ""
    sizes = ", ".join(f"{n:,}" for n in change.sizes)
    verb = "falls" if change.ratio > 1 else "does not fall but goes"
    spreads = f"{verb} from {number(change.before)} to {number(change.after)}"
    factor = f"by a factor of {interval(change.ratio, change.low, change.high)}"
    low, high = change.low, change.high
    unsure = low is not None and high is not None and low <= 1 <= high
    doubt = (
        "; the interval includes 1, so that these runs do not settle whether they come closer"
        if unsure
        else ""
    )
    return f"The distance between the curves of n = {sizes} {spreads}, {factor}{doubt}."
