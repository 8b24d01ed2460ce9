"""dedup(train): which images of a training set are duplicates, and how many distinct images are left."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from byheart._checks import InputError, check_default_device, printable
from byheart.auditing.blanks import alike_words, faint_words
from byheart.auditing.dedup_result import DedupResult
from byheart.auditing.inputs import Images, Rows, gather
from byheart.auditing.inputs.sets import in_words
from byheart.auditing.inputs.window import framed, stretched
from byheart.auditing.pairs import picture, pose_of
from byheart.auditing.provenance import source_of, versions
from byheart.auditing.record import Cluster, Member, Pose
from byheart.auditing.sets import Tell, check_counts, silent
from byheart.auditing.stored.duplicates import NOT_TOLD, stored_duplicates
from byheart.auditing.stored.train import Stored, searching, trained_on
from byheart.data.reader.reading import USUAL, Fit, Orientation, Transparency, asked
from byheart.metrics.copying.blank import contrast, least_contrast
from byheart.metrics.copying.card import copy_level, sensitivity_card
from byheart.metrics.copying.clusters import clusters, equal_groups, same_groups
from byheart.metrics.copying.copy_test import Matches, copy_test
from byheart.metrics.copying.groups import grouped
from byheart.metrics.copying.planted import CLOSE
from byheart.metrics.copying.scores import LEAST
from byheart.random import derive

__all__ = ["dedup"]

_PICTURED = 60  # clusters of which pictures are kept for the page
_MEMBERS = 8  # of each of them
_ALIKE = "a correlation of 0.999"
_MEANING = (
    "the similarity score that 95 % of close test copies reach (copies that byheart makes itself: exact, noisy, shifted by up to 2"
    " pixels of 32, flipped, cropped to 90 %, with other brightness or contrast, or as JPEG of quality 50)"
)


def dedup(
    train: Any,
    *,
    channels: int | None = None,
    planted: int = 40,
    queries: int = 600,
    seed: int = 0,
    pad: Literal["edge", "zero"] = "edge",
    tell: Tell = silent,
    executor: Literal["local", "ray"] = "local",
    workers: int | None = None,
    address: str | None = None,
    checkpoints: Path | str | None = None,
    orientation: Orientation | None = None,
    fit: Fit | None = None,
    transparency: Transparency | None = None,
    white: int | None = None,
) -> DedupResult:
    """Find the clusters of duplicates of a training set, by the score that finds copies (see metrics.copying.clusters).

    train: as in `audit`, images only.  channels: 1 or 3, to which all images are converted.  planted: number of test copies of
    each kind, whose scores say what a duplicate looks like.  queries: number of images that are compared with the others to
    learn which similarity is rare.  seed: Random seed; the same seed gives the same result.
    tell: is called with the name of a stage, how much of the stage is done, and of how much.
    executor, workers, address, checkpoints: of a set in shards, as in `audit`.
    orientation, fit, transparency, white: how pictures are read that can be read in two ways, see `data.reader.reading`.
    Images that are blank compared with the others are counted and named, and are duplicates only if every value is equal.
    With fewer than 34 different images, and in shards of more than 2,000, only equal and nearly equal images are found.
    Raises InputError for sets that cannot be read, and for features.
    """
    check_default_device()
    began = time.perf_counter()
    check_counts(planted, queries)
    tell("reading the images", 0, 1)
    by = searching(executor, workers, address, checkpoints)
    given = asked(orientation, fit, transparency, white)
    stored = trained_on(train, by, channels=channels, tell=tell)
    _check_readable(stored, given)
    if stored is not None and stored.are_images and not stored.is_small:
        return _of_stored(stored, seed, began)
    if stored is None:
        images = gather(train, what="train", channels=channels, pad=pad, reading=USUAL.but(given))
    else:
        images = stored.beginning()
    return _of_images(images, planted, queries, seed, tell, began)


def _of_images(
    images: Images | Rows, planted: int, queries: int, seed: int, tell: Tell, began: float
) -> DedupResult:
    """Deduplicate a set in memory.  Raises InputError for features."""
    if not isinstance(images, Images):
        raise InputError(
            got=f"features of {images.shape[0]} numbers",
            need="images: features say nothing of poses",
            remedy="pass the folder of images",
        )
    (images,) = stretched([images])
    contrasts = contrast(images.small)
    known = _Known.of(images.small, contrasts >= least_contrast(contrasts))
    enough = len(known.kept) >= LEAST
    found = _searched(images, known, planted, queries, seed, tell) if enough else _Found(known, known.same)
    blank = [images.names[row] for row in (~known.told).nonzero()[:, 0].tolist()]
    clusters = tuple(
        _cluster(images, members, found, pictured=at < _PICTURED)
        for at, members in enumerate(grouped(found.groups))
    )
    return DedupResult(
        source=source_of(images, blank),
        distinct=int((found.groups == torch.arange(len(images))).sum()),
        exact=int((known.equal != torch.arange(len(images))).sum()),
        threshold=found.level,
        meaning=_MEANING if enough else f"{_ALIKE} (there were too few images to learn more)",
        seed=seed,
        clusters=clusters,
        warnings=(*_warnings(images, blank, enough=enough), *faint_words(contrasts)),
        versions=versions(),
        seconds=round(time.perf_counter() - began, 1),
    )


def _check_readable(stored: Stored | None, given: Mapping[str, object]) -> None:
    """Raise InputError for settings of the reading of a set in shards."""
    if stored is not None and given:
        raise InputError(
            got=f"{', '.join(given)} with a set in shards",
            need="files of pictures: of shards the reading was fixed when they were written",
            remedy=f"leave {', '.join(given)} out, or write the shards again",
        )


def _of_stored(train: Stored, seed: int, began: float) -> DedupResult:
    found, rows = stored_duplicates(train, pictured=_PICTURED, members=_MEMBERS), torch.arange(len(train))
    blank = [train.names[row] for row in found.blank.tolist()]
    return DedupResult(
        source=source_of(train, blank),
        distinct=int((found.groups == rows).sum()),
        exact=int((found.equal != rows).sum()),
        threshold=None,
        meaning=f"{_ALIKE} (for a set in shards nothing more is learned)",
        seed=seed,
        clusters=found.clusters,
        warnings=(
            *_notes(train),
            NOT_TOLD,
            *((alike_words(len(blank), len(train), blank[0]),) if blank else ()),
        ),
        versions=versions(),
        seconds=round(time.perf_counter() - began, 1),
    )


@dataclass(frozen=True, eq=False)
class _Known:
    """Duplicates that need no search.

    told: (n,) whether an image is not blank.  equal, same: (n,) groups; blank images are the same only where they are equal.
    kept: (k,) the first image of each group of `same`, without blank ones.
    """

    told: Tensor
    equal: Tensor
    same: Tensor
    kept: Tensor

    @staticmethod
    def of(images: Tensor, told: Tensor) -> _Known:
        equal = equal_groups(images)
        told = told[equal]  # equal images are all blank or none of them, however their contrasts are rounded
        rows, same = told.nonzero()[:, 0], equal.clone()
        if len(rows):
            inner = torch.searchsorted(rows, equal[rows])
            same[rows] = rows[same_groups(images[rows], inner)]
        return _Known(told, equal, same, rows[same[rows] == rows])


@dataclass(frozen=True, eq=False)
class _Found:
    """Clusters (n,) in `groups`.  level: score from which two images are duplicates; seen: (k,) leave-one-out matches of `kept`."""

    known: _Known
    groups: Tensor
    level: float | None = None
    seen: Matches | None = None


def _searched(images: Images, known: _Known, planted: int, queries: int, seed: int, tell: Tell) -> _Found:
    """Compare every image with all others, in every pose."""
    kept = known.kept

    def at(stage: str, total: int) -> Callable[[int], None]:
        return lambda done: tell(stage, min(done, total), total)

    test = copy_test(
        images.small[kept],
        seed=derive(seed, "copy test"),
        queries=queries,
        tell=at("comparing images with each other", min(queries, len(kept))),
    )
    told = at("scoring test copies", len(CLOSE))
    level = copy_level(
        sensitivity_card(test, seed=derive(seed, "card"), count=planted, names=CLOSE, tell=told)
    )
    found = clusters(test, level, at("searching for duplicates", len(kept)))
    groups = known.same.clone()
    groups[known.told] = kept[found.groups][torch.searchsorted(kept, known.same[known.told])]
    return _Found(known, groups, level, found.seen)


def _notes(of: Images | Stored) -> list[str]:
    """Say what the reader did or left out, with the name of the set."""
    return [f"{printable(of.name)}: {note}" for note in of.notes]


def _warnings(images: Images, blank: list[str], *, enough: bool) -> list[str]:
    found = [*_notes(images), *framed({in_words("train"): images})]
    if blank:
        found.append(alike_words(len(blank), len(images), blank[0]))
    if images.unreadable:
        found.append(f"{len(images.unreadable):,} files could not be read and are left out.")
    if not enough:
        found.append(
            f"With fewer than {LEAST} different images only equal and nearly equal images can be found."
        )
    return found


def _cluster(images: Images, members: Tensor, found: _Found, *, pictured: bool) -> Cluster:
    listed = tuple(
        _member(images, row, found, pictured=pictured and at < _MEMBERS)
        for at, row in enumerate(members.tolist())
    )
    return Cluster(representative=listed[0].name, members=listed)


def _member(images: Images, row: int, found: _Found, *, pictured: bool) -> Member:
    """Make the record of a member: the first image that equals or nearly equals the member, else the best match if close enough."""
    name, shown = images.names[row], picture(images, row) if pictured else None
    for group, exact in ((found.known.equal, True), (found.known.same, False)):
        if (first := int(group[row])) != row:
            return Member(name=name, source=images.names[first], exact=exact, picture=shown)
    at, seen = int(torch.searchsorted(found.known.kept, row)), found.seen
    blank = not bool(found.known.told[row])
    if blank or seen is None or found.level is None or seen.whole[at] < found.level:
        return Member(name=name, picture=shown)
    source = images.names[int(found.known.kept[seen.source[at]])]
    pose: Pose = pose_of(seen, at)
    return Member(name=name, score=float(seen.whole[at]), source=source, pose=pose, picture=shown)
