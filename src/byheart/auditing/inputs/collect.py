"""From where they lie to the working size: one pass in blocks, so that memory holds the result and one block.

Within a set, grey images among colored ones are repeated to three channels; other mixtures of channels are refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
import torch

from byheart._checks import InputError, printable
from byheart.auditing.inputs.sets import Images, Rows, Ways, What, in_words
from byheart.auditing.inputs.size import SMALLEST, Pad, check_pad, preparation, resized
from byheart.auditing.inputs.vectors import check_varied, vectors
from byheart.data.dataset import fingerprint
from byheart.data.images import opaque, recolored
from byheart.data.raw import Array
from byheart.data.reader.ranges import Ranges
from byheart.data.reader.reading import Reading
from byheart.data.reader.source import Group, Source, by_shape, names_of
from byheart.data.reader.traits import Traits, notes_of
from byheart.data.reader.values import Scale
from byheart.data.reader.vectors import are_vectors
from byheart.data.tables import Block
from byheart.metrics.copying.spaces import SIDE
from byheart.random import derive, generator

__all__ = ["collect"]

MOST_UNREADABLE = 0.05  # above this share the set is no longer the one that was meant
_LISTED = 5


@dataclass
class _Tally:
    """Images and facts that the pass has collected so far.

    small: (n, c, 32, 32), filled as far as `rows`, the rows of the source.  traits: of the rows of `small`.
    """

    small: Array
    rows: list[int] = field(default_factory=list)
    unreadable: list[tuple[int, str]] = field(default_factory=list)
    shapes: Counter[tuple[int, ...]] = field(default_factory=Counter)
    traits: Traits = field(default_factory=Traits)


@dataclass(frozen=True)
class _Ready:
    """How images are made ready; see `collect`."""

    channels: int | None
    pad: Pad
    alone: bool
    certain: bool


def collect(
    source: Source,
    *,
    what: What,
    count: int | None = None,
    seed: int = 0,
    channels: int | None = None,
    pad: Pad = "edge",
    alone: bool = True,
) -> Images | Rows:
    """Read a source whole, or `count` of it drawn at random by `seed`: vectors become Rows, everything else Images.

    channels: 1 or 3, to which all images are brought; None: their own.  pad: see `size`.
    alone: whether the set must be certain by itself.  Else a given white is left out where the set cannot have it, and of
    training and held-out images an uncertain white is kept in `ways`, for the caller to decide.
    Raises InputError for a set that is empty, too small, all the same, not finite, unreadable beyond 5 %, or whose
    values or channels are ambiguous.
    """
    label = f"{in_words(what)} {printable(source.name)}"
    if channels not in (None, 1, 3):
        raise InputError(
            got=f"channels {channels}", need="1 (grey) or 3 (RGB)", remedy="leave it out to keep them"
        )
    check_pad(pad)
    rows = _chosen(label, len(source.names), count, seed)
    blocks = source.blocks(rows)
    first = next(blocks, [])
    if are_vectors(first):
        return vectors(source, label, rows, chain([first], blocks))
    return _images(
        source, label, rows, chain([first], blocks), _Ready(channels, pad, alone, alone or what == "samples")
    )


def _chosen(label: str, available: int, count: int | None, seed: int) -> Array:
    """Choose the rows to read, increasing."""
    if not available:
        raise InputError(got=f"{label}, which holds nothing", need="at least 2", remedy="check the path")
    if count is None:
        return np.arange(available)
    if not 0 < count <= available:
        raise InputError(
            got=f"count {count} of {label}, which holds {available}",
            need=f"from 2 to {available}",
            remedy="leave the count out for all",
        )
    order = torch.randperm(available, generator=generator(derive(seed, "rows", count)))
    return np.sort(order[:count].numpy())


def _images(source: Source, label: str, rows: Array, blocks: Iterable[Block], ready: _Ready) -> Images:
    tally, ranges = _passed(source, label, rows, blocks, ready)
    unreadable = _checked_unreadable(label, source, tally)
    white = source.reading.white
    if not ready.alone and white is not None and not ranges.takes(white):
        plain = source.under(source.reading.but({"white": None}))
        return _images(plain, label, rows, plain.blocks(rows), ready)
    if ready.certain or ranges.uncertain() is None:
        ranges.check()
    small, kept = tally.small[: len(tally.rows)], tally.rows
    check_varied(label, small)
    return Images(
        name=source.name,
        small=torch.from_numpy(small),
        names=names_of(source.names, kept),
        shape=tally.shapes.most_common(1)[0][0],
        resized=_story(tally.shapes, small.shape[1], ready.pad, source.reading),
        unreadable=unreadable,
        fingerprint=fingerprint(small),
        pixels=_pixels(ranges, kept, small.shape[1]),
        place=source.place,
        notes=(*source.notes, *notes_of(tally.traits, source.reading, names_of(source.names, kept))),
        reading=source.reading,
        ways=_ways(source, label, tally, ranges, ready),
    )


def _ways(source: Source, label: str, tally: _Tally, ranges: Ranges, ready: _Ready) -> Ways:
    kept = np.array(tally.rows)

    def again(reading: Reading) -> Images:
        other, rows = source.under(reading), np.sort(np.append(kept, [row for row, _ in tally.unreadable]))
        rows = rows.astype(np.int64)
        return _images(other, label, rows, other.blocks(rows), ready)

    def some(reading: Reading, rows: Array) -> Array:
        other = source.under(reading)
        seen, _ = _passed(other, label, kept[rows], other.blocks(kept[rows]), ready)
        if len(seen.rows) < len(rows):
            raise InputError(
                got=f"{label}, of which some could be read once, and not again",
                need="files that stay as they are",
                remedy="wait until nothing writes there any more",
            )
        return seen.small

    return Ways(tally.traits, ranges.uncertain() if source.reading.white is None else None, again, some)


def _passed(
    source: Source, label: str, rows: Array, blocks: Iterable[Block], ready: _Ready
) -> tuple[_Tally, Ranges]:
    """Read these rows once, in blocks."""
    ranges, at = Ranges(label, source), 0
    tally = _Tally(np.empty((len(rows), 0, SIDE, SIDE), np.float32))
    for block in blocks:
        _take(tally, ranges, rows[at : at + len(block)], block, ready)
        at += len(block)
    return tally, ranges


def _take(tally: _Tally, ranges: Ranges, rows: Array, block: Block, ready: _Ready) -> None:
    """Bring a block's images to the working size, in order, and note what could not be read."""
    source = ranges.source
    groups, reasons = _groups(block)
    tally.unreadable += [(int(rows[place]), reason) for place, reason in reasons]
    good = np.sort(np.concatenate([group.places for group in groups])) if groups else np.empty(0, int)
    start = len(tally.rows)
    tally.rows += rows[good].tolist()
    for group in groups:
        scale = ranges.meet(group.values, names_of(source.names, rows[group.places]))
        tally.shapes[group.values.shape[1:]] += len(group.values)
        places, lifted = start + np.searchsorted(good, group.places), scale.lifted(group.values)
        tally.traits.meet(places, group, _clear(scale, lifted, ready.channels))
        small = resized(
            _without_alpha(scale, lifted, ready.channels, source.reading), ready.pad, source.reading.fit
        )
        if ready.channels is not None:
            small = recolored(small, ready.channels)
        _put(tally, ranges.label, places, scale.grey(small))


def _clear(scale: Scale, lifted: Array, channels: int | None) -> Array | None:
    """Say which images (b, c, h, w) have transparent pixels in an alpha channel that is to be removed."""
    if channels is None or lifted.shape[1] not in (2, 4):
        return None
    return np.asarray((lifted[:, -1] < scale.white - scale.black).any((1, 2)))


def _without_alpha(scale: Scale, lifted: Array, channels: int | None, reading: Reading) -> Array:
    """Remove the transparency of images (…, c, h, w) with 0 as black, where 1 or 3 channels are asked."""
    white = scale.white - scale.black
    return opaque(lifted, white, reading.transparency) if channels in (1, 3) else lifted


def _groups(block: Block) -> tuple[list[Group], list[tuple[int, str]]]:
    """Stack the items of a block by shape and type; the other items are listed with their places and the reason."""
    stacked, reasons = by_shape(block)
    groups = []
    for group in stacked:
        height, width = group.values.shape[-2:]
        if group.values.ndim == 4 and min(height, width) < SMALLEST:
            reasons += [(int(place), f"{width}×{height} pixels, below {SMALLEST}") for place in group.places]
        else:
            groups.append(group)
    return groups, sorted(reasons)


def _put(tally: _Tally, label: str, places: Array, small: Array) -> None:
    """Store images at the working size; grey and RGB meet in three channels."""
    held, come = tally.small.shape[1], small.shape[1]
    if not held:
        tally.small = np.empty((len(tally.small), come, SIDE, SIDE), np.float32)
    elif held != come and {held, come} != {1, 3}:
        raise InputError(
            got=f"{label} with images of {held} and of {come} channels",
            need="one number of channels, or grey among RGB",
            remedy="give --channels 1 or --channels 3",
        )
    elif held < come:
        tally.small = np.repeat(tally.small, 3, axis=1)
    tally.small[places] = small  # one channel spreads over three


def _checked_unreadable(label: str, source: Source, tally: _Tally) -> tuple[tuple[str, str], ...]:
    """List name and reason of images that could not be read.  Raises InputError for more than 5 %, or fewer than 2 readable images."""
    bad, good = tally.unreadable, len(tally.rows)
    named = tuple((source.names[row], reason) for row, reason in bad)
    if len(bad) > MOST_UNREADABLE * (len(bad) + good) or (bad and good < 2):
        listed = ", ".join(f"{printable(name)} ({reason})" for name, reason in named[:_LISTED])
        more = f" and {len(bad) - _LISTED} more" if len(bad) > _LISTED else ""
        raise InputError(
            got=f"{label}, of which {len(bad):,} of {len(bad) + good:,} cannot be read: {listed}{more}",
            need=f"at most {MOST_UNREADABLE:.0%} that cannot be read, and 2 that can",
            remedy="repair or remove these",
        )
    return named


def _story(shapes: Counter[tuple[int, ...]], channels: int, pad: Pad, reading: Reading) -> str:
    """Say what was done to images of these shapes."""
    done: Counter[str] = Counter()
    for (_, height, width), count in shapes.items():
        done[preparation(height, width, pad, reading.fit)] += count
    total = done.total()
    if len(done) == 1:
        words = next(iter(done))
    else:
        words = "; ".join(f"{count:,} of {total:,} {kind}" for kind, count in done.most_common())
    for come in sorted({shape[0] for shape in shapes} - {channels}):
        count = sum(shapes[shape] for shape in shapes if shape[0] == come)
        how = "repeated to" if come == 1 else "brought to"
        words += f"; {count:,} of {total:,} {how} {channels} channel{'s' if channels > 1 else ''}"
    return words


def _pixels(ranges: Ranges, rows: Sequence[int], channels: int) -> Callable[[int], Array]:
    """Make the function that reads one image of the set again at its own size."""

    def full(row: int) -> Array:
        values = ranges.source.read(rows[row])
        scale = ranges.known(values.dtype)
        lifted = _without_alpha(scale, scale.lifted(values), channels, ranges.source.reading)
        return scale.grey(recolored(lifted, channels) if channels in (1, 3) else lifted)

    return full
