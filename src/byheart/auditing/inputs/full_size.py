"""Images at their own size, read again from where they lie: what a model is asked about."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from byheart._checks import InputError
from byheart.auditing.inputs.sets import Images
from byheart.random import derive, generator

__all__ = ["drawn_pixels", "pixels_of"]


def drawn_pixels(one: Images, count: int, seed: int) -> Tensor:
    """Draw images fairly, at their own size: (b, c, h, w) in [0, 1].  Raises InputError as `pixels_of` does."""
    rows = torch.randperm(len(one), generator=generator(derive(seed, "drawn", one.name)))[:count]
    return pixels_of(one, rows.tolist())


def pixels_of(one: Images, rows: Iterable[int]) -> Tensor:
    """Read images at their own size, (b, c, h, w) in [0, 1].  Raises InputError where they are of several sizes."""
    images = [torch.from_numpy(one.full(row)) for row in rows]
    if any(tuple(image.shape) != one.shape for image in images):
        raise InputError(
            got=f"images of several sizes in {one.name}",
            need=f"{one.shape} for all",
            remedy="bring them to the size of the model",
        )
    return torch.stack(images)
