"""A forecast of the crossover: at which size a mixture model knows its data by heart, as numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from byheart.numerics.intervals import Interval
    from byheart.theory.transition import Curve, Transition

__all__ = ["STARTS", "Forecast", "Losses", "by_size", "forecast_record", "passing"]

STARTS = {
    "training": "M training points",
    "population": "M fresh samples of the population",
    "gaussian": "M standard normal draws",
    "pairs": "the N - M nearest pairs as averages and all other points",
}
"""Start -> where the means of a model of size M begin."""


@dataclass(frozen=True, eq=False)
class Losses:
    """Losses on the training points, above the empirical denoiser's.  snr: ψ.  stored: (k, r), of M stored points.

    spectrum: variances inside a component, (d,), as far as they are known.
    """

    snr: float
    stored: NDArray[np.float64]
    spectrum: tuple[float, ...] | None


@dataclass(frozen=True, eq=False)
class Forecast:
    """title: what it is about.  setting: the numbers it is about.  start: one of STARTS.  formulas: weighting -> column -> M*/N.

    losses: where a file is asked for.
    """

    title: str
    setting: Mapping[str, Any]
    start: str
    curve: Curve
    formulas: Mapping[str, Mapping[str, float]]
    losses: Losses | None = None
    notes: tuple[str, ...] = ()


def passing(forecast: Forecast, threshold: float) -> Transition | None:
    """Find where half of the samples are memorized; None if that is not between the sizes, or not in every replicate."""
    from byheart.theory.transition import transition

    if len(forecast.curve.models) < 2:
        return None
    return transition(forecast.curve.shares(threshold), forecast.curve.models)


def by_size(curve: Curve, threshold: float) -> Iterator[tuple[int, Interval, float, float]]:
    """Yield of every size M, the share memorized, the variance, and the share of means on one point."""
    means = curve.variance.mean(1).tolist(), curve.singles.mean(1).tolist()
    return zip(curve.models, curve.ratios(threshold), *means, strict=True)


def forecast_record(forecast: Forecast, threshold: float) -> dict[str, Any]:
    """List every number of a forecast, flat by model, for a JSON file."""
    from byheart._version import __version__

    curve, half = forecast.curve, passing(forecast, threshold)
    rows = [
        {
            "m": m,
            **ratio.entries("f_mem"),
            "effective_samples": ratio.count,
            "variance": variance,
            "singles": singles,
        }
        for m, ratio, variance, singles in by_size(curve, threshold)
    ]
    for row, losses in zip(rows, _losses(forecast), strict=True):
        row.update(losses)
    edges = {} if half is None else {**half.mean.entries("m_pt"), **half.one.entries("m_pt_one_run")}
    return {
        "byheart": __version__,
        **forecast.setting,
        "start": forecast.start,
        "snr": None if forecast.losses is None else forecast.losses.snr,
        "threshold": threshold,
        "replicates": curve.variance.shape[1],
        "models": rows,
        "transition": edges or None,
        "crossover": {name: dict(row) for name, row in forecast.formulas.items()},
    }


def _losses(forecast: Forecast) -> list[dict[str, float]]:
    """List of every size the excess losses of the model and of M stored points, with their intervals over replicates."""
    from byheart.numerics.intervals import mean_interval

    if forecast.losses is None or forecast.curve.excess is None:
        return [{} for _ in forecast.curve.models]
    return [
        {**mean_interval(model).entries("excess"), **mean_interval(stored).entries("excess_stored")}
        for model, stored in zip(forecast.curve.excess.tolist(), forecast.losses.stored.tolist(), strict=True)
    ]
