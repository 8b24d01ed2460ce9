"""byheart theory crossover: at which size a mixture model knows its data by heart, without training one."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Optional

from tyro.conf import arg

from byheart._checks import InputError
from byheart.cli.crossover_output import Forecast, show_forecast, write_forecast
from byheart.cli.options import Channels, Count, OwnData

__all__ = ["crossover"]

Sizes = Annotated[Optional[tuple[int, ...]], arg(metavar="M …")]
File = Annotated[Optional[Path], arg(metavar="FILE")]

DIMENSION, COMPONENTS, POINTS = 50, 12, 200  # S1's cell
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
    threshold: float = 1 / 3,
    restarts: int = 8,
    samples: int = 500,
    seed: int = 0,
    json: File = None,
    figure: File = None,
) -> int:
    """Forecast at which size a mixture model knows its data by heart.

    Of S1's population (--dimension, --components, --n) or of your data. The model has M means and one variance, and starts from M
    training points; k-means stands in for its training. Of networks this says nothing.

    Args:
        dimension: Numbers in one sample, d; 50 by default.
        components: K: of the population, 12 by default; of your data, how many Gaussians the formulas take them for.
        n: Training points, N: 200 of the population; of your data a fair draw, 500 or all by default.
        models: Sizes M; 20 from N/20 to N by default.
        data: A folder of images, an array file, or the name of a data set.
        size: Resize your images to this many pixels a side.
        channels: Read your images as grey (1) or RGB (3).
        distinct: Keep each image once, if the same one lies there several times.
        threshold: A sample is memorized if d1 < threshold · d2, to its two nearest training points.
        restarts: Independent repeats, each with other starts, and on its own draw of a population; at least 2.
        samples: Of every repeat and size.
        seed: Of every draw.
        json: Where to write all numbers.
        figure: Where to draw the curve, a PNG file.
    """
    from byheart.cli.stages import check_outputs

    check_outputs({"--json": json, "--figure": figure})
    if figure is not None and figure.suffix.lower() != ".png":
        raise InputError(
            got=f"--figure {figure}", need="a file .png", remedy=f"name it {figure.with_suffix('.png')}"
        )
    _check(threshold, restarts, samples, seed)
    plan = _Plan(range(seed, seed + restarts), samples, models)
    if data is None:
        _refuse_image_settings(size, channels, distinct)
        found = _of_population(*_settings(dimension, components, n), plan)
    else:
        if dimension is not None:
            raise InputError(got="--data with --dimension", need="one of them", remedy="data have their own")
        found = _of_data(
            data, {"size": size, "channels": channels, "distinct": distinct}, components, n, plan
        )
    show_forecast(found, threshold)
    write_forecast(found, threshold, json, figure)
    return 0


@dataclass(frozen=True)
class _Plan:
    """What is repeated: one seed a replicate.  models: M, or None for the default."""

    seeds: range
    samples: int
    models: tuple[int, ...] | None

    def sizes(self, n: int) -> tuple[int, ...]:
        from byheart.theory.transition import default_models

        return default_models(n) if self.models is None else self.models


def _check(threshold: float, restarts: int, samples: int, seed: int) -> None:
    if restarts < 2 or samples < 1 or seed < 0:
        raise InputError(
            got=f"--restarts {restarts}, --samples {samples}, --seed {seed}",
            need="at least 2, 1 and 0",
            remedy="an interval needs repeats",
        )
    if not 0 < threshold <= 1:
        raise InputError(
            got=f"--threshold {threshold:g}",
            need="a ratio of distances in (0, 1]",
            remedy="leave it out for 1/3",
        )


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


def _of_population(d: int, k: int, n: int, plan: _Plan) -> Forecast:
    """S1's population: every replicate draws means and points of its own."""
    from byheart.data.mixture import isotropic_mixture
    from byheart.random import derive, generator
    from byheart.theory.partial import coupon_bound
    from byheart.theory.transition import joined, memorization_curve

    if min(d, k, n) < 1 or k > n:
        raise InputError(
            got=f"d = {d}, K = {k}, N = {n}", need="all at least 1, and K ≤ N", remedy="raise N or lower K"
        )
    curves = []
    for seed in plan.seeds:
        points = isotropic_mixture(k, d, 1.0, seed).sample(n, generator(derive(seed, "draws")))
        curves.append(memorization_curve(points.double().numpy(), plan.sizes(n), [seed], plan.samples))
    note = f"M = K log K (1 + log d) = {coupon_bound(k, d):.0f}: below it the theorem on stored points says nothing."
    title = f"{k} Gaussians in {d} dimensions, N = {n}"
    setting = {"dimension": d, "components": k, "n": n}
    return Forecast(title, setting, joined(curves), _population_formulas(d, k, n), (note,))


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
    from byheart.theory.transition import memorization_curve

    dataset = load(the_data(choice, **settings))
    points = _draw(dataset.images.flatten(1).double().numpy(), n, plan.seeds[0])
    count, d = points.shape
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        curve = memorization_curve(points, plan.sizes(count), list(plan.seeds), plan.samples)
    notes = tuple(f"warning: {one.message}; or --distinct" for one in caught)
    if count < len(dataset):
        notes += (f"{count:,} of {len(dataset):,}, a fair draw; --n chooses how many.",)
    setting = {"data": dataset.name, "dimension": d, "n": count, "components": components}
    formulas = {} if components is None else _data_formulas(points, components, plan.seeds)
    return Forecast(f"{dataset.name}, N = {count:,} of {d:,} numbers", setting, curve, formulas, notes)


def _draw(points: Any, n: int | None, seed: int) -> Any:
    """n of the points, a fair draw; as they are if all are wanted."""
    import numpy as np

    from byheart.random import derive

    count = min(len(points), ENOUGH) if n is None else n
    if not 2 <= count <= len(points):
        raise InputError(got=f"--n {count}", need=f"from 2 to {len(points)}", remedy="choose another n")
    return points[np.random.default_rng(derive(seed, "subset")).permutation(len(points))[:count]]


def _data_formulas(points: Any, components: int, seeds: Sequence[int]) -> dict[str, dict[str, float]]:
    """Crossovers of K Gaussians with one covariance, as k-means finds them."""
    from byheart.theory.crossover import WEIGHTINGS, crossover_spectrum, named_weighting, snr, times
    from byheart.theory.lloyd import cluster, within_variances
    from byheart.theory.starts import training_starts

    spectrum = within_variances(points, cluster(points, training_starts(points, components, list(seeds))))
    ratio = snr(times())
    return {
        name: {
            f"C = {factor:g}": crossover_spectrum(named_weighting(name, times()), ratio, spectrum, factor)
            for factor in (1.0, 2.0)
        }
        for name in WEIGHTINGS
    }
