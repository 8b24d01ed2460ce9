"""Checks of the planted copies and of the original images: which images are used, and that the values are an image's."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from byheart._checks import InputError, check_finite

__all__ = ["check_values", "chosen_rows"]

ROUNDING = 0.5 / 255  # pixels converted from other units may exceed [0, 1] by the rounding of floats


def chosen_rows(name: str, rows: Tensor | Sequence[int], count: int) -> Tensor:
    """Return rows as (b,) int64 on the CPU.

    Raises InputError unless there is at least one row and all are whole numbers from 0 to count − 1.
    """
    chosen = torch.as_tensor(rows, device="cpu")
    whole = not chosen.is_floating_point() and chosen.dtype != torch.bool
    if (
        chosen.ndim != 1
        or not len(chosen)
        or not whole
        or not 0 <= int(chosen.min()) <= int(chosen.max()) < count
    ):
        raise InputError(
            got=f"rows of shape {tuple(chosen.shape)} and type {chosen.dtype} for {count} images of {name}",
            need=f"at least one whole number, each from 0 to {count - 1}",
            remedy=f"choose rows of {name}",
        )
    return chosen.long()


def check_values(name: str, x: Tensor) -> None:
    """Raise InputError unless every value of x is finite and, rounded to 8 bits, in [0, 1]."""
    check_finite(name, x)
    low, high = map(float, x.aminmax())
    if low < -ROUNDING or high > 1 + ROUNDING:
        raise InputError(
            got=f"{name} with values from {low:.3g} to {high:.3g}",
            need="values in [0, 1]",
            remedy="divide bytes by 255; add 1 to images in [−1, 1] and halve them",
        )
