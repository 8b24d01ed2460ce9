"""Test copies (planted copies in the code): training images changed as models and files change images, by name.

    name                what is done                                             channel   group
    -----------------------------------------------------------------------------------------------
    exact               nothing                                                  whole     main
    noise-0.05, -0.15   normal noise of that standard deviation                  whole     main
    shift-1, -2         pixels, in one of eight directions, edge repeated        whole     main
    flip                left and right exchanged                                 whole     main
    crop-90             90 % of the side, anywhere, back to full size            whole     main
    gain-0.8, -1.2      brightness times, clipped                                whole     main
    contrast-0.7        about the middle of the range                            whole     main
    jpeg-50             JPEG of quality 50, 4:2:0                                whole     main
    blur-0.8            Gaussian, pixels                                         whole     main
    rotation-5          degrees, to either side                                  whole     main
    blend               mean of two training images                              blend     blend
    collage             one half (of four) from another training image           local     local
    flip-crop-noise     flip, crop-90, noise-0.05                                whole     compound
    jpeg-shift-gain     jpeg-50, shift-1, gain-0.8                               whole     compound
    crop-80, rotation-10, noise-0.30, inversion                                  whole     outside

A corrected share of copies assumes that the thirteen kinds of the group main are equally frequent.  The kinds outside lie beyond
the poses that are searched: their rows in the detection table say what the test misses.  All are rounded to 8 bits at the end.

Every copy has a random stream of its own, named by (seed, name, row): the copy does not depend on the other copies, and the
same row under the same name and seed is the same image.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import torch
from torch import Tensor

from byheart._checks import InputError, unknown
from byheart.metrics.copying.choices import check_values, chosen_rows
from byheart.metrics.copying.distortions import (
    Step,
    blurred,
    compressed,
    contrasted,
    cropped,
    flipped,
    gained,
    inverted,
    noised,
    rotated,
    rounded,
    shifted,
)
from byheart.metrics.copying.spaces import SIDE, check_images
from byheart.random import derive, generator

__all__ = ["CLOSE", "PLANTED", "PlantedCopies", "Planting", "near_duplicates", "plant"]

Channel = Literal["whole", "blend", "local"]
Group = Literal["main", "blend", "local", "compound", "outside"]

HALF = SIDE // 2
HALVES = (  # rows and columns of the half that comes from the other image: left, right, top, bottom
    (slice(None), slice(HALF)),
    (slice(None), slice(HALF, None)),
    (slice(HALF), slice(None)),
    (slice(HALF, None), slice(None)),
)


@dataclass(frozen=True)
class Planting:
    """A kind of test copy.  channel: the test that should find this kind.  steps: the changes of the image, in order."""

    name: str
    channel: Channel
    group: Group
    steps: tuple[Step, ...] = ()

    @property
    def main(self) -> bool:
        """Say whether this kind is one of the thirteen that the corrected share assumes."""
        return self.group == "main"


@dataclass(frozen=True, eq=False)
class PlantedCopies:
    """images: (b, c, 32, 32) in [0, 1].  sources: (b, 2) rows of the training images in them, −1 where there is no second."""

    images: Tensor
    sources: Tensor


_ALL = (
    Planting("exact", "whole", "main"),
    Planting("noise-0.05", "whole", "main", (noised(0.05),)),
    Planting("noise-0.15", "whole", "main", (noised(0.15),)),
    Planting("shift-1", "whole", "main", (shifted(1),)),
    Planting("shift-2", "whole", "main", (shifted(2),)),
    Planting("flip", "whole", "main", (flipped,)),
    Planting("crop-90", "whole", "main", (cropped(0.9),)),
    Planting("gain-0.8", "whole", "main", (gained(0.8),)),
    Planting("gain-1.2", "whole", "main", (gained(1.2),)),
    Planting("contrast-0.7", "whole", "main", (contrasted(0.7),)),
    Planting("jpeg-50", "whole", "main", (compressed(50),)),
    Planting("blur-0.8", "whole", "main", (blurred(0.8),)),
    Planting("rotation-5", "whole", "main", (rotated(5),)),
    Planting("blend", "blend", "blend"),
    Planting("collage", "local", "local"),
    Planting("flip-crop-noise", "whole", "compound", (flipped, cropped(0.9), noised(0.05))),
    Planting("jpeg-shift-gain", "whole", "compound", (compressed(50), shifted(1), gained(0.8))),
    Planting("crop-80", "whole", "outside", (cropped(0.8),)),
    Planting("rotation-10", "whole", "outside", (rotated(10),)),
    Planting("noise-0.30", "whole", "outside", (noised(0.3),)),
    Planting("inversion", "whole", "outside", (inverted,)),
)

PLANTED: Mapping[str, Planting] = MappingProxyType({each.name: each for each in _ALL})

CLOSE = tuple(PLANTED)[:11]
"""The eleven kinds, exact to jpeg-50, whose scores say how a copy looks when a population is checked for near-duplicates."""


def plant(
    name: str, train: Tensor, rows: Tensor | Sequence[int], seed: int, fill: float = 0.0
) -> PlantedCopies:
    """Make copies of the training images `rows` (b,), changed as PLANTED[name] says.

    train: (n, c, 32, 32) in [0, 1].  fill: value at the corners of a rotated image, 0 for black to 1 for white.
    The second image of a blend or a collage is another row of train, each equally likely.
    Raises InputError for an unknown name, rows outside train, values or a fill outside [0, 1], and n < 2 where two are mixed.
    """
    if name not in PLANTED:
        raise unknown("a planted copy named", name, PLANTED, remedy="correct the name")
    planting = PLANTED[name]
    check_images("train", train)
    chosen = chosen_rows("train", rows, len(train))
    check_values("train", train[chosen.to(train.device)])
    _check_settings(fill, len(train), 1 if planting.channel == "whole" else 2)
    images, sources = [], []
    for row in chosen.tolist():
        draws = generator(derive(seed, "planted", name, row))
        image, second = train[row].float().cpu(), -1
        if planting.channel != "whole":
            second = _another(row, len(train), draws)
            image = _mixed(planting.channel, image, train[second].float().cpu(), draws)
        for step in planting.steps:
            image = step(image, draws, fill)
        images.append(image)
        sources.append((row, second))
    return PlantedCopies(rounded(torch.stack(images)), torch.tensor(sources, dtype=torch.int64))


def near_duplicates(train: Tensor, seed: int) -> Tensor:
    """Make a near copy of every training image, (n, c, 32, 32): shifted by 1 pixel, times 0.95, noise of 0.02."""
    check_images("train", train)
    check_values("train", train)
    images = []
    for row, image in enumerate(train.float().cpu()):
        draws = generator(derive(seed, "near duplicate", row))
        for step in (shifted(1), gained(0.95), noised(0.02)):
            image = step(image, draws, 0.0)
        images.append(image)
    return rounded(torch.stack(images))


def _another(row: int, count: int, draws: torch.Generator) -> int:
    other = int(torch.randint(count - 1, (), generator=draws))
    return other + (other >= row)


def _mixed(channel: Channel, image: Tensor, other: Tensor, draws: torch.Generator) -> Tensor:
    if channel == "blend":
        return (image + other) / 2
    rows, columns = HALVES[int(torch.randint(len(HALVES), (), generator=draws))]
    image = image.clone()
    image[:, rows, columns] = other[:, rows, columns]
    return image


def _check_settings(fill: float, count: int, least: int) -> None:
    if not (0 <= fill <= 1 and count >= least):
        raise InputError(
            got=f"a fill of {fill} and {count} training images",
            need=f"a fill in [0, 1] and at least {least}",
            remedy="fill with 0 for black or 1 for white; two images are mixed only where there are two",
        )
