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
from byheart.auditing.inputs.sets import Images, Rows, What, in_words
from byheart.auditing.inputs.size import SMALLEST, Pad, check_pad, preparation, resized
from byheart.auditing.inputs.vectors import check_varied, vectors
from byheart.data.dataset import fingerprint
from byheart.data.images import opaque, recolored
from byheart.data.raw import Array
from byheart.data.reader.ranges import Ranges
from byheart.data.reader.source import Source, by_shape, names_of
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
    """What the pass has met so far.

    small: (n, c, 32, 32), filled as far as `rows`, the rows of the source.
    """

    small: Array
    rows: list[int] = field(default_factory=list)
    unreadable: list[tuple[int, str]] = field(default_factory=list)
    shapes: Counter[tuple[int, ...]] = field(default_factory=Counter)


def collect(
    source: Source,
    *,
    what: What,
    count: int | None = None,
    seed: int = 0,
    channels: int | None = None,
    pad: Pad = "edge",
) -> Images | Rows:
    """Read a source whole, or `count` of it drawn at random by `seed`: vectors become Rows, everything else Images.

    channels: 1 or 3, to which all images are brought; None: their own.  pad: see `size`.
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
    return _images(source, label, rows, chain([first], blocks), channels, pad)


def _chosen(label: str, available: int, count: int | None, seed: int) -> Array:
    """The rows to read, increasing."""
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


def _images(
    source: Source, label: str, rows: Array, blocks: Iterable[Block], channels: int | None, pad: Pad
) -> Images:
    ranges, at = Ranges(label, source), 0
    tally = _Tally(np.empty((len(rows), 0, SIDE, SIDE), np.float32))
    for block in blocks:
        _take(tally, ranges, rows[at : at + len(block)], block, channels, pad)
        at += len(block)
    unreadable = _checked_unreadable(label, source, tally)
    ranges.check()
    small, kept = tally.small[: len(tally.rows)], tally.rows
    check_varied(label, small)
    return Images(
        name=source.name,
        small=torch.from_numpy(small),
        names=names_of(source.names, kept),
        shape=tally.shapes.most_common(1)[0][0],
        resized=_story(tally.shapes, small.shape[1], pad),
        unreadable=unreadable,
        fingerprint=fingerprint(small),
        pixels=_pixels(ranges, kept, small.shape[1]),
        place=source.place,
    )


def _take(tally: _Tally, ranges: Ranges, rows: Array, block: Block, channels: int | None, pad: Pad) -> None:
    """Bring a block's images to the working size, in order, and note what could not be read."""
    source = ranges.source
    groups, reasons = _groups(block)
    tally.unreadable += [(int(rows[place]), reason) for place, reason in reasons]
    good = np.sort(np.concatenate([places for places, _ in groups])) if groups else np.empty(0, int)
    start = len(tally.rows)
    tally.rows += rows[good].tolist()
    for places, values in groups:
        scale = ranges.meet(values, names_of(source.names, rows[places]))
        tally.shapes[values.shape[1:]] += len(values)
        small = resized(_without_alpha(scale, values, channels), pad)
        if channels is not None:
            small = recolored(small, channels)
        _put(tally, ranges.label, start + np.searchsorted(good, places), scale.grey(small))


def _without_alpha(scale: Scale, values: Array, channels: int | None) -> Array:
    """Images (…, c, h, w) with 0 as black, on white where 1 or 3 channels are asked."""
    lifted = scale.lifted(values)
    return opaque(lifted, scale.white - scale.black) if channels in (1, 3) else lifted


def _groups(block: Block) -> tuple[list[tuple[Array, Array]], list[tuple[int, str]]]:
    """Items of a block stacked by shape and type, with their places in it; and why others are in none."""
    stacked, reasons = by_shape(block)
    groups = []
    for places, values in stacked:
        height, width = values.shape[-2:]
        if values.ndim == 4 and min(height, width) < SMALLEST:
            reasons += [(int(place), f"{width}×{height} pixels, below {SMALLEST}") for place in places]
        else:
            groups.append((places, values))
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
    """Name and reason of what could not be read.  Raises InputError if that is more than 5 %, or fewer than 2 are left."""
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


def _story(shapes: Counter[tuple[int, ...]], channels: int, pad: Pad) -> str:
    """What was done to images of these shapes, in words."""
    done: Counter[str] = Counter()
    for (_, height, width), count in shapes.items():
        done[preparation(height, width, pad)] += count
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
    """How one image of the set is read again at its own size."""

    def full(row: int) -> Array:
        values = ranges.source.read(rows[row])
        scale = ranges.known(values.dtype)
        lifted = _without_alpha(scale, values, channels)
        return scale.grey(recolored(lifted, channels) if channels in (1, 3) else lifted)

    return full
