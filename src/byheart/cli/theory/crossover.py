"""byheart theory crossover: at which size a mixture model knows its data by heart, without training one."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Optional

from tyro.conf import arg

from byheart._checks import InputError, check_ratio
from byheart.cli.options import Channels, Count, OwnData
from byheart.cli.theory.forecast import Forecast, Losses
from byheart.cli.theory.output import show_forecast, write_forecast

if TYPE_CHECKING:
    from byheart.theory.transition import Curve

__all__ = ["crossover"]

Sizes = Annotated[Optional[tuple[int, ...]], arg(metavar="M …")]
File = Annotated[Optional[Path], arg(metavar="FILE")]
Start = Literal["training", "population", "gaussian", "pairs"]

DIMENSION, COMPONENTS, POINTS = 50, 12, 200  # S1's cell
SHOWN_SNR = 6.704  # ψ at which S1 shows losses, t = 0.3603
ENOUGH = 500  # points of a large data set, for an answer in seconds: M_pt/N hardly depends on how many


def crossover(
    *,
    dimension: Count = None,
    components: Count = None,
    n: Count = None,
    models: Sizes = None,
    data: OwnData = None,
    size: Annotated[Optional[int], arg(metavar="PIXELS")] = None,
    channels: Channels = None,
    distinct: bool = False,
    start: Start = "training",
    threshold: float = 1 / 3,
    restarts: int = 8,
    samples: int = 500,
    seed: int = 0,
    json: File = None,
    figure: File = None,
) -> int:
    """Forecast at which size a mixture model knows its data by heart.

    Of S1's population (--dimension, --components, --n) or of your data. The model has M means and one variance; k-means stands in
    for its training. Where the means start decides: from training points, half of the samples are copies at 0.8 N; from noise, none
    ever. Of networks this says nothing.

    Args:
        dimension: Numbers in one sample, d; 50 by default.
        components: K: of the population, 12 by default; of your data, how many Gaussians the formulas take them for.
        n: Training points, N: 200 of the population; of your data a fair draw, 500 or all by default.
        models: Sizes M; 20 from N/20 to N by default, of pairs those from N/2.
        data: A folder of images, an array file, or the name of a data set.
        size: Resize your images to this many pixels a side.
        channels: Read your images as grey (1) or RGB (3).
        distinct: Keep each image once, if the same one lies there several times.
        start: M training points; fresh samples of a population; standard normal; or nearest pairs as averages, for M ≥ N/2.
        threshold: A sample is memorized if d1 < threshold · d2, to its two nearest training points.
        restarts: Independent repeats, each with other starts, and on its own draw of a population; at least 2.
        samples: Of every repeat and size.
        seed: Of every draw.
        json: Where to write all numbers.
        figure: Where to draw the curve, the losses and the transition, a PNG file.
    """
    from byheart.cli.stages import check_outputs

    check_outputs({"--json": json, "--figure": figure})
    if figure is not None and figure.suffix.lower() != ".png":
        raise InputError(
            got=f"--figure {figure}", need="a file .png", remedy=f"name it {figure.with_suffix('.png')}"
        )
    _check(threshold, restarts, samples, seed)
    snr = None if json is None and figure is None else SHOWN_SNR
    plan = _Plan(range(seed, seed + restarts), samples, models, start, snr)
    if data is None:
        _refuse_image_settings(size, channels, distinct)
        found = _of_population(*_settings(dimension, components, n), plan)
    else:
        if dimension is not None:
            raise InputError(got="--data with --dimension", need="one of them", remedy="data have their own")
        _refuse_fresh_samples(start)
        found = _of_data(
            data, {"size": size, "channels": channels, "distinct": distinct}, components, n, plan
        )
    show_forecast(found, threshold)
    write_forecast(found, threshold, json, figure)
    return 0


@dataclass(frozen=True)
class _Plan:
    """What is repeated: one seed a replicate.  models: M, or None for the default.  snr: ψ of the losses, None for none."""

    seeds: range
    samples: int
    models: tuple[int, ...] | None
    start: Start
    snr: float | None

    def sizes(self, n: int) -> tuple[int, ...]:
        from byheart.theory.transition import default_models

        return default_models(n, self.start) if self.models is None else tuple(sorted(set(self.models)))

    def curve(self, points: Any, seeds: Sequence[int], fresh: Any = None) -> Curve:
        """Of replicates that share their points, (n, d) float64."""
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


def _check(threshold: float, restarts: int, samples: int, seed: int) -> None:
    if restarts < 2 or samples < 1 or seed < 0:
        raise InputError(
            got=f"--restarts {restarts}, --samples {samples}, --seed {seed}",
            need="at least 2, 1 and 0",
            remedy="an interval needs repeats",
        )
    check_ratio(threshold, "--threshold")


def _settings(d: int | None, k: int | None, n: int | None) -> tuple[int, int, int]:
    """Those of the population, S1's where none is given."""
    return (
        DIMENSION if d is None else d,
        COMPONENTS if k is None else k,
        POINTS if n is None else n,
    )


def _refuse_image_settings(size: int | None, channels: int | None, distinct: bool) -> None:
    if distinct or size is not None or channels is not None:
        raise InputError(
            got="--size, --channels or --distinct without --data",
            need="the data that they are about",
            remedy="add --data NAME or --data FOLDER",
        )


def _refuse_fresh_samples(start: Start) -> None:
    if start == "population":
        raise InputError(
            got="--start population with --data",
            need="training, gaussian or pairs: nobody draws fresh samples of your data's population",
            remedy="hold a part of your data back to see what fresh samples would do",
        )


def _start_notes(plan: _Plan, own_data: bool) -> tuple[str, ...]:
    """What has to be known of a start that is not S1's."""
    notes: tuple[str, ...] = ()
    if plan.start == "pairs":
        notes += ("Pairs need M ≥ N/2: of smaller models, this start says nothing.",)
        if own_data:
            notes += ("All repeats start from the same pairs: they differ by their samples alone.",)
    return notes


def _of_population(d: int, k: int, n: int, plan: _Plan) -> Forecast:
    """S1's population: every replicate draws means and points of its own."""
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
    for seed in plan.seeds:
        people = isotropic_mixture(k, d, 1.0, seed)
        points = people.sample(n, generator(derive(seed, "draws"))).double().numpy()
        fresh = None
        if plan.start == "population":
            fresh = people.sample(n, generator(derive(seed, "fresh"))).double().numpy()[None]
        curves.append(plan.curve(points, [seed], fresh))
        stored.append(plan.stored(points, [seed]))
    notes = _start_notes(plan, own_data=False)
    if k > 1:
        bound = coupon_bound(k, d)
        notes += (
            f"M = K log K (1 + log d) = {bound:.0f}: below it the theorem on stored points says nothing.",
        )
    return Forecast(
        title=f"{k} Gaussians in {d} dimensions, N = {n}",
        setting={"dimension": d, "components": k, "n": n},
        start=plan.start,
        curve=joined(curves),
        formulas=_population_formulas(d, k, n),
        losses=None if plan.snr is None else Losses(plan.snr, np.concatenate(stored, axis=1), (1.0,) * d),
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


def _of_data(
    choice: str, settings: Mapping[str, Any], components: int | None, n: int | None, plan: _Plan
) -> Forecast:
    """The user's data, in training units: every replicate starts elsewhere on the same points."""
    from byheart.cli.options import the_data
    from byheart.data.named import load
    from byheart.theory.lloyd import RepeatedPointsWarning, distinct

    dataset = load(the_data(choice, **settings))
    points = _draw(dataset.images.flatten(1).double().numpy(), n, plan.seeds[0])
    count, d = points.shape
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RepeatedPointsWarning)  # said below, in words of the command line
        curve = plan.curve(points, list(plan.seeds))
    notes = _repeats(count - len(distinct(points)), count) + _start_notes(plan, own_data=True)
    if count < len(dataset):
        notes += (f"{count:,} of {len(dataset):,}, a fair draw; --n chooses how many.",)
    spectrum = None if components is None else _spectrum(points, components, plan.seeds)
    return Forecast(
        title=f"{dataset.name}, N = {count:,} of {d:,} numbers",
        setting={"data": dataset.name, "dimension": d, "n": count, "components": components},
        start=plan.start,
        curve=curve,
        formulas={} if spectrum is None else _data_formulas(spectrum),
        losses=None
        if plan.snr is None
        else Losses(plan.snr, plan.stored(points, list(plan.seeds)), spectrum),
        notes=notes,
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
        raise InputError(got=f"--n {count}", need=f"from 2 to {len(points)}", remedy="choose another n")
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
