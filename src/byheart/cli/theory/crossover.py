"""byheart theory crossover: at which size a mixture model knows its data by heart, without training one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

from tyro.conf import arg

from byheart._checks import InputError, check_ratio
from byheart.cli.options import (
    Channels,
    Count,
    Fit,
    Orientation,
    OwnData,
    Transparency,
    White,
    of_images,
    refuse_without_data,
)
from byheart.cli.theory.output import show_forecast, write_forecast
from byheart.studies.s1_crossover.forecast.compute import (
    SHOWN_SNR,
    Replicates,
    Start,
    forecast_data,
    forecast_population,
)

__all__ = ["crossover"]

Sizes = Annotated[Optional[tuple[int, ...]], arg(metavar="M …")]
File = Annotated[Optional[Path], arg(metavar="FILE")]

DIMENSION, COMPONENTS, POINTS = 50, 12, 200  # S1's cell


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
    orientation: Orientation = None,
    fit: Fit = None,
    transparency: Transparency = None,
    white: White = None,
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
        dimension: Numbers in one sample of the simulated population, d; 50 by default.
        components: Number of Gaussians K. Simulated population: how many it has (12 by default). With --data: how many the
            formulas should describe your data by; without it, no formula is shown.
        n: Training points N: 200 of the simulated population; of your data a fair draw, 500 or all by default.
        models: Sizes M to try; 20 from N/20 to N by default, of pairs those from N/2.
        data: A folder of images, an array file, or the name of a data set. Where a word is both, ./NAME is the path and name:NAME the set.
        size: Resize your images to this many pixels a side.
        channels: Read your images as grey (1) or RGB (3).
        distinct: Keep each image once, if the same one lies there several times.
        orientation: Turn photographs as their rotation mark says (shown, the default), or read their pixels as stored.
        fit: Make squares of other images by cutting out the middle (cut, the default) or by squashing them, as Resize((S, S)) does.
        transparency: Lay transparent images on white (the default) or black, or show the colors that are hidden below (convert("RGB")).
        white: Which integer is white, where the type of the numbers does not say, for example 1 for masks, 4095 for 12 bits.
        start: Where the means start: at M training points; at fresh samples of the population; at standard normal draws; or
            at nearest pairs as averages, for M ≥ N/2.
        threshold: A sample counts as memorized if d1 < threshold · d2, its distances to the two nearest training points.
        restarts: Independent repeats, each with other starts, and on its own draw of the population; at least 2.
        samples: Samples drawn for each repeat and each size.
        seed: Random seed; the same seed gives the same result.
        json: File to write all numbers to.
        figure: PNG file to draw the curve, the losses and the transition in.
    """
    from byheart.cli.options import tell_notes, the_data
    from byheart.cli.outputs import check_outputs, check_png
    from byheart.data.named import load

    check_outputs({"--json": json, "--figure": figure})
    check_png(figure)
    _check(threshold, restarts, samples, seed)
    snr = None if json is None and figure is None else SHOWN_SNR
    replicates = Replicates(range(seed, seed + restarts), samples, models, start, snr)
    of_data = of_images(size, channels, orientation, fit, transparency, white)
    if data is None:
        flags = {f"--{name}": value for name, value in of_data.items()}
        refuse_without_data({**flags, "--distinct": distinct or None})
        forecast = forecast_population(*_settings(dimension, components, n), replicates)
    else:
        if dimension is not None:
            raise InputError(got="--data with --dimension", need="one of them", remedy="data have their own")
        _refuse_fresh_samples(start)
        chosen = the_data(data, distinct=distinct, **of_data)
        dataset = load(chosen)
        tell_notes(dataset)
        forecast = forecast_data(dataset, components, n, replicates)
    show_forecast(forecast, threshold)
    write_forecast(forecast, threshold, json, figure)
    return 0


def _check(threshold: float, restarts: int, samples: int, seed: int) -> None:
    least = {"--restarts": (restarts, 2), "--samples": (samples, 1), "--seed": (seed, 0)}
    if wrong := [f"{flag} {value}" for flag, (value, low) in least.items() if value < low]:
        raise InputError(
            got=" and ".join(wrong),
            need="--restarts, --samples and --seed of at least 2, 1 and 0",
            remedy="leave it out: the default fits",
        )
    check_ratio(threshold, "--threshold")


def _settings(d: int | None, k: int | None, n: int | None) -> tuple[int, int, int]:
    """Choose the settings of the population, S1's where none is given."""
    return (
        DIMENSION if d is None else d,
        COMPONENTS if k is None else k,
        POINTS if n is None else n,
    )


def _refuse_fresh_samples(start: Start) -> None:
    if start == "population":
        raise InputError(
            got="--start population with --data",
            need="training, gaussian or pairs: nobody draws fresh samples of your data's population",
            remedy="hold a part of your data back to see what fresh samples would do",
        )
