"""Pairs: a sample beside the training image that it matches; the closest pairs first, and some at random."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from contextlib import suppress

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from byheart.analysis.calibration.ranks import q_values
from byheart.auditing.assess import ChannelNumbers
from byheart.auditing.copies import Copies
from byheart.auditing.inputs import Images
from byheart.auditing.inputs.window import windowed
from byheart.auditing.record import ChannelName, Pair, Pose
from byheart.data.images import squared
from byheart.data.raw import Array
from byheart.metrics.copying.copy_test import Matches
from byheart.metrics.copying.distortions import gaussian_blur
from byheart.metrics.copying.local import HALVES
from byheart.metrics.copying.poses import posed
from byheart.metrics.copying.spaces import SIDE, filtered, unit

__all__ = ["SHOWN", "picture", "pose_of", "random_pairs", "renumbered", "worst_pairs"]

SHOWN = 24
"""Pairs whose pictures are kept: of the closest pairs, and of the random pairs."""

_RECORDED = 10_000  # flagged samples that are listed; a result stays a file that can be opened
_RECHECKED = 500  # pairs compared again at full size
_LEAST = 12  # of the closest pairs are listed even if no sample is flagged
_PICTURE = 96  # pixels a side, at most
_LARGE = 256  # pixels a side at which full-size images are compared, at most


def worst_pairs(
    samples: Images, train: Images, found: Copies, numbers: dict[ChannelName, ChannelNumbers]
) -> tuple[Pair, ...]:
    """List every flagged sample of every test, the smallest p-value first; at least 12 pairs of the test `whole`.

    numbers: by test; empty without held-out images, where the highest scores come first.
    """
    listed: list[tuple[float, float, int, ChannelName]] = []
    for name, channel in numbers.items():
        scores = _scores(found, name)
        listed += [
            (float(channel.p[row]), -float(scores[row]), int(row), name)
            for row in np.flatnonzero(channel.flagged)
        ]
    listed.sort()
    named = {row for _, _, row, name in listed if name == "whole"}
    for row in np.argsort(-found.seen.whole, kind="stable")[:_LEAST].tolist():
        if len(listed) < _LEAST and row not in named:
            listed.append((1.0, 0.0, row, "whole"))
    return _pairs(samples, train, found, numbers, [(row, name) for _, _, row, name in listed[:_RECORDED]])


def random_pairs(
    samples: Images, train: Images, found: Copies, numbers: dict[ChannelName, ChannelNumbers], seed: int
) -> tuple[Pair, ...]:
    """Draw samples at random, with their matches, flagged or not."""
    rows = np.random.default_rng(seed).permutation(len(samples))[:SHOWN]
    return _pairs(samples, train, found, numbers, [(int(row), "whole") for row in sorted(rows)])


def _pairs(
    samples: Images,
    train: Images,
    found: Copies,
    numbers: dict[ChannelName, ChannelNumbers],
    chosen: Sequence[tuple[int, ChannelName]],
) -> tuple[Pair, ...]:
    q = {name: q_values(channel.p) for name, channel in numbers.items()}
    return tuple(
        _pair(samples, train, found, row, name, numbers.get(name), q.get(name), at)
        for at, (row, name) in enumerate(chosen)
    )


def _pair(
    samples: Images,
    train: Images,
    found: Copies,
    row: int,
    name: ChannelName,
    channel: ChannelNumbers | None,
    q: NDArray[np.float64] | None,
    at: int,
) -> Pair:
    sources, pose = _sources(found, row, name), pose_of(found.seen, row) if name == "whole" else Pose()
    return Pair(
        sample=row,
        sample_name=samples.names[row],
        train=sources,
        train_names=tuple(train.names[source] for source in sources),
        channel=name,
        pose=pose,
        score=float(_scores(found, name)[row]),
        residual=_residual(found, samples, row, name),
        p=None if channel is None else float(channel.p[row]),
        q=None if q is None else float(q[row]),
        flagged=channel is not None and bool(channel.flagged[row]),
        full_size=_at_full_size(samples, train, row, sources[0], pose)
        if name == "whole" and at < _RECHECKED
        else None,
        sample_picture=picture(samples, row) if at < SHOWN else None,
        train_pictures=tuple(picture(train, source) for source in sources) if at < SHOWN else (),
    )


def _scores(found: Copies, name: ChannelName) -> NDArray[np.float64]:
    scores = {"whole": found.seen.whole, "blend": found.seen.blend, "local": found.seen.local}[name]
    assert scores is not None
    return scores


def _sources(found: Copies, row: int, name: ChannelName) -> tuple[int, ...]:
    kept, seen = found.reference.kept, found.seen.found
    match name:
        case "blend" if seen.blend is not None:
            return tuple(int(kept[source]) for source in seen.blend.sources[row] if source >= 0) or (
                int(found.source[row]),
            )
        case "local" if seen.local is not None and int(seen.local.source[row]) >= 0:
            return (int(kept[seen.local.source[row]]),)
    return (int(found.source[row]),)


def renumbered(
    pairs: tuple[Pair, ...], *, samples: Tensor | None = None, train: Tensor | None = None
) -> tuple[Pair, ...]:
    """Number pairs as in the sets from which some images were taken.

    samples, train: rows (k,) of the images that were taken; None if all images were.
    """
    if samples is None and train is None:
        return pairs
    return tuple(
        pair.model_copy(
            update={
                "sample": pair.sample if samples is None else int(samples[pair.sample]),
                "train": pair.train if train is None else tuple(int(train[row]) for row in pair.train),
            }
        )
        for pair in pairs
    )


def pose_of(seen: Matches, row: int) -> Pose:
    """Say how the training image lies in a sample that `whole` matches: the pose of the orbit ratio, if both name the same image."""
    orbit, noise = seen.found.orbit, seen.found.noise
    if int(orbit.source[row]) != int(seen.source[row]):
        return Pose(flip=bool(noise.flip[row]))  # the noise ratio decided, which knows no other pose
    flip, angle, zoom, dx, dy = orbit.pose[row].tolist()
    return Pose(flip=flip < 0, angle=angle, zoom=zoom, dx=dx, dy=dy, blur=float(orbit.blur[row]))


def _residual(found: Copies, samples: Images, row: int, name: ChannelName) -> float:
    """Return the part of the sample that the match leaves unexplained, in [0, 1] for a good match."""
    seen = found.seen.found
    match name:
        case "blend" if seen.blend is not None:
            return 1 - float(seen.blend.fit[row])
        case "local" if seen.local is not None and int(seen.local.source[row]) >= 0:
            tables, source = found.reference.test.tables, int(seen.local.source[row])
            both = torch.stack([samples.small[row], tables.orbit.train[source]])
            return _of_half(filtered(both, tables.local.response), int(seen.local.half[row]))
        case "whole" if bool(found.seen.by_noise[row]):
            return float(seen.noise.ratio[row])
    return float(seen.orbit.residual[row])


def _of_half(both: Tensor, half: int) -> float:
    """Compute 1 − correlation of one half of two filtered images (2, c, 32, 32)."""
    rows, columns = tuple(HALVES.values())[half]
    first, second = unit(both[:, :, rows, columns], floor=1e-6)
    return 1 - float(first @ second)


def _at_full_size(samples: Images, train: Images, row: int, source: int, pose: Pose) -> float | None:
    """Compute the correlation of the images at their own size, the training image in its pose and blur; None if the images are
    no larger than the working size.
    """
    if min(*samples.shape[1:], *train.shape[1:]) <= SIDE:
        return None
    try:
        both_full = [squared(one.full(at), one.reading.fit) for one, at in ((samples, row), (train, source))]
    except (OSError, ValueError):  # a file is gone since it was read
        return None
    sample, image = (torch.from_numpy(one) for one in both_full)
    side = min(sample.shape[1], image.shape[1], _LARGE)
    if side <= SIDE:
        return None
    both = [interpolate(one[None], size=(side, side), mode="area") for one in (sample, image)]
    turn = torch.tensor(
        [[-1.0 if pose.flip else 1.0, pose.angle, pose.zoom, pose.dx, pose.dy]], dtype=torch.float32
    )
    moved = posed(both[1], turn)
    if pose.blur > 0:
        moved = gaussian_blur(moved, pose.blur * side / SIDE)
    edge = side // 16  # the border of a moved image is unknown
    rows = [unit(one[..., edge : side - edge, edge : side - edge], floor=1e-6)[0] for one in (both[0], moved)]
    return float(rows[0] @ rows[1]) if rows[0].shape == rows[1].shape else None


def picture(images: Images, row: int) -> str:
    """Write an image in its working frame as PNG in base64, at its own size if larger than 32, at most 96 pixels a side."""
    from PIL import Image

    values = images.small[row].numpy()
    if max(images.shape[1:]) > SIDE:
        with suppress(OSError, ValueError):  # the file is gone since it was read
            full = torch.from_numpy(squared(images.full(row), images.reading.fit))
            values = windowed(full, images.window).numpy()
    shown = Image.fromarray(_bytes(values))
    shown.thumbnail((_PICTURE, _PICTURE), Image.Resampling.BOX)
    stream = io.BytesIO()
    shown.save(stream, format="PNG", optimize=True)
    return base64.b64encode(stream.getvalue()).decode()


def _bytes(values: Array) -> Array:
    """Convert (c, h, w) in [0, 1] to (h, w) or (h, w, 3) bytes; with another number of channels the first channel is shown."""
    pixels = (np.clip(values, 0, 1) * 255).round().astype(np.uint8)
    return np.ascontiguousarray(pixels[:3].transpose(1, 2, 0)) if len(pixels) >= 3 else pixels[0]
