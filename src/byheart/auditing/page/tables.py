"""Tables of the audit's page: what stands in which cell."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from byheart.analysis.calibration.rates import heldout_for_a_limit, heldout_for_a_rate
from byheart.auditing.page.words import CHANNELS, rule_words, share_words
from byheart.auditing.record import Share
from byheart.report.words import counted, interval, number, percent

if TYPE_CHECKING:
    from byheart.auditing.record import Channel, Inputs, InputSet, Measure, Signal

__all__ = [
    "SheetRow",
    "Sheet",
    "channel_rules",
    "channel_sheet",
    "input_sheet",
    "measure_sheets",
    "signal_note",
    "signal_sheet",
]

FALSE = 0.01  # false positives at which a model's losses are read

FAMILIES = {
    "copying": "Copying, by measures of the literature",
    "fidelity": "Quality: do the samples look like the data?",
    "novelty": "Novelty and diversity",
}


REAL = {"null floor": "expected for real images", "exact null": "expected for real images"}
"""Words of a record -> what stands behind the reference value."""

HINTS = {
    "f_mem": ". Copying: above the reference",
    "Carlini": ". Copying: above the reference",
    "DCR share": ". Copying: above the reference",
    "C_T, AUC": ". Copying: above the reference",
    "AuthPct": ". Copying: below the reference",
    "C_T, Holm p": ". Copying: near 0",
    "C_T, one cell": "",
    "C_T": ". Copying: below 0",
    "exact duplicates": ". Copying: above the reference",
    "dHash": ". Copying: above the reference",
    "pHash": ". Copying: above the reference",
    "FLD gap": " A value below the reference is no proof: samples without copies can have one, too.",
    "Vendi": " The value is no count of different samples; compare it with the reference.",
}
"""Beginning of the name of a measure -> how to read its value; the first that fits."""


@dataclass(frozen=True)
class SheetRow:
    """One row: its name, what it is in smaller print, and its cells."""

    name: str
    note: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Sheet:
    """A table whose rows explain themselves.  columns: that of the names first."""

    name: str
    columns: tuple[str, ...]
    lines: tuple[SheetRow, ...]


def channel_sheet(name: str, channels: Sequence[Channel]) -> Sheet:
    """Tabulate the three tests and their results."""
    columns = (
        "test",
        "p-value, all samples together",
        "flagged samples",
        "threshold (score)",
        "evidence of copying?",
    )
    return Sheet(name, columns, tuple(map(_channel, channels)))


def _channel(channel: Channel) -> SheetRow:
    name, asked = CHANNELS[channel.name]
    flagged = "–" if channel.rule == "none" else counted(channel.flags, channel.count)
    cells = (number(channel.global_p), flagged, number(channel.threshold), "yes" if channel.fires else "no")
    return SheetRow(name, asked, cells)


def channel_rules(channels: Sequence[Channel], alpha: float) -> list[str]:
    """Say when a sample is flagged: once if all tests have the same rule, else for each test."""
    rules = [rule_words(channel, alpha) for channel in channels]
    if len(set(rules)) <= 1:
        return rules[:1]
    return [
        f"{CHANNELS[channel.name][0].capitalize()}: {rule}"
        for channel, rule in zip(channels, rules, strict=True)
    ]


def measure_sheets(measures: Sequence[Measure]) -> list[Sheet]:
    """Make a table of every family; each measure stands beside its value for images that cannot be copies."""
    columns = ("measure", "samples", "reference", "images")
    return [
        Sheet(name, columns, tuple(_measure(one) for one in measures if one.family == family))
        for family, name in FAMILIES.items()
        if any(one.family == family for one in measures)
    ]


def _measure(one: Measure) -> SheetRow:
    value = interval(one.value, one.low, one.high)
    against = REAL.get(one.against, one.against)
    reference = "–" if one.reference is None else f"{number(one.reference)} ({against})"
    name = re.sub(r", seed \d+", "", one.name)
    hint = next((hint for beginning, hint in HINTS.items() if one.name.startswith(beginning)), "")
    return SheetRow(name, f"{one.definition}{hint}", (value, reference, f"{one.count:,}"))


def signal_sheet(signals: Sequence[Signal]) -> Sheet:
    """Tabulate what the losses of the model show, one row for each noise level."""
    has_dimension = any(one.dimension_train is not None for one in signals)
    columns = (
        "noise level",
        "loss, training",
        "loss, held-out",
        "gap",
        "log ratio",
        "AUC",
        "found at 1 % false positives",
    )
    more = ("dimension, training", "dimension, held-out") if has_dimension else ()
    return Sheet("By noise level", columns + more, tuple(_signal(one, has_dimension) for one in signals))


def _signal(one: Signal, has_dimension: bool) -> SheetRow:
    dimensions = (number(one.dimension_train), number(one.dimension_heldout)) if has_dimension else ()
    cells = (
        number(one.loss_train),
        number(one.loss_heldout),
        share_words(one.gap),
        number(one.log_ratio),
        interval(one.auc.value, one.auc.low, one.auc.high),
        _true_positives(one),
        *dimensions,
    )
    return SheetRow(number(one.sigma), "", cells)


def _true_positives(one: Signal) -> str:
    """Write the share with its interval; records of older versions have the share alone."""
    if one.tpr is None or one.tpr_low is None or one.tpr_high is None:
        return percent(one.tpr)
    return share_words(Share(value=one.tpr, low=one.tpr_low, high=one.tpr_high, count=one.auc.count))


def signal_note() -> str:
    """Say how many held-out images are needed for the share that is found at 1 % false positives."""
    least, enough = heldout_for_a_limit(FALSE), heldout_for_a_rate(FALSE)
    return (
        "Found at 1 % false positives: the threshold comes from the held-out images whose losses are compared. With fewer"
        f" than {least:,} held-out images the interval begins at 0 whatever the losses are; with {enough:,} or more the rate of"
        " 1 % is known to within half of itself."
    )


def input_sheet(inputs: Inputs) -> Sheet:
    """Tabulate the inputs of the audit."""
    named = (("samples", inputs.samples), ("training", inputs.train), ("held-out", inputs.heldout))
    sources = [(role, one) for role, one in named if one is not None]
    blank = any(one.blank for _, one in sources)
    columns = ("set", "images", "shape", "unreadable", *(("blank, left out",) if blank else ()))
    return Sheet("Sets of images", columns, tuple(_source(role, one, blank=blank) for role, one in sources))


def _source(role: str, one: InputSet, *, blank: bool) -> SheetRow:
    shape = " × ".join(f"{side:,}" for side in one.shape)
    cells = (
        f"{one.count:,}",
        shape,
        f"{len(one.unreadable):,}",
        *((f"{one.blank:,}",) if blank else ()),
    )
    return SheetRow(role, f"{one.name}: {one.resized}. SHA-256 of the values {one.fingerprint}", cells)
