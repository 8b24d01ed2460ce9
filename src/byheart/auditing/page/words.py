"""Words and numbers of the audit's page.  A percentage never rounds to none, or to all, of what it counts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

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
        "Is it one training image as a whole: as it is, or flipped, moved, cropped, turned, blurred, noisy?",
    ),
    "blend": ("blend", "Is it two training images laid over each other?"),
    "local": ("part of an image", "Is one half of it from a training image?"),
}
"""Channel -> its name for people, and what it asks of a sample."""

PLANTED = {
    "exact": "exact copy",
    "noise-0.05": "faint noise (σ 0.05)",
    "noise-0.15": "noise (σ 0.15)",
    "noise-0.30": "heavy noise (σ 0.30)",
    "shift-1": "moved by 1 px",
    "shift-2": "moved by 2 px",
    "flip": "flipped",
    "crop-90": f"cropped to 90{SPACE}%",
    "crop-80": f"cropped to 80{SPACE}%",
    "gain-0.8": "darker (× 0.8)",
    "gain-1.2": "brighter (× 1.2)",
    "contrast-0.7": "less contrast (× 0.7)",
    "jpeg-50": "JPEG of quality 50",
    "blur-0.8": "blurred by 0.8 px",
    "rotation-5": "turned by 5°",
    "rotation-10": "turned by 10°",
    "inversion": "inverted",
    "flip-crop-noise": "flipped, cropped, noisy",
    "jpeg-shift-gain": "JPEG, moved, darker",
    "blend": "half and half",
    "collage": "one half from another",
}
"""Kind of planted copy -> its name for people; any other keeps its own."""


def share_words(share: Share | None) -> str:
    """Write a share with its interval, `5.2 % [3.9, 6.6]`; a dash for None."""
    if share is None:
        return "–"
    low, high = (percent(end).removesuffix(f"{SPACE}%") for end in (share.low, share.high))
    return f"{percent(share.value)} [{low}, {high}]"


def pose_words(pose: Pose) -> str:
    """Say how the training image lies in the sample: `flipped, turned 3° clockwise, cropped to 90 %, moved 1 px right`."""
    x, y = shift(pose)
    moved = [
        f"{number(round(abs(by), 1))}{SPACE}px {names[by > 0]}"
        for by, names in ((x, ("left", "right")), (y, ("up", "down")))
        if abs(by) >= 0.05
    ]
    angle, zoom = round(pose.angle, 1), round(100 * pose.zoom)
    done = (
        "flipped" if pose.flip else "",
        f"turned {number(abs(angle))}° {'clockwise' if angle > 0 else 'counterclockwise'}" if angle else "",
        f"cropped to {zoom}{SPACE}%"
        if zoom < 100
        else f"shrunk to {10000 / zoom:.0f}{SPACE}%"
        if zoom > 100
        else "",
        f"moved {' and '.join(moved)}" if moved else "",
        f"blurred by {number(round(pose.blur, 1))}{SPACE}px" if pose.blur else "",
    )
    return ", ".join(filter(None, done)) or "in the same pose"


def shift(pose: Pose) -> tuple[float, float]:
    """Compute where the center of the training image lies in the sample: pixels to the right and down, R F δ / zoom."""
    x, y = (-pose.dx if pose.flip else pose.dx), pose.dy
    cos, sin = math.cos(math.radians(pose.angle)), math.sin(math.radians(pose.angle))
    return (cos * x - sin * y) / pose.zoom, (sin * x + cos * y) / pose.zoom


def rule_words(channel: Channel, alpha: float) -> str:
    """Say when a sample is accused, and what that rule promises."""
    if channel.rule == "none" or channel.rank is None:
        return "No single sample is accused."
    which = (
        "every held-out image"
        if channel.rank == 1
        else f"the {_ordinal(channel.rank)} highest held-out image"
    )
    accused = f"A sample is accused if it scores higher than {which}."
    if channel.rule == "pac":
        return f"{accused} In this audit that hits at most {rate(alpha)} of innocent samples, with 95 % confidence."
    return (
        f"{accused} Over many audits that hits {rate(alpha)} of innocent samples; in this one it may be more."
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
    whole = next((channel for channel in result.channels if channel.name == "whole"), None)
    if whole is not None and whole.rule != "none":
        note = "single samples, worst first below" if whole.flags else "single samples"
        found.append(("accused", counted(whole.flags, whole.count), note))
    if (share := result.copy_share) is not None:
        if share.low > 0:
            of = "samples that are not blank" if result.inputs.samples.blank else "all samples"
            found.append(("copies, at least", percent(share.low), f"of {of}, with 97.5{SPACE}% confidence"))
        if share.corrected is not None:
            between = f"95{SPACE}% interval {percent(share.corrected.low)} to {percent(share.corrected.high)}"
            found.append(("copies, best estimate", percent(share.corrected.value), between))
    if (distinct := result.distinct) is not None and distinct.estimate >= 0.5:
        if distinct.bounded:
            seen = f"a lower bound; {distinct.observed:,} are matched here"
            found.append(("training images copied", f"about {round(distinct.estimate):,}", seen))
        else:
            seen = "too few more than once to say how many in all"
            found.append(("training images copied", f"{distinct.observed:,} seen", seen))
    if result.power.below is not None and result.verdict != "copying":
        found.append(
            ("cannot be excluded", f"below {percent(result.power.below)}", "copies among all samples")
        )
    return found


def population_words(population: PopulationCheck) -> list[str]:
    """Say whether held-out images look like copies, and what follows."""
    seen = (
        f"Of the held-out images, {share_words(population.share)} match a training image as closely as copies made on purpose "
        f"(all but the weakest 5 % of those). Up to {rate(population.limit)}, a close match is evidence."
    )
    if population.flags_on:
        return [seen, "So it is here: single samples can be accused."]
    close = f"{percent(population.as_close)} of them match as closely as the median exact copy."
    return [seen, close, "So here it proves nothing about a single sample: none is accused."]


def reading_words(reading: ReadAs) -> str:
    """Say how training and held-out pictures were read that could be read in two ways, and why so."""
    turned = {
        "shown": "turned as their rotation mark says",
        "stored": "as stored, whatever their rotation mark says",
    }
    fitted = {"cut": "the centered square of those that are not square", "squash": "squashed to squares"}
    papers = {"white": "laid on white", "black": "laid on black", "hidden": "without their transparency"}
    white = "" if reading.white is None else f", white being {reading.white:,}"
    done = f"{turned[reading.orientation]}; {fitted[reading.fit]}; {papers[reading.transparency]}{white}"
    return f"Training and held-out pictures that could be read in two ways: {done}. {reading.why}"
