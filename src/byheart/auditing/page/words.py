"""Words and numbers of the audit's page.  A percentage never rounds to none, or to all, of what it counts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from byheart.auditing.page.advice import flags_of
from byheart.report.words import SPACE, counted, number, percent, plural, rate

if TYPE_CHECKING:
    from byheart.auditing.record import AuditRecord, Channel, PopulationCheck, Pose, ReadAs, Share

__all__ = [
    "CHANNELS",
    "PLANTED",
    "population_words",
    "pose_words",
    "reading_words",
    "rule_words",
    "share_words",
    "shift",
    "subject",
    "tiles",
]


CHANNELS = {
    "whole": (
        "whole image",
        "Is the sample a copy of one training image: unchanged, flipped, shifted, cropped, rotated, blurred or noisy?",
    ),
    "blend": ("mixture", "Is the sample a mixture of two training images, laid over each other?"),
    "local": ("part of an image", "Is one half of the sample copied from a training image?"),
}
"""Channel -> the name of the test for people, and what the test asks of a sample."""

PLANTED = {
    "exact": "exact copy",
    "noise-0.05": "faint noise (σ 0.05)",
    "noise-0.15": "noise (σ 0.15)",
    "noise-0.30": "heavy noise (σ 0.30)",
    "shift-1": "shifted by 1 px",
    "shift-2": "shifted by 2 px",
    "flip": "flipped",
    "crop-90": f"cropped to 90{SPACE}%",
    "crop-80": f"cropped to 80{SPACE}%",
    "gain-0.8": "darker (× 0.8)",
    "gain-1.2": "brighter (× 1.2)",
    "contrast-0.7": "less contrast (× 0.7)",
    "jpeg-50": "JPEG of quality 50",
    "blur-0.8": "blurred by 0.8 px",
    "rotation-5": "rotated by 5°",
    "rotation-10": "rotated by 10°",
    "inversion": "inverted",
    "flip-crop-noise": "flipped, cropped, noisy",
    "jpeg-shift-gain": "JPEG, shifted, darker",
    "blend": "mixture, half and half",
    "collage": "one half of another image",
}
"""Kind of test copy -> its name for people; any other kind keeps its own name."""


def share_words(share: Share | None) -> str:
    """Write a share with its interval, `5.2 % [3.9, 6.6]`; a dash for None."""
    if share is None:
        return "–"
    low, high = (percent(end).removesuffix(f"{SPACE}%") for end in (share.low, share.high))
    return f"{percent(share.value)} [{low}, {high}]"


def pose_words(pose: Pose) -> str:
    """Say how the training image lies in the sample: `flipped, rotated 3° clockwise, cropped to 90 %, shifted 1 px right`."""
    x, y = shift(pose)
    moved = [
        f"{number(round(abs(by), 1))}{SPACE}px {names[by > 0]}"
        for by, names in ((x, ("left", "right")), (y, ("up", "down")))
        if abs(by) >= 0.05
    ]
    angle, zoom = round(pose.angle, 1), round(100 * pose.zoom)
    done = (
        "flipped" if pose.flip else "",
        f"rotated {number(abs(angle))}° {'clockwise' if angle > 0 else 'counterclockwise'}" if angle else "",
        f"cropped to {zoom}{SPACE}%"
        if zoom < 100
        else f"reduced to {10000 / zoom:.0f}{SPACE}%"
        if zoom > 100
        else "",
        f"shifted {' and '.join(moved)}" if moved else "",
        f"blurred by {number(round(pose.blur, 1))}{SPACE}px" if pose.blur else "",
    )
    return ", ".join(filter(None, done)) or "in the same pose"


def shift(pose: Pose) -> tuple[float, float]:
    """Compute where the center of the training image lies in the sample: pixels to the right and down, R F δ / zoom."""
    x, y = (-pose.dx if pose.flip else pose.dx), pose.dy
    cos, sin = math.cos(math.radians(pose.angle)), math.sin(math.radians(pose.angle))
    return (cos * x - sin * y) / pose.zoom, (sin * x + cos * y) / pose.zoom


def rule_words(channel: Channel, alpha: float) -> str:
    """Say when a sample is flagged, and which false-positive rate that rule keeps."""
    if channel.rule == "none" or channel.rank is None:
        return "No single sample is flagged."
    which = (
        "every held-out image"
        if channel.rank == 1
        else f"the {_ordinal(channel.rank)} highest held-out image"
    )
    flagged = f"A sample is flagged if its similarity score is higher than that of {which}."
    if channel.rule == "pac":
        return (
            f"{flagged} In this audit each test flags at most {rate(alpha)} of the samples that copy nothing, with 95 %"
            " confidence."
        )
    return (
        f"{flagged} On average over many audits each test flags at most {rate(alpha)} of the samples that copy nothing; in this"
        " audit it may be more."
    )


def _ordinal(rank: int) -> str:
    last = "th" if rank // 10 % 10 == 1 else {1: "st", 2: "nd", 3: "rd"}.get(rank % 10, "th")
    return f"{rank:,}{last}"


def subject(result: AuditRecord) -> str:
    """Say what was compared with what."""
    inputs = result.inputs
    blank = sum(one.blank for one in (inputs.samples, inputs.train, inputs.heldout) if one is not None)
    left_out = f" ({plural(blank, 'blank image')} left out)" if blank else ""
    tried = f"{inputs.samples.compared:,} samples against {inputs.train.compared:,} training images"
    if inputs.heldout is None:
        return f"{tried}, without held-out images{left_out}"
    return f"{tried}, calibrated on {inputs.heldout.compared:,} held-out images{left_out}"


def tiles(result: AuditRecord) -> list[tuple[str, str, str]]:
    """List the numbers under the verdict: name, value, and what to know about that value."""
    found = []
    if any(channel.name == "whole" and channel.rule != "none" for channel in result.channels):
        flags = flags_of(result)
        kinds = (
            f"{flags.whole:,} as a whole image, {flags.others:,} as a mixture or in part; "
            if flags.others
            else ""
        )
        note = f"{kinds}about {flags.expected:,.1f} expected by chance"
        found.append(("flagged samples", counted(flags.total, flags.samples), note))
    if (share := result.copy_share) is not None:
        if share.low > 0:
            of = "samples that are not blank" if result.inputs.samples.blank else "all samples"
            found.append(("copies, at least", percent(share.low), f"of {of}, with 97.5{SPACE}% confidence"))
        if share.corrected is not None:
            between = f"95{SPACE}% interval {percent(share.corrected.low)} to {percent(share.corrected.high)}"
            found.append(("copies, best estimate", percent(share.corrected.value), between))
    if (distinct := result.distinct) is not None and distinct.corrected >= 0.5:
        if distinct.bounded:
            seen = (
                f"at least, in a larger set of samples; about {round(distinct.corrected):,} are copied here"
            )
            found.append(("training images copied", f"about {round(distinct.estimate):,}", seen))
        else:
            seen = "in these samples; too few were copied twice to say how many in all"
            found.append(("training images copied", f"about {round(distinct.corrected):,}", seen))
    if result.power.below is not None and result.verdict != "copying":
        limit = f"below {percent(result.power.below)}"
        found.append(("could have gone unseen", limit, "copies among all samples"))
    return found


def population_words(population: PopulationCheck) -> list[str]:
    """Say whether held-out images look like copies, and what follows for single samples."""
    level = (
        "A single close match means something only if unseen images rarely come as close to a training image as copies do. Here"
        f" {share_words(population.share)} of the held-out images come as close as 95 % of the close test copies do; the limit is"
        f" {rate(population.limit)}."
    )
    if population.flags_on:
        return [level, "The share is not above the limit, so the audit may flag single samples."]
    close = f"{percent(population.as_close)} of the held-out images come as close as the median exact copy."
    return [level, close, "The share is above the limit, so no single sample is flagged."]


def reading_words(reading: ReadAs) -> str:
    """Say how training and held-out pictures were read that could be read in two ways, and why so."""
    turned = {
        "shown": "rotated as their rotation mark says",
        "stored": "as stored, whatever their rotation mark says",
    }
    fitted = {"cut": "the centered square of those that are not square", "squash": "squashed to squares"}
    papers = {"white": "laid on white", "black": "laid on black", "hidden": "without their transparency"}
    white = "" if reading.white is None else f", white being {reading.white:,}"
    done = f"{turned[reading.orientation]}; {fitted[reading.fit]}; {papers[reading.transparency]}{white}"
    return f"Training and held-out pictures that could be read in two ways: {done}. {reading.why}"
