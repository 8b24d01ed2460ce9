"""What `byheart theory crossover` forecasts, as numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from byheart.theory.transition import Curve, Transition

__all__ = ["BEGUN", "Forecast", "Losses", "passing"]


BEGUN = {
    "training": "M training points",
    "population": "M fresh samples of the population",
    "gaussian": "M standard normal draws",
    "pairs": "the N - M nearest pairs as averages and all other points",
}


@dataclass(frozen=True, eq=False)
class Losses:
    """On the training points, above the empirical denoiser's.  snr: ψ.  stored: (k, r), of M stored points.

    spectrum: variances inside a component, (d,), as far as they are known.
    """

    snr: float
    stored: NDArray[np.float64]
    spectrum: tuple[float, ...] | None


@dataclass(frozen=True, eq=False)
class Forecast:
    """title: what it is about.  setting: the numbers it is about.  start: see BEGUN.  formulas: weighting -> column -> M*/N.

    losses: where a file is asked for.
    """

    title: str
    setting: Mapping[str, Any]
    start: str
    curve: Curve
    formulas: Mapping[str, Mapping[str, float]]
    losses: Losses | None = None
    notes: tuple[str, ...] = ()


def passing(found: Forecast, threshold: float) -> Transition | None:
    """Where half of the samples are memorized; None if that is not between the sizes, or not in every replicate."""
    from byheart.theory.transition import transition

    if len(found.curve.models) < 2:
        return None
    return transition(found.curve.shares(threshold), found.curve.models)
