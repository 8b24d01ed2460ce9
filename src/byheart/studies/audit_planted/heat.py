"""Tables with colored cells: kinds of images down, populations across, in every cell a number and its interval.

The color goes with the square root of what went wrong: few misses differ more, to a reader, than many.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from byheart.report.words import SPACE, interval, number, percent, rate
from byheart.studies.audit_planted.content import POOLED
from byheart.studies.audit_planted.figures import BLENDED, LIMIT
from byheart.studies.audit_planted.words import (
    COPY_GROUPS,
    INNOCENT_GROUPS,
    between,
    copy,
    innocent,
    mean,
    share,
    span,
    true_share,
)

if TYPE_CHECKING:
    from byheart.numerics.intervals import Interval
    from byheart.studies.audit_planted.content import Population

__all__ = [
    "Heat",
    "HeatCell",
    "HeatGroup",
    "HeatRow",
    "accused_heat",
    "blended_heat",
    "copier_heat",
    "doubled_heats",
    "impossible_heat",
    "matched_heat",
    "rate_heat",
    "recall_heat",
    "share_heat",
    "shortlisted_heat",
]

FULL = 50
"""Per cent of the warning color in a cell where everything went wrong: with more, its number is hard to read."""

KEY = (0.0, 0.01, 0.05, 0.2, 0.5, 1.0)


@dataclass(frozen=True)
class HeatCell:
    """value, between: the number and its interval, as text.  words: all of it, for the pointer and for readers who do not see it.

    warm: per cent of the warning color.  mark: what else to know.
    """

    value: str
    between: str
    words: str
    warm: int = 0
    mark: str = ""


@dataclass(frozen=True)
class HeatRow:
    """One kind.  cells: as many as columns, None where nothing was measured."""

    name: str
    cells: tuple[HeatCell | None, ...]


@dataclass(frozen=True)
class HeatGroup:
    """Rows under one heading, or none."""

    name: str
    rows: tuple[HeatRow, ...]


@dataclass(frozen=True)
class Heat:
    """name: for readers who do not see it.  head: over the kinds.  key: share missed -> per cent of the warning color; empty without one."""

    name: str
    columns: tuple[str, ...]
    groups: tuple[HeatGroup, ...]
    head: str = "kind"
    key: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class _Rows:
    """Which records go under a heading.  kind: None for all of the group.  word: name -> for people.  cell: number -> cell."""

    heading: str
    group: str
    word: Callable[[str], str]
    cell: Callable[[Interval], HeatCell]
    kind: str | None = None


def recall_heat(populations: Sequence[Population], heads: Sequence[str] = ()) -> Heat:
    """Tabulate the share of test copies that is flagged.  heads: heads of the columns; without them the titles."""
    return _heat("Test copies flagged", populations, _of_copies("planted", "flagged"), heads, keyed=True)


def matched_heat(populations: Sequence[Population]) -> Heat:
    """Tabulate the share of planted copies whose training image is named."""
    rows = _of_copies("matched", "named right")
    return _heat("Test copies whose training image is named", populations, rows, keyed=True)


def shortlisted_heat(populations: Sequence[Population]) -> Heat:
    """Tabulate the share of planted copies whose training image is among the candidates."""
    rows = _of_copies("shortlisted", "among the candidates")
    return _heat("Test copies whose training image is among the candidates", populations, rows, keyed=True)


def accused_heat(populations: Sequence[Population]) -> Heat:
    """Tabulate the share of images, degraded or made of training images, that is flagged as whole copies."""
    return _heat("Images flagged as whole copies", populations, _of_innocents("accused", LIMIT))


def blended_heat(populations: Sequence[Population]) -> Heat:
    """Tabulate the share of such images that is flagged as a mixture of two training images."""
    return _heat(
        "Images flagged as mixtures of two training images", populations, _of_innocents("blended", BLENDED)
    )


def rate_heat(populations: Sequence[Population]) -> Heat:
    """Tabulate false positives over random divisions, and the check of the data set."""
    return _heat("False positives", populations, _RATES, head="")


def copier_heat(populations: Sequence[Population]) -> Heat:
    """Tabulate the flagged samples of the exact empirical denoiser, by the noise left on the samples."""
    rows = [_Rows("", "copier", lambda level: f"noise {level}", partial(_missed, "flagged"))]
    return _heat("Samples of a model that copies, flagged", populations, rows, keyed=True)


def share_heat(populations: Sequence[Population]) -> Heat:
    """Tabulate the estimated share of copies by the true share, and the number of copied training images."""
    return _heat("Shares of copies", populations, _SHARES, head="true share")


def doubled_heats(populations: Sequence[Population]) -> list[Heat]:
    """Tabulate what changes where the training set holds every image twice, beside the same images once.

    Returns a table for every plain population.
    """
    found = []
    for plain in populations:
        twice = [one for one in populations if one.doubled and one.once == plain.arm]
        if twice:
            heads = (plain.title, *(one.doubled for one in twice))
            rows = [*_of_copies("planted", "flagged"), *_RATES]
            found.append(_heat("Test copies flagged", [plain, *twice], rows, heads, keyed=True))
    return found


def impossible_heat(population: Population) -> Heat:
    """Tabulate what is left to measure where no single sample can be named a copy."""
    together, *_ = _of_copies("planted", "flagged")
    rows = [_CHECK, replace(together, heading="Test copies flagged"), _ACCUSED, _ESTIMATED, _COVERED]
    return _heat(population.title, [population], rows, head="")


def _of_copies(group: str, what: str) -> list[_Rows]:
    cell = partial(_missed, what)
    together = _Rows("", group, lambda _: "the main kinds together", cell, POOLED)
    return [together, *(_Rows(head, group, copy, cell, kind) for kind, head in COPY_GROUPS.items())]


def _of_innocents(group: str, limit: float) -> list[_Rows]:
    safe, *others = INNOCENT_GROUPS.items()
    return [
        _Rows(safe[1], group, innocent, partial(_wronged, limit), safe[0]),
        *(_Rows(head, group, innocent, partial(_told, "flagged"), kind) for kind, head in others),
    ]


def _heat(
    name: str,
    populations: Sequence[Population],
    rows: Sequence[_Rows],
    heads: Sequence[str] = (),
    *,
    head: str = "kind",
    keyed: bool = False,
) -> Heat:
    """Make a table of the rows that any population has."""
    columns = tuple(heads) or tuple(one.title for one in populations)
    groups = tuple(group for of in rows if (group := _group(populations, columns, of)).rows)
    return Heat(name, columns, groups, head, tuple((rate(at), _warm(at)) for at in KEY) if keyed else ())


def _group(populations: Sequence[Population], columns: Sequence[str], of: _Rows) -> HeatGroup:
    names = dict.fromkeys(name for one in populations for name in one.names(of.group, of.kind))
    return HeatGroup(of.heading, tuple(_row(populations, columns, of, name) for name in names))


def _row(populations: Sequence[Population], columns: Sequence[str], of: _Rows, name: str) -> HeatRow:
    word, cells = of.word(name), []
    for one, column in zip(populations, columns, strict=True):
        found = one.at(of.group, name)
        cells.append(None if found is None else _placed(of.cell(found), column, word))
    return HeatRow(word, tuple(cells))


def _placed(cell: HeatCell, column: str, row: str) -> HeatCell:
    """Add to a cell words that say where the cell stands."""
    return replace(cell, words=f"{column}, {row}: {cell.words}")


def _missed(what: str, found: Interval) -> HeatCell:
    """Make the cell of a share that should be all."""
    return _told(what, found, _warm(1 - found.value))


def _wronged(limit: float, found: Interval) -> HeatCell:
    """Make the cell of a share that should be small."""
    over = found.value > limit
    return _told("flagged", found, _warm(found.value) if over else 0, f"over {rate(limit)}" if over else "")


def _told(what: str, found: Interval, warm: int = 0, mark: str = "") -> HeatCell:
    words = f"{share(found)} {what}, of {found.count:,}" + (f", {mark}" if mark else "")
    return HeatCell(percent(found.value), between(found), words, warm, mark)


def _averaged(what: str, found: Interval) -> HeatCell:
    """Make the cell of a share that is a mean."""
    words = f"{mean(found)} {what}, over {found.count:,}"
    return HeatCell(f"{number(100 * found.value)}{SPACE}%", span(found, 100), words)


def _ratio(found: Interval) -> HeatCell:
    words = f"{interval(found.value, found.low, found.high)}, over {found.count:,} simulations"
    return HeatCell(number(found.value), span(found), words)


def _warm(wrong: float) -> int:
    return round(FULL * math.sqrt(max(0.0, wrong)))


def _words(names: Mapping[str, str]) -> Callable[[str], str]:
    return lambda name: names.get(name, name)


_ACCUSED = _Rows(
    "Unseen images flagged, mean over random divisions",
    "fpr",
    _words({"marginal": "rule marginal", "guarded": "rule marginal, and blurred held-out images"}),
    partial(_averaged, "flagged"),
)
_EXCEEDED = _Rows(
    "Random divisions in which more are flagged",
    "exceeded",
    _words({"pac": "rule pac"}),
    partial(_told, "over the rate"),
)
_CHECK = _Rows(
    "Check of the data set",
    "population",
    _words({"close": "unseen images as close as copies"}),
    partial(_told, "as close as copies"),
)
_RATES = (_ACCUSED, _EXCEEDED, _CHECK)

_COVERED = _Rows(
    "Intervals that hold the true share", "coverage", true_share, partial(_told, "hold the true share")
)
_ESTIMATED = _Rows(
    "Mean estimate for each true share", "estimate", true_share, partial(_averaged, "estimated")
)
_SHARES = (
    _COVERED,
    _ESTIMATED,
    _Rows(
        "Lower bound not above the true share",
        "bound",
        true_share,
        partial(_told, "not above the true share"),
    ),
    _Rows(
        "Number of copied training images, estimated divided by true",
        "chao",
        lambda name: f"{name} copied",
        _ratio,
    ),
)
