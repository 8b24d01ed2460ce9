"""The verdict: from numbers to one of four words, with the sentences that say why and what it cannot see.

    copying        global p < 0.01, the lower bound of the share above 0, and at least three flags
    suspicious     global p < 0.05; or blends or local copies are more frequent than among held-out images (p < 0.01)
    no evidence    otherwise, and always with the share that cannot be excluded
    cannot tell    no held-out images, too few of them for any accusation at alpha (99 for 1 %), held-out images that themselves
                   look like copies, or samples so unlike them in sharpness that ranks mean nothing

Where held-out images look like copies, no single sample is accused; the excess over them may still say "copying".  Where
sharpness differs, only a share of accused samples that is above 5 % for certain does: at 1 % no kind of degraded innocents was
accused in more than 1.8 %.
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
_DEGRADED = 0.05  # share of accused samples that no degradation of innocent images comes near
_BLIND = 0.5  # share of planted copies that must be seen, for their kind to count as seen


@dataclass(frozen=True)
class Evidence:
    """What the verdict rests on.

    heldout, samples: counts.  rank: of the flags; None: the one that alpha gives.  global_p: of whole copies.  flags: accused
    samples; flags_low: lower bound of their share.  low: lower bound of the share of copies, in any mix; share: (value, low,
    high) corrected, or None.  flags_on: whether single samples may be accused; as_close: share of held-out images that score
    as all but 5 % of close planted copies do.  fires: names of the other channels that fire.  unlike: whether samples and
    held-out images differ in sharpness beyond what the guard covers.
    below: a share below it cannot be excluded.  images: whether images were compared, not features.
    spared: samples that only the comparison with blurred held-out images keeps from being accused.  blank: samples that were left
    out of all counts, because they show next to nothing.  collages, noisy: shares of planted collages, and of copies under noise of σ 0.3, that would be
    accused; None where that is not known.
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
    """The word, the sentence that carries it, and what stands behind it."""

    verdict: Verdict
    sentence: str
    reasons: tuple[str, ...]


def decide(seen: Evidence) -> Decision:
    """The verdict of an audit."""
    if seen.heldout == 0:
        return Decision(
            "cannot tell",
            "There are no held-out images, so nobody can say how often an innocent sample looks like a copy.",
            ("Hold images out of the same source before training; without them no rate is given.",),
        )
    if _rank(seen).rank is None:
        smallest = 1 / (seen.heldout + 1)
        return Decision(
            "cannot tell",
            f"{seen.heldout} held-out images are too few: the smallest p-value they can give is {smallest:.3g}.",
            (
                f"At least {enough_heldout(seen.alpha)} are needed to accuse at {plain_percent(seen.alpha)},"
                f" {_confident(seen.alpha)} to do so with 95 % confidence.",
            ),
        )
    verdict = _word(seen)
    return Decision(verdict, _sentence(verdict, seen), tuple(_reasons(seen)))


def _rank(seen: Evidence) -> Rank:
    return seen.rank or chosen_rank(seen.alpha, seen.heldout)


def _confident(alpha: float) -> int:
    """Held-out images without which no rank keeps alpha with 95 % confidence."""
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
    match verdict:
        case "copying" if seen.flags_on:
            return (
                f"The samples contain copies of training {_things(seen)}: {seen.flags} of {seen.samples} are closer to one than"
                f" innocent {_things(seen)} are, and at least {plain_percent(seen.low)} of {_all(seen)} are copies."
            )
        case "copying":
            return (
                f"The samples contain more copies than held-out {_things(seen)} would: at least {plain_percent(seen.low)} of them,"
                " though no single one can be named."
            )
        case "suspicious":
            return "There are signs of copying that do not amount to proof: look at the pairs, and audit more samples."
        case "no evidence":
            limit = (
                ""
                if seen.below is None
                else f"; a share of copies below {plain_percent(seen.below)} cannot be excluded"
            )
            if not seen.images:
                return f"No copies of training rows were found among the features{limit}."
            return f"No copies of training images were found within the tested transformations{limit}."
    if not seen.flags_on and not seen.images:
        return (
            f"{plain_percent(seen.as_close)} of the held-out rows lie as near to a training row as planted copies do: in these"
            " features a copy and a new image are the same."
        )
    if not seen.flags_on:
        return (
            f"{plain_percent(seen.as_close)} of the held-out images match a training image as planted copies do:"
            " in such a population a copy and a new image are the same picture."
        )
    return "The samples differ in sharpness from the held-out images by more than the test can allow for."


def _all(seen: Evidence) -> str:
    return f"the {seen.samples} samples that are not blank" if seen.blank else "all samples"


def _things(seen: Evidence) -> str:
    return "images" if seen.images else "rows"


def _reasons(seen: Evidence) -> list[str]:
    found = [
        f"All samples together against {seen.heldout} held-out {_things(seen)}: p = {seen.global_p:.2g} (exact, beta-binomial)."
    ]
    if seen.share is not None:
        value, low, high = map(plain_percent, seen.share)
        found.append(
            f"Share of copies {value}, with 95 % confidence between {low} and {high}, if copies are mixed as on the card."
        )
    if not seen.flags_on:
        found.append(
            f"{plain_percent(seen.as_close)} of the held-out {_things(seen)} match a training one as planted copies do;"
            f" single samples cannot be accused at {plain_percent(seen.alpha)}. Only the excess over them counts."
        )
    if seen.unlike:
        found.append(
            "Samples and held-out images differ more than twofold in the power of some spatial frequency, at every"
            " degree of blur: another resizing, compression, or noise. p-values then err either way."
        )
    if _rank(seen).rule == "marginal":
        enough = _confident(seen.alpha)
        more = f"; {enough} would do" if seen.heldout < enough else ", as was asked"
        found.append(
            f"With {seen.heldout} held-out images the false positive rate is {plain_percent(seen.alpha)} on average over"
            f" audits, not with 95 % confidence in this one{more}."
        )
    found += [f"{_CHANNELS[name]} are more frequent than among held-out images." for name in seen.fires]
    found += _blind_spots(seen)
    if not seen.images:
        found.append(
            "What is not seen: copies that their encoder gives other features, as most do to another pose."
        )
        return found
    found.append(
        "What is not seen: shifts of more than 2 pixels of 32, crops below 85 %, rotations of 10° and more, inversion, recoloring, perspective, and mixtures of"
        " three images or more, or of two beyond 30 to 70."
    )
    return found


def _blind_spots(seen: Evidence) -> Iterator[str]:
    """What this population, and these samples, keep from being seen."""
    if seen.spared:
        yield (
            f"{seen.spared:,} fewer {'is' if seen.spared == 1 else 'are'} accused because blurred held-out images score as"
            " high: blur alone may explain them."
        )
    if seen.collages is not None and seen.collages < _BLIND:
        yield (
            "Local matches are as frequent among held-out images: of collages of two training images"
            f" {plain_percent(seen.collages)} would be seen."
        )
    if seen.noisy is not None and seen.noisy < _BLIND:
        yield (
            f"Copies under noise of σ 0.3 or more are not testable: {plain_percent(seen.noisy)} of those planted would be seen."
        )
    if seen.blank:
        yield (
            f"{seen.blank:,} of the {seen.samples + seen.blank:,} samples {'is' if seen.blank == 1 else 'are'} blank or nearly so,"
            " and not testable: all counts and shares are of the others."
        )


_CHANNELS = {"blend": "Mixtures of two training images", "local": "Copies of half a training image"}
