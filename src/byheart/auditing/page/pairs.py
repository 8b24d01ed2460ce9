"""Pairs of a sample and the training image it matches, with the pose drawn.

A sample that copies a training image x in a pose shows, at the centered place w (pixels, x to the right, y down),

    x(v),    v = zoom · F R(−angle) w − δ,    and so    w = R(angle) F (v + δ) / zoom

(F the flip, R the rotation, δ = (dx, dy)).  The first draws the sample's frame on the training image, the second lays the
training image into the sample's frame.  Both are drawn on the central square of a picture, which is what is compared.
"""

from __future__ import annotations

import math
from base64 import b64decode
from binascii import Error
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from byheart.auditing.page.words import pose_words
from byheart.report.images import LARGEST, png_uri
from byheart.report.words import number

if TYPE_CHECKING:
    from byheart.auditing.record import Pair, Pose

__all__ = ["SIDE", "PairView", "Picture", "frame", "laid", "pair_views", "picture", "pictures", "shown"]

SIDE = 32  # pixels of the working size, in which poses are told
_CRISP = 48  # pictures up to this side are shown pixel by pixel
_SIDES = (128, 96, LARGEST, 48, 32)
_BUDGET = 2_500_000  # bytes of all pictures of a page together


@dataclass(frozen=True)
class Picture:
    """uri: PNG.  name: of the image.  crisp: whether its pixels are to be seen one by one."""

    uri: str
    name: str
    crisp: bool


@dataclass(frozen=True)
class PairView:
    """One pair, ready to show.

    lead, says: what the sample is flagged as, if it is; how the training image lies in the sample.  numbers: name and value.
    frame: corners of the sample in the training image, for SVG, clockwise from the upper left corner (as the sample has them);
    empty if both are the same.  laid: SVG transform of the
    training image into the sample.
    """

    number: str
    sample_name: str
    train_names: tuple[str, ...]
    sample: Picture | None
    train: tuple[Picture, ...]
    lead: str
    says: str
    numbers: tuple[tuple[str, str], ...]
    flagged: bool
    frame: str
    laid: str


def pair_views(*groups: Sequence[Pair]) -> list[list[PairView]]:
    """Make views of the pairs of each group, with pictures as large as their number allows.

    A picture that cannot be read is left out: the names stay.
    """
    texts = [
        text
        for group in groups
        for pair in group
        for text in (pair.sample_picture, *pair.train_pictures)
        if text is not None
    ]
    arrays = {text: picture(text) for text in texts}
    uris = dict(zip(arrays, pictures(list(arrays.values())), strict=True))

    def found(text: str | None, name: str) -> Picture | None:
        array = None if text is None else arrays[text]
        return None if text is None or array is None else shown(uris[text], name, array)

    return [[_view(pair, found) for pair in group] for group in groups]


def _view(pair: Pair, found: Callable[[str | None, str], Picture | None]) -> PairView:
    train = (found(text, name) for text, name in zip(pair.train_pictures, pair.train_names, strict=False))
    posed = len(pair.train) == 1 and pair.channel == "whole" and _is_posed(pair.pose)
    return PairView(
        number=f"{pair.sample:,}",
        sample_name=pair.sample_name,
        train_names=pair.train_names,
        sample=found(pair.sample_picture, pair.sample_name),
        train=tuple(one for one in train if one is not None),
        lead=_lead(pair),
        says=_says(pair),
        numbers=_numbers(pair),
        flagged=pair.flagged,
        frame=frame(pair.pose) if posed else "",
        laid=laid(pair.pose) if posed else "",
    )


def _lead(pair: Pair) -> str:
    if pair.flagged:
        return {"whole": "Flagged as a copy", "blend": "Flagged as a mixture", "local": "Flagged in part"}[
            pair.channel
        ]
    return "Closest match" if pair.p is None else "Not flagged; closest match"


def _says(pair: Pair) -> str:
    says = {"blend": "these two training images, laid over each other", "local": "one half of the sample"}
    return says.get(pair.channel) or f"training image {pose_words(pair.pose)}"


def _numbers(pair: Pair) -> tuple[tuple[str, str], ...]:
    found = (
        ("score", number(pair.score)),
        ("p", number(pair.p)),
        ("q", number(pair.q)),
        ("at full size", number(pair.full_size)),
    )
    return tuple((name, text) for name, text in found if text != "–")


def _is_posed(pose: Pose) -> bool:
    return pose_words(pose.model_copy(update={"blur": 0.0})) != "in the same pose"


def frame(pose: Pose) -> str:
    """Write the corners of the sample's frame in the training image, as SVG `points`."""
    half = SIDE / 2
    cos, sin = math.cos(math.radians(pose.angle)), math.sin(math.radians(pose.angle))
    corners = []
    for x, y in ((-half, -half), (half, -half), (half, half), (-half, half)):
        across, down = pose.zoom * (cos * x + sin * y), pose.zoom * (cos * y - sin * x)
        corners.append((half + (-across if pose.flip else across) - pose.dx, half + down - pose.dy))
    return " ".join(f"{x:.2f},{y:.2f}" for x, y in corners)


def laid(pose: Pose) -> str:
    """Write the SVG transform that lays the training image into the sample's frame."""
    half, scale = SIDE / 2, 1 / pose.zoom
    flip = -scale if pose.flip else scale
    return (
        f"translate({half:g} {half:g}) rotate({pose.angle:.2f}) scale({flip:.4f} {scale:.4f}) "
        f"translate({pose.dx - half:.2f} {pose.dy - half:.2f})"
    )


def picture(text: str | None) -> NDArray[np.uint8] | None:
    """Read the pixels of a PNG in base64, grey or RGB; None where there is no picture, or it cannot be read."""
    from PIL import Image

    if not text:
        return None
    try:
        with Image.open(BytesIO(b64decode(text, validate=True)), formats=["PNG"]) as opened:
            return np.asarray(opened if opened.mode == "L" else opened.convert("RGB"))
    except (OSError, SyntaxError, ValueError, Error, Image.DecompressionBombError):
        return None


def pictures(arrays: Sequence[NDArray[np.uint8] | None]) -> list[str]:
    """Write data URIs of the pictures, as large as keeps all pictures together light; empty for None."""
    tried = (_within(arrays, side) for side in _SIDES[:-1])
    return next((uris for uris in tried if uris is not None), None) or _encoded(arrays, _SIDES[-1])


def _within(arrays: Sequence[NDArray[np.uint8] | None], side: int) -> list[str] | None:
    """Write the data URIs; None as soon as they are too heavy together."""
    total, uris = 0, []
    for array in arrays:
        uris += _encoded([array], side)
        total += len(uris[-1])
        if total > _BUDGET:
            return None
    return uris


def _encoded(arrays: Sequence[NDArray[np.uint8] | None], side: int) -> list[str]:
    return ["" if array is None else png_uri(array, side) for array in arrays]


def shown(uri: str, name: str, array: NDArray[np.uint8]) -> Picture:
    """Make the view of a picture under its name; a small picture is shown pixel by pixel."""
    return Picture(uri, name, max(array.shape[:2]) <= _CRISP)
