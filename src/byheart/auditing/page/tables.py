"""Tables of the audit's page: what stands in which cell."""

from __future__ import annotations

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
    "copying": "Copying, by measures in common use",
    "fidelity": "Fidelity: do samples look like the data?",
    "novelty": "Novelty and diversity",
}


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
    """Tabulate the three questions and their answers."""
    columns = ("channel", "all samples together, p", "accused", "threshold", "something copied?")
    return Sheet(name, columns, tuple(map(_channel, channels)))


def _channel(channel: Channel) -> SheetRow:
    name, asked = CHANNELS[channel.name]
    accused = "–" if channel.rule == "none" else counted(channel.flags, channel.count)
    cells = (number(channel.global_p), accused, number(channel.threshold), "yes" if channel.fires else "no")
    return SheetRow(name, asked, cells)


def channel_rules(channels: Sequence[Channel], alpha: float) -> list[str]:
    """Say when a sample is accused: once if all channels have one rule, else for each channel."""
    rules = [rule_words(channel, alpha) for channel in channels]
    if len(set(rules)) <= 1:
        return rules[:1]
    return [
        f"{CHANNELS[channel.name][0].capitalize()}: {rule}"
        for channel, rule in zip(channels, rules, strict=True)
    ]


def measure_sheets(measures: Sequence[Measure]) -> list[Sheet]:
    """Make a table of every family; each measure stands beside its value for images that nobody could have copied."""
    columns = ("measure", "samples", "reference", "images")
    return [
        Sheet(name, columns, tuple(_measure(one) for one in measures if one.family == family))
        for family, name in FAMILIES.items()
        if any(one.family == family for one in measures)
    ]


def _measure(one: Measure) -> SheetRow:
    value = interval(one.value, one.low, one.high)
    reference = "–" if one.reference is None else f"{number(one.reference)} ({one.against})"
    return SheetRow(one.name, one.definition, (value, reference, f"{one.count:,}"))


def signal_sheet(signals: Sequence[Signal]) -> Sheet:
    """Tabulate what the model gives away, a row a noise level."""
    has_dimension = any(one.dimension_train is not None for one in signals)
    columns = (
        "noise level",
        "loss, training",
        "loss, held-out",
        "gap",
        "log ratio",
        "AUC",
        "found at 1 % false",
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
    """Write the share with its interval, of records made before it was kept the share alone."""
    if one.tpr is None or one.tpr_low is None or one.tpr_high is None:
        return percent(one.tpr)
    return share_words(Share(value=one.tpr, low=one.tpr_low, high=one.tpr_high, count=one.auc.count))


def signal_note() -> str:
    """Say how many held-out images the share that is found at 1 % false positives takes."""
    least, enough = heldout_for_a_limit(FALSE), heldout_for_a_rate(FALSE)
    return (
        "Found at 1 % false: the threshold is read off the held-out images whose losses are compared. Below"
        f" {least:,} of them the interval begins at 0 whatever the losses are; from {enough:,} on the rate of 1 % is known to"
        " within half of itself."
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
