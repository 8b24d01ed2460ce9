"""Images larger than the working size, and planted copies of them: what full_size.py measures."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from byheart.data.clipart import PLACE, read_clipart
from byheart.data.glyphs import read_glyphs
from byheart.experiments.kinds.audit.populations import population
from byheart.metrics.copying.distortions import (
    DIRECTIONS,
    Step,
    blurred,
    compressed,
    contrasted,
    flipped,
    gained,
    noised,
    rotated,
    rounded,
)
from byheart.metrics.copying.spaces import SIDE
from byheart.random import derive, generator

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["MAIN", "clipart", "glyphs", "planted", "steps"]

MAIN = 13
"""The first so many kinds are those of `metrics.copying.planted`; the others exist at full size only."""

HUGE = 40_000_000  # pixels, as in data.clipart


def steps(side: int) -> dict[str, tuple[Step, ...]]:
    """What is done to images of `side` pixels: lengths are those at the working size times side/32.

    Noise of the main kinds is what it says at full size, and weaker after the reduction; "kept" is as strong after it, but
    for what is clipped at black and white.
    """
    scale = side // SIDE
    return {
        "exact": (),
        "noise-0.05": (noised(0.05),),
        "noise-0.15": (noised(0.15),),
        "shift-1": (moved(scale),),
        "shift-2": (moved(2 * scale),),
        "flip": (flipped,),
        "crop-90": (cut(0.9),),
        "gain-0.8": (gained(0.8),),
        "gain-1.2": (gained(1.2),),
        "contrast-0.7": (contrasted(0.7),),
        "jpeg-50": (compressed(50),),
        "blur-0.8": (blurred(0.8 * scale),),
        "rotation-5": (rotated(5),),
        "shift-0.5": (moved(scale // 2),),
        "shift-1.5": (moved(scale + scale // 2),),
        "noise-0.05 kept": (noised(0.05 * scale),),
        "noise-0.15 kept": (noised(0.15 * scale),),
    }


def planted(name: str, images: Tensor, rows: Tensor, seed: int, fill: float) -> Tensor:
    """Copies (b, c, side, side) in [0, 1] of images (n, c, side, side), bytes, changed at full size.

    rows: (b,) of images.  fill: what comes in at the corners of a rotated image.
    """
    copies = []
    for row in rows.tolist():
        draws, image = generator(derive(seed, "full size", name, row)), images[row].float() / 255
        for step in steps(images.shape[2])[name]:
            image = step(image, draws, fill)
        copies.append(image)
    return rounded(torch.stack(copies))


def moved(pixels: int) -> Step:
    """`distortions.shifted` at any size."""

    def step(x: Tensor, draws: torch.Generator, fill: float) -> Tensor:
        down, right = DIRECTIONS[int(torch.randint(len(DIRECTIONS), (), generator=draws))]
        grid = torch.arange(x.shape[2])
        rows, columns = ((grid - pixels * move).clamp(0, len(grid) - 1) for move in (down, right))
        return x[:, rows][:, :, columns]

    return step


def cut(share: float) -> Step:
    """`distortions.cropped` at any size."""

    def step(x: Tensor, draws: torch.Generator, fill: float) -> Tensor:
        from PIL import Image

        side = x.shape[2]
        room = side * (1 - share)
        left, top = (room * torch.rand(2, generator=draws, dtype=torch.float64)).tolist()
        box = (left, top, left + side - room, top + side - room)
        planes = [Image.fromarray(plane) for plane in (255 * rounded(x)).round().to(torch.uint8).numpy()]
        large = [np.array(one.resize((side, side), Image.Resampling.BICUBIC, box=box)) for one in planes]
        return torch.from_numpy(np.stack(large)).float() / 255

    return step


def glyphs(sides: Sequence[int], cache: Path) -> dict[int, Tensor]:
    """All characters as the font draws them at each size, (k, 1, side, side) bytes."""
    return {side: torch.from_numpy(read_glyphs(size=side).values.copy()) for side in sides}


def clipart(sides: Sequence[int], cache: Path) -> dict[int, Tensor]:
    """Drawings without near-duplicates (the strict set of the planted benchmark) that are at least as large as every size.

    Each (k, 3, side, side) bytes, the same drawings in the same order.  cache: where the strict set is kept.
    """
    small = read_clipart().values
    place = {image.tobytes(): row for row, image in reversed(list(enumerate(small)))}
    strict = (population("clipart_strict", cache) * 255).round().to(torch.uint8).numpy()
    wanted = {place[image.tobytes()] for image in strict}
    found: dict[int, list[np.ndarray]] = {side: [] for side in sides}
    for row, whole in enumerate(_drawings()):
        if row in wanted and max(whole.size) >= max(sides):
            for side, squares in found.items():
                squares.append(_square(whole, side))
    return {side: torch.from_numpy(np.stack(squares)) for side, squares in found.items()}


def _drawings() -> Iterator[Image.Image]:
    """Every drawing on white at its own size, in the order of `read_clipart`."""
    from PIL import Image

    for file in sorted(PLACE.rglob("*.png")):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", Image.DecompressionBombWarning)
                with Image.open(file) as image:
                    if image.width * image.height > HUGE:
                        continue
                    drawn = image.convert("RGBA")
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            continue
        paper = Image.new("RGBA", drawn.size, "white")
        paper.alpha_composite(drawn)
        yield paper.convert("RGB")


def _square(whole: Image.Image, side: int) -> np.ndarray:
    """A drawing in the middle of a white square, (3, side, side) bytes."""
    from PIL import Image

    small = whole.copy()
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    square = Image.new("RGB", (side, side), "white")
    square.paste(small, ((side - small.width) // 2, (side - small.height) // 2))
    return np.ascontiguousarray(np.asarray(square).transpose(2, 0, 1))
