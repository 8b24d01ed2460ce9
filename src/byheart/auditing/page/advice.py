"""What to do after an audit, and how many flags mean nothing: sentences for the page and for the terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from byheart.report.words import plain_percent

if TYPE_CHECKING:
    from byheart.auditing.record import AuditRecord

__all__ = ["Flags", "advice", "flags_of"]


@dataclass(frozen=True)
class Flags:
    """Flagged samples of an audit.

    whole: flagged as copies of a whole image.  others: flagged only as a mixture or in part.
    expected: flags that are expected by chance if no sample is a copy, in all tests together.  samples: that were tested.
    """

    whole: int
    others: int
    expected: float
    samples: int

    @property
    def total(self) -> int:
        """Count the flagged samples."""
        return self.whole + self.others

    @property
    def by_chance(self) -> str:
        """Say how many flags are expected by chance."""
        return f"about {self.expected:,.1f} of {self.samples:,} samples would be flagged by chance if nothing was copied"


def flags_of(result: AuditRecord) -> Flags:
    """Count the flagged samples of an audit; each sample counts once."""
    heldout = 0 if result.inputs.heldout is None else result.inputs.heldout.compared
    able = [channel for channel in result.channels if channel.rule != "none"]
    whole = {pair.sample for pair in result.pairs if pair.flagged and pair.channel == "whole"}
    others = {pair.sample for pair in result.pairs if pair.flagged and pair.channel != "whole"}
    return Flags(
        whole=sum(channel.flags for channel in able if channel.name == "whole"),
        others=len(others - whole),
        expected=sum((channel.rank or 0) * channel.count for channel in able) / (heldout + 1),
        samples=result.inputs.samples.compared,
    )


def advice(result: AuditRecord) -> str:
    """Say what to do after the verdict."""
    match result.verdict:
        case "copying":
            return (
                "Look at the closest pairs. If they are copies, do not publish these samples; remove duplicates from the training"
                " set (byheart dedup), train for fewer steps or on more images, and audit again. If they are not copies, check"
                " whether the held-out images come from the same source as the training images."
            )
        case "suspicious":
            return "Look at the flagged pairs. Then draw more samples, hold out more images, and audit again."
        case "no evidence":
            limit = result.power.below
            share = (
                ""
                if limit is None
                else f" together with the share that could have gone unseen ({plain_percent(limit)})"
            )
            return f"Report the verdict{share}. To detect a smaller share, audit more samples and hold out more images."
    return _before_a_verdict(result)


def _before_a_verdict(result: AuditRecord) -> str:
    """Say what an audit needs that could not tell."""
    if result.inputs.heldout is None or all(channel.rank is None for channel in result.channels):
        return (
            "Hold out images of the same source, at least 299 for a false-positive rate of 1 %, and audit again. If the model was"
            " trained on all images, collect new ones, or train again on a part of the images."
        )
    if result.population is not None and not result.population.flags_on:
        return (
            "Look for duplicates in training and held-out images together (byheart dedup), divide the remaining images at random,"
            " train and audit again."
        )
    return (
        "Prepare samples and held-out images in the same way (size, file format, range of values), and audit again. If the"
        " model's samples are that blurred or noisy, it is too early for an audit."
    )
