"""Blank images of an audit: left out of the copy test, counted and named.

A blank image (`metrics.copying.blank`) looks like any other blank image, whatever it shows.  Test copies of blank training images
are not found and pull the level of a copy down; blank held-out images and samples match at random.  One rule with one limit,
fixed by the training images, takes the blank images out of all three sets.  So every p-value and every share of the copy test
refers to the samples that are not blank, ranked among the held-out images that are not blank.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from torch import Tensor

from byheart._checks import InputError, printable
from byheart.auditing.inputs import Images
from byheart.auditing.inputs.sets import What, in_words
from byheart.auditing.inputs.window import framed, stretched
from byheart.auditing.pairs import renumbered
from byheart.auditing.sets import Body, Sets
from byheart.auditing.stored.train import Stored
from byheart.metrics.copying.blank import FAINT, contrast, least_contrast, usual_contrast
from byheart.metrics.copying.scores import LEAST
from byheart.report.words import plain_percent

__all__ = ["Told", "alike_words", "faint_words", "told"]


@dataclass(frozen=True, eq=False)
class Told:
    """What the copy test compares.

    sets: without blank images, and stretched if all images are faint.  kept: rows of the original sets, for those sets from which
    some images were left out.  blank: names of the images that were left out, by set.  warnings: a sentence each.
    """

    sets: Sets
    kept: Mapping[What, Tensor] = field(default_factory=dict)
    blank: Mapping[What, tuple[str, ...]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def numbered(self, body: Body) -> Body:
        """Number samples and training images of the pairs as in the original sets."""
        samples, train = self.kept.get("samples"), self.kept.get("train")
        return replace(
            body,
            pairs=renumbered(body.pairs, samples=samples, train=train),
            random_pairs=renumbered(body.random_pairs, samples=samples, train=train),
        )


def told(sets: Sets) -> Told:
    """Take the blank images out of three sets of images; features are returned as they are.

    For a training set in shards the first 2,000 images decide what is blank, and no training image is taken out here.
    Raises InputError if no sample or no held-out image is left, or too few training images.
    """
    if not isinstance(sets.samples, Images):
        return Told(sets)
    sets, words = _stretched(sets)
    first = sets.train.beginning() if isinstance(sets.train, Stored) else sets.train
    assert isinstance(first, Images)
    contrasts = contrast(first.small)
    least = least_contrast(contrasts)
    kept: dict[What, Tensor] = {}
    blank: dict[What, tuple[str, ...]] = {}
    left = dict(_held(sets))
    for what, images in left.items():
        seen = contrast(images.small) >= least
        if bool(seen.all()):
            continue
        kept[what], rows = seen.nonzero()[:, 0], (~seen).nonzero()[:, 0].tolist()
        _check_left(what, len(images), len(kept[what]))
        blank[what] = tuple(images.names[row] for row in rows)
        left[what] = images.some(kept[what])
        words += (_left_out(what, blank[what], len(images)),)
    remaining = replace(_with(sets, left), least=least, blank=len(blank.get("samples", ())))
    return Told(remaining, kept, blank, (*words, *faint_words(contrasts)))


def _stretched(sets: Sets) -> tuple[Sets, tuple[str, ...]]:
    """Stretch faint sets in memory, and say so."""
    if isinstance(sets.train, Stored):
        return sets, ()
    held = dict(_held(sets))
    found = dict(zip(held, stretched(list(held.values())), strict=True))
    words = framed({in_words(what): images for what, images in found.items()})
    return _with(sets, found), tuple(words)


def _held(sets: Sets) -> Iterator[tuple[What, Images]]:
    """List the sets that are images in memory, the training images first."""
    if isinstance(sets.train, Images):
        yield "train", sets.train
    if isinstance(sets.heldout, Images):
        yield "heldout", sets.heldout
    if isinstance(sets.samples, Images):
        yield "samples", sets.samples


def _with(sets: Sets, images: Mapping[What, Images]) -> Sets:
    """Replace the images that the sets hold in memory."""
    return replace(
        sets,
        samples=images["samples"],
        train=images.get("train", sets.train),
        heldout=images.get("heldout"),
    )


def _check_left(what: What, count: int, left: int) -> None:
    """Raise InputError if too few images are left."""
    least = LEAST if what == "train" else 1
    if left < least:
        raise InputError(
            got=f"{count:,} {in_words(what)}, of which {'all' if not left else f'all but {left:,}'} are blank or nearly so",
            need=f"at least {least} that show something"
            + (": blank images match each other" if left else ""),
            remedy="look at them, and check how they were written and read",
        )


def _left_out(what: What, names: tuple[str, ...], count: int) -> str:
    """Say that blank images of a set were left out, and what is counted instead."""
    blank, others = _counted(len(names), count, in_words(what), names[0]), f"the other {count - len(names):,}"
    match what:
        case "samples":
            return f"{blank}. Blank samples match nothing: p-values and shares of the copy test refer to {others}."
        case "heldout":
            return f"{blank}. Samples are ranked among {others}."
        case "train":
            return f"{blank}. Copies of blank images cannot be recognized: the copy test compares samples with {others}."


def alike_words(blank: int, count: int, first: str) -> str:
    """Say how many of `count` training images are blank, and what that means for duplicates.  first: a name."""
    return (
        f"{_counted(blank, count, 'images', first)}. Blank images look alike whatever they show:"
        " they count as duplicates only if every value is equal."
    )


def _counted(blank: int, count: int, what: str, first: str) -> str:
    """Write `3 of the 40 samples (7.5 %) are blank or nearly so, the first row 12`."""
    verb, name = ("is", printable(first)) if blank == 1 else ("are", f"the first {printable(first)}")
    return f"{blank:,} of the {count:,} {what} ({plain_percent(blank / count)}) {verb} blank or nearly so: {name}"


def faint_words(contrasts: Tensor) -> tuple[str, ...]:
    """Warn if the training images as a whole are faint.  contrasts: (n,), n ≥ 1, of the training images."""
    usual = usual_contrast(contrasts)
    if usual >= FAINT:
        return ()
    return (
        f"The training images are faint: their usual contrast is {usual:.2g} of the range from black to white. Copies with noise"
        f" of {FAINT:g} or more, and some that are shifted or cropped, cannot be told from other images.",
    )
