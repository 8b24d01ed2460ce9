"""The verdict: from numbers to one of four words, with the sentences that say why and what it cannot see.

    copying        global p < 0.01, the lower bound of the share above 0, and at least three flags
    suspicious     global p < 0.05; or blends or local copies are more frequent than among held-out images (p < 0.01)
    no evidence    otherwise, and always with the share of copies that could have gone unseen
    cannot tell    no held-out images, too few held-out images to flag any sample at alpha (99 for 1 %), held-out images that
                   themselves look like copies, or samples and held-out images so different in sharpness that ranks mean nothing

If held-out images look like copies, no single sample is flagged; the excess of the samples over the held-out images may still
give "copying".  If sharpness differs, the verdict is "copying" only if the lower bound of the share of flagged samples is above
5 %: at alpha = 1 % no kind of degraded original images was flagged in more than 1.8 % of cases.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from byheart.analysis.calibration.ranks import Rank, chosen_rank
from byheart.auditing.record import Verdict
from byheart.metrics.calibrated import enough_heldout
from byheart.report.words import plain_percent

__all__ = ["Decision", "Evidence", "decide"]

_FLAGS = 3
_CERTAIN, _DOUBTFUL = 0.01, 0.05
_DEGRADED = 0.05  # share of flagged samples that no degradation of original images comes near
_BLIND = 0.5  # share of test copies that must be flagged, for their kind to count as found


@dataclass(frozen=True)
class Evidence:
    """What the verdict rests on.

    samples, heldout: counts.  rank: of the flags; None takes the rank that alpha gives.  global_p: p-value of all samples
    together in the test of whole images.  flags: count of flagged samples; flags_low: lower bound of their share.
    low: lower bound of the share of copies, for any mix of kinds; share: (value, low, high) corrected, or None.
    flags_on: whether single samples may be flagged; as_close: share of held-out images that score as all but 5 % of close test
    copies do.  fires: names of the other tests that find copying.
    unlike: whether samples and held-out images differ in sharpness beyond what the guard covers.
    below: copies that make up a smaller share could have gone unseen.  images: whether images were compared, not features.
    spared: samples that only the comparison with blurred held-out images keeps from being flagged.
    blank: samples that were left out of all counts, because they show next to nothing.
    collages, noisy: shares of the test copies of kind "collage" and "noise-0.30" that this audit flags; None if unknown.
    """

    samples: int
    heldout: int
    rank: Rank | None = None
    global_p: float = 1.0
    flags: int = 0
    low: float = 0.0
    flags_low: float = 0.0
    share: tuple[float, float, float] | None = None
    flags_on: bool = True
    as_close: float = 0.0
    fires: tuple[str, ...] = ()
    unlike: bool = False
    below: float | None = None
    alpha: float = 0.01
    images: bool = True
    spared: int = 0
    blank: int = 0
    collages: float | None = None
    noisy: float | None = None


@dataclass(frozen=True)
class Decision:
    """The verdict in one word, the sentence that explains the word, and the reasons, a sentence each."""

    verdict: Verdict
    sentence: str
    reasons: tuple[str, ...]


def decide(seen: Evidence) -> Decision:
    """Decide the verdict of an audit, with its sentences."""
    if seen.heldout == 0:
        return Decision(
            "cannot tell",
            "There are no held-out images, so it is unknown how often a sample that copies nothing looks like a copy.",
            (
                "Keep images of the same source out of training; without them no false-positive rate can be given.",
            ),
        )
    if _rank(seen).rank is None:
        smallest = 1 / (seen.heldout + 1)
        return Decision(
            "cannot tell",
            f"{seen.heldout} held-out images are too few: the smallest p-value they can give is {smallest:.3g}.",
            (
                f"At least {enough_heldout(seen.alpha)} are needed to flag samples at a false-positive rate of"
                f" {plain_percent(seen.alpha)}, {_confident(seen.alpha)} to keep this rate with 95 % confidence.",
            ),
        )
    verdict = _word(seen)
    return Decision(verdict, _sentence(verdict, seen), tuple(_reasons(seen)))


def _rank(seen: Evidence) -> Rank:
    return seen.rank or chosen_rank(seen.alpha, seen.heldout)


def _confident(alpha: float) -> int:
    """Count the held-out images that are needed for a rank that keeps alpha with 95 % confidence."""
    return math.ceil(math.log(0.05) / math.log1p(-alpha))


def _word(seen: Evidence) -> Verdict:
    copying = seen.global_p < _CERTAIN and seen.low > 0 and (seen.flags >= _FLAGS or not seen.flags_on)
    if seen.unlike:
        return "copying" if copying and seen.flags_low > _DEGRADED else "cannot tell"
    if copying:
        return "copying"
    if not seen.flags_on:
        return "cannot tell"
    if seen.global_p < _DOUBTFUL or seen.fires:
        return "suspicious"
    return "no evidence"


def _sentence(verdict: Verdict, seen: Evidence) -> str:
    things = _things(seen)
    match verdict:
        case "copying" if seen.flags_on:
            return (
                f"The samples contain copies of training {things}: {seen.flags} of {seen.samples} samples are closer to one of the"
                f" training {things} than unseen {things} usually are. At least {plain_percent(seen.low)} of {_all(seen)} are"
                " copies (97.5 % confidence)."
            )
        case "copying":
            return (
                f"The samples contain copies of training {things}: at least {plain_percent(seen.low)} of {_all(seen)} are copies"
                " (97.5 % confidence), but the audit cannot say which samples."
            )
        case "suspicious":
            return "There are signs of copying that do not amount to proof: look at the pairs, and audit more samples."
        case "no evidence":
            return f"No copies of training {things} were found{'' if seen.images else ' among the features'}.{_limit(seen)}"
    if not seen.flags_on and not seen.images:
        return (
            f"{plain_percent(seen.as_close)} of the held-out rows lie as near to a training row as test copies do: in these"
            " features a copy cannot be told from a new image."
        )
    if not seen.flags_on:
        return (
            f"{plain_percent(seen.as_close)} of the held-out images match a training image as closely as test copies do:"
            " in data like these a copy cannot be told from a new image."
        )
    return "The samples differ in sharpness from the held-out images by more than the test can allow for."


def _limit(seen: Evidence) -> str:
    """Say which copies "no evidence" leaves open."""
    changed = (
        "that were changed in a way that the audit does not search for"
        if seen.images
        else "to which the encoder gives other features"
    )
    if seen.below is None:
        return f" Copies {changed} could have gone unseen."
    share = plain_percent(seen.below)
    return f" Copies that make up less than {share} of {_all(seen)}, or {changed}, could have gone unseen."


def _all(seen: Evidence) -> str:
    return f"the {seen.samples} samples that are not blank" if seen.blank else "all samples"


def _things(seen: Evidence) -> str:
    return "images" if seen.images else "rows"


def _reasons(seen: Evidence) -> list[str]:
    reasons = [_together(seen)]
    if seen.share is not None:
        value, low, high = map(plain_percent, seen.share)
        bound = "; the lower bound holds for any mix of kinds" if seen.low > 0 else ""
        reasons.append(
            f"Best estimate of the share of copies: {value} (95 % interval {low} to {high}), if the main kinds of copies in the"
            f" detection table are equally frequent{bound}."
        )
    if not seen.flags_on:
        reasons.append(
            f"{plain_percent(seen.as_close)} of the held-out {_things(seen)} match a training one as closely as test copies do:"
            f" at a false-positive rate of {plain_percent(seen.alpha)} no single sample can be flagged. Only the excess of the"
            " samples over the held-out ones counts."
        )
    if seen.unlike:
        reasons.append(
            "Samples and held-out images differ more than twofold in the power of some spatial frequency, at every"
            " degree of blur: different resizing, compression or noise. p-values can then be too small or too large."
        )
    if _rank(seen).rule == "marginal":
        enough = _confident(seen.alpha)
        more = f"; {enough} would do" if seen.heldout < enough else ", as requested"
        reasons.append(
            f"With {seen.heldout} held-out images the false-positive rate is {plain_percent(seen.alpha)} on average over"
            f" audits, not with 95 % confidence in this one{more}."
        )
    reasons += [
        f"{_TESTS[name]} are more frequent among the samples than among held-out images."
        for name in seen.fires
    ]
    reasons += _blind_spots(seen)
    reasons.append(_NOT_SEARCHED if seen.images else _NOT_ENCODED)
    return reasons


def _together(seen: Evidence) -> str:
    """Say what the exact test of all samples together gave."""
    compared = f"(exact test against {seen.heldout} held-out {_things(seen)})"
    p = f"p = {seen.global_p:.2g}"
    if seen.global_p >= _DOUBTFUL:
        return f"All samples together: {p}, no sign of copying {compared}."
    return f"All samples together: if none were a copy, so many high scores would have a probability of at most {p} {compared}."


def _blind_spots(seen: Evidence) -> Iterator[str]:
    """Say which copies are missed in data like these, and among samples like these."""
    if seen.spared:
        samples = "sample" if seen.spared == 1 else "samples"
        yield (
            f"{seen.spared:,} more {samples} would be flagged without the comparison with blurred held-out images: blur alone may"
            f" explain {'the score' if seen.spared == 1 else 'these scores'}."
        )
    if seen.collages is not None and seen.collages < _BLIND:
        yield (
            "Copies of one half of an image are mostly missed, because held-out images match in halves as well:"
            f" {plain_percent(seen.collages)} of such test copies are flagged."
        )
    if seen.noisy is not None and seen.noisy < _BLIND:
        yield (
            f"Copies with noise of σ 0.3 or more (black is 0, white is 1) are mostly missed: {plain_percent(seen.noisy)} of such"
            " test copies are flagged."
        )
    if seen.blank:
        yield (
            f"{seen.blank:,} of the {seen.samples + seen.blank:,} samples {'is' if seen.blank == 1 else 'are'} blank or nearly so,"
            " and cannot be tested: all counts and shares are those of the other samples."
        )


_TESTS = {"blend": "Mixtures of two training images", "local": "Copies of half a training image"}

_NOT_SEARCHED = (
    "The audit does not search for copies that were shifted by more than 2 pixels (of the 32 × 32 version in which images are"
    " compared), cropped to less than 85 %, rotated by 10° or more, inverted, recolored or distorted in perspective, nor for"
    " mixtures of three or more images, or of two if one has less than 30 % of the weight. Some such copies are flagged all"
    " the same. A similar style or subject is no copy."
)

_NOT_ENCODED = (
    "Not found are copies to which the encoder gives other features, as most encoders do for another pose."
)
