"""Forecast at which size a mixture model knows its data by heart, without training one: Lloyd's k-means stands in for it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from byheart._checks import InputError
from byheart.studies.s1_crossover.forecast.record import Forecast, Losses

if TYPE_CHECKING:
    from byheart.data.dataset import Dataset
    from byheart.theory.transition import Curve

__all__ = ["SHOWN_SNR", "Replicates", "Start", "forecast_data", "forecast_population"]

Start = Literal["training", "population", "gaussian", "pairs"]

SHOWN_SNR = 6.704  # ψ at which S1 shows losses, t = 0.3603


ENOUGH = 500  # points of a large data set, for an answer in seconds: M_pt/N hardly depends on how many


@dataclass(frozen=True)
class Replicates:
    """How a forecast is repeated: one seed a replicate.  samples: of each replicate and size.  models: M, or None for the default.  snr: ψ of the losses, None for none."""

    seeds: range
    samples: int
    models: tuple[int, ...] | None
    start: Start
    snr: float | None

    def sizes(self, n: int) -> tuple[int, ...]:
        from byheart.theory.transition import default_models

        return default_models(n, self.start) if self.models is None else tuple(sorted(set(self.models)))

    def curve(self, points: Any, seeds: Sequence[int], fresh: Any = None) -> Curve:
        """Follow replicates that share their points, (n, d) float64."""
        from byheart.theory.transition import memorization_curve

        return memorization_curve(
            points,
            self.sizes(len(points)),
            seeds,
            self.samples,
            start=self.start,
            fresh=fresh,
            snr=self.snr,
        )

    def stored(self, points: Any, seeds: Sequence[int]) -> Any:
        """Excess loss of M of the points, stored, where losses are wanted: (k, r)."""
        import numpy as np

        from byheart.theory.excess import measured_excess
        from byheart.theory.lloyd import in_span
        from byheart.theory.starts import training_starts

        if self.snr is None:
            return None
        inside, none = in_span(points)[0], np.zeros(len(seeds))
        rows = [
            measured_excess(inside, training_starts(inside, m, seeds), none, self.snr, seeds)
            for m in self.sizes(len(points))
        ]
        return np.stack(rows)


def _start_notes(replicates: Replicates, own_data: bool) -> tuple[str, ...]:
    """Say what has to be known of a start that is not S1's."""
    notes: tuple[str, ...] = ()
    if replicates.start == "pairs":
        notes += ("Pairs need M ≥ N/2: of smaller models, this start says nothing.",)
        if own_data:
            notes += ("All repeats start from the same pairs: they differ by their samples alone.",)
    return notes


def forecast_population(d: int, k: int, n: int, replicates: Replicates) -> Forecast:
    """Forecast S1's population of k Gaussians in d dimensions: every replicate draws means and n points of its own.

    Raises InputError for numbers below 1, or more Gaussians than points.
    """
    import numpy as np

    from byheart.data.mixture import isotropic_mixture
    from byheart.random import derive, generator
    from byheart.theory.partial import coupon_bound
    from byheart.theory.transition import joined

    if min(d, k, n) < 1 or k > n:
        raise InputError(
            got=f"d = {d}, K = {k}, N = {n}", need="all at least 1, and K ≤ N", remedy="raise N or lower K"
        )
    curves, stored = [], []
    for seed in replicates.seeds:
        people = isotropic_mixture(k, d, 1.0, seed)
        points = people.sample(n, generator(derive(seed, "draws"))).double().numpy()
        fresh = None
        if replicates.start == "population":
            fresh = people.sample(n, generator(derive(seed, "fresh"))).double().numpy()[None]
        curves.append(replicates.curve(points, [seed], fresh))
        stored.append(replicates.stored(points, [seed]))
    notes = _start_notes(replicates, own_data=False)
    if k > 1:
        bound = coupon_bound(k, d)
        notes += (
            f"M = K log K (1 + log d) = {bound:.0f}: below it the theorem on stored points says nothing.",
        )
    return Forecast(
        title=f"{k} Gaussians in {d} dimensions, N = {n}",
        setting={"dimension": d, "components": k, "n": n},
        start=replicates.start,
        curve=joined(curves),
        formulas=_population_formulas(d, k, n),
        losses=None
        if replicates.snr is None
        else Losses(replicates.snr, np.concatenate(stored, axis=1), (1.0,) * d),
        notes=notes,
    )


def _population_formulas(d: int, k: int, n: int) -> dict[str, dict[str, float]]:
    from byheart.theory.crossover import WEIGHTINGS, crossover, named_weighting, snr, times
    from byheart.theory.partial import crossover_finite

    ratio, table = snr(times()), {}
    for name in WEIGHTINGS:
        one, two = (crossover(named_weighting(name, times()), ratio, factor=factor) for factor in (1.0, 2.0))
        table[name] = {"C = 1": one, "C = 2": two, "C of N, d, K": crossover_finite(1 - one, n, d, k)}
    return table


def forecast_data(
    dataset: Dataset, components: int | None, n: int | None, replicates: Replicates
) -> Forecast:
    """Forecast a data set, in training units: every replicate starts elsewhere on the same n points, a fair draw.

    components: how many Gaussians the formulas should describe the data by; None leaves the formulas out.  n: None takes
    all points, of a large set as many as give an answer in seconds.
    Raises InputError for fewer than 2 points, or more than there are, or as many Gaussians as there are different points.
    """
    from byheart.theory.lloyd import RepeatedPointsWarning, distinct

    points = _draw(dataset.images.flatten(1).double().numpy(), n, replicates.seeds[0])
    (count, d), different = points.shape, len(distinct(points))
    _check_components(components, count, different)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RepeatedPointsWarning)  # said below, in words of the command line
        curve = replicates.curve(points, list(replicates.seeds))
    notes = _repeats(count - different, count) + _start_notes(replicates, own_data=True)
    if count < len(dataset):
        notes += (f"{count:,} of {len(dataset):,}, a fair draw; --n chooses how many.",)
    spectrum = None if components is None else _spectrum(points, components, replicates.seeds)
    return Forecast(
        title=f"{dataset.name}, N = {count:,} of {d:,} numbers",
        setting={"data": dataset.name, "dimension": d, "n": count, "components": components},
        start=replicates.start,
        curve=curve,
        formulas={} if spectrum is None else _data_formulas(spectrum),
        losses=None
        if replicates.snr is None
        else Losses(replicates.snr, replicates.stored(points, list(replicates.seeds)), spectrum),
        notes=notes,
    )


def _check_components(components: int | None, count: int, different: int) -> None:
    """Raise InputError unless some Gaussian holds two different points: else there is no variance for the formulas."""
    if components is None or 1 <= components < different:
        return
    images = f"{count} images" if different == count else f"{count} images, {different} of them different"
    raise InputError(
        got=f"K = {components} Gaussians for {images}",
        need=f"K from 1 to {different - 1}: a Gaussian of a single image has no variance",
        remedy="lower --components, or take more images",
    )


def _repeats(repeated: int, count: int) -> tuple[str, ...]:
    if not repeated:
        return ()
    return (
        f"warning: {repeated} of {count} points repeat an earlier one: samples of these never count as memorized; "
        "--distinct keeps each point once",
    )


def _draw(points: Any, n: int | None, seed: int) -> Any:
    """n of the points, a fair draw; as they are if all are wanted."""
    import numpy as np

    from byheart.random import derive

    count = min(len(points), ENOUGH) if n is None else n
    if not 2 <= count <= len(points):
        raise InputError(
            got=f"n = {count}",
            need=f"from 2 to {len(points)}, the points that there are",
            remedy="choose another n",
        )
    return points[np.random.default_rng(derive(seed, "subset")).permutation(len(points))[:count]]


def _spectrum(points: Any, components: int, seeds: Sequence[int]) -> tuple[float, ...]:
    """Eigenvalues of the one covariance of K Gaussians, as k-means finds them."""
    from byheart.theory.lloyd import cluster, within_variances
    from byheart.theory.starts import training_starts

    found = cluster(points, training_starts(points, components, list(seeds)))
    return tuple(within_variances(points, found).tolist())


def _data_formulas(spectrum: Sequence[float]) -> dict[str, dict[str, float]]:
    """Crossovers of Gaussians with one covariance."""
    from byheart.theory.crossover import WEIGHTINGS, crossover_spectrum, named_weighting, snr, times

    ratio = snr(times())
    return {
        name: {
            f"C = {factor:g}": crossover_spectrum(named_weighting(name, times()), ratio, spectrum, factor)
            for factor in (1.0, 2.0)
        }
        for name in WEIGHTINGS
    }
