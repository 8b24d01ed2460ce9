"""The grid on which S1 trains, measures and samples: times of S1's process from t = 0.999 down to 0.001.

    t_l = 0.999 − 0.998 l / (count − 1),  l = 0 … count − 1,      σ_l = t_l / √(1 − t_l²)

Source: 2508.17689, appendix, and its code: 26 points (the formula in print has misprints; the code is
linspace(0.001, 0.999, 26), reversed).  The paper plots losses at l = 16: t = 0.3603, 1/σ² = 6.704.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from byheart._checks import InputError
from byheart.noise.process import S1Process

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["POINTS", "s1_levels"]

POINTS = 26
_LAST, _FIRST = 0.001, 0.999


def s1_levels(count: int = POINTS) -> Tensor:
    """Return S1's grid as levels: (count,) float64, decreasing from 22.34 to 0.001.

    The grid has no final 0: S1's samples are the states at the last level, including the noise of that level.
    Raises InputError for fewer than two points.
    """
    import torch

    if count < 2:
        raise InputError(got=f"{count} points", need="at least 2", remedy=f"leave `count` out for {POINTS}")
    return S1Process().level(torch.linspace(_FIRST, _LAST, count, dtype=torch.float64))
