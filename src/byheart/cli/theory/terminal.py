"""byheart theory terminal: does a regularized exact score still copy, and how often?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Optional

from tyro.conf import arg

from byheart._checks import InputError
from byheart.cli.options import (
    Channels,
    Count,
    Fit,
    Orientation,
    OwnData,
    Transparency,
    White,
    of_images,
    refuse_beside,
)

__all__ = ["terminal"]

Number = Annotated[Optional[float], arg(metavar="NUMBER")]


def terminal(
    *,
    strength: Number = None,
    kappa: Number = None,
    gamma: Number = None,
    exponent: Number = None,
    dimension: Count = None,
    tolerance: Number = None,
    data: OwnData = None,
    size: Annotated[Optional[int], arg(metavar="PIXELS")] = None,
    channels: Channels = None,
    distinct: bool = False,
    orientation: Orientation = None,
    fit: Fit = None,
    transparency: Transparency = None,
    white: White = None,
) -> int:
    """Say whether a regularized exact score still copies, and how often.

    Give one of --strength (Tikhonov), --kappa (consistency score), --gamma (γ = gamma · σ^−exponent), or --data for the strength
    that predicts left-out images best.

    Args:
        strength: Tikhonov's c, a squared distance.
        kappa: κ of the consistency score, τ = exp(−κ d/2).
        gamma: Factor of the shrinkage γ = gamma · σ^−exponent.
        exponent: Exponent of the shrinkage, at most 20; 0, a constant, by default.
        dimension: Numbers in one sample, d, for --strength and --kappa; 2 by default.
        tolerance: Distance within which a sample counts as a copy of a training point, for --strength; 0.01 by default.
        data: A folder of images, an array file, or the name of a data set. Where a word is both, ./NAME is the path and name:NAME the set.
        size: Resize your images to this many pixels a side.
        channels: Read your images as grey (1) or RGB (3).
        distinct: Keep each image once, if the same one lies there several times.
        orientation: Turn photographs as their rotation mark says (shown, the default), or read their pixels as stored.
        fit: Make squares of other images by cutting out the middle (cut, the default) or by squashing them, as Resize((S, S)) does.
        transparency: Lay transparent images on white (the default) or black, or show the colors that are hidden below (convert("RGB")).
        white: Which integer is white, where the type of the numbers does not say, for example 1 for masks, 4095 for 12 bits.
    """
    beside = {"--exponent": exponent, "--dimension": dimension, "--tolerance": tolerance}
    images = of_images(size, channels, orientation, fit, transparency, white)
    of_data = {f"--{name}": value for name, value in images.items()} | {"--distinct": distinct or None}
    match _the_one({"--strength": strength, "--kappa": kappa, "--gamma": gamma, "--data": data}):
        case "--strength":
            refuse_beside("--strength", {"--exponent": exponent, **of_data})
            _show_tikhonov(strength or 0.0, dimension, 0.01 if tolerance is None else tolerance)
        case "--kappa":
            refuse_beside("--kappa", {"--exponent": exponent, "--tolerance": tolerance, **of_data})
            _show_consistency(kappa or 0.0, dimension)
        case "--gamma":
            refuse_beside("--gamma", {"--dimension": dimension, "--tolerance": tolerance, **of_data})
            _show_shrinking(gamma or 0.0, exponent or 0.0)
        case _:
            refuse_beside("--data", beside)
            _show_strength(data or "", distinct, images)
    return 0


def _the_one(settings: Mapping[str, object]) -> str:
    """Choose the one setting that is given.  Raises InputError where no setting is given, or several are."""
    given = [name for name, value in settings.items() if value is not None]
    if len(given) != 1:
        raise InputError(
            got=" and ".join(given) or "no regularization",
            need="one of " + ", ".join(settings),
            remedy="for example byheart theory terminal --strength 1e-3",
        )
    return given[0]


def _between(name: str, value: float, low: float, high: float) -> float:
    if not low <= value <= high:
        raise InputError(
            got=f"{name} {value:g}", need=f"a number from {low:g} to {high:g}", remedy="give another"
        )
    return value


def _show_tikhonov(strength: float, dimension: int | None, tolerance: float) -> None:
    from byheart.theory.terminal import tikhonov_copies, tikhonov_distance

    c, d = _between("--strength", strength, 1e-12, 1e12), _dimension(dimension)
    share = tikhonov_copies(_between("--tolerance", tolerance, 1e-12, 1e12), c, d)
    print(f"Tikhonov, c = {c:g}, d = {d}: samples are training points with noise of {c**0.5:.3g} a number")
    print(
        f"share within {tolerance:g} of a training point: {share:.3g}; mean distance {tikhonov_distance(c, d):.3g}"
    )


def _show_consistency(kappa: float, dimension: int | None) -> None:
    from byheart.theory.terminal import consistency_copies

    d = _dimension(dimension)
    share = consistency_copies(_between("--kappa", kappa, -1e6, 1e6), d)
    print(
        f"consistency score, κ = {kappa:g}, d = {d}: a share of {share:.3g} is captured by a training point"
    )


def _dimension(dimension: int | None) -> int:
    return 2 if dimension is None else round(_between("--dimension", dimension, 1, 1e9))


def _show_shrinking(gamma: float, exponent: float) -> None:
    from byheart.theory.terminal import distance_left

    _between("--gamma", gamma, 1e-12, 1e12)
    _between("--exponent", exponent, 0, 20)
    # ∫ dσ/(σ(1 + γ)) diverges at 0 for a constant γ, and for no power of 1/σ.
    verdict = "stops short of the data" if exponent else "still memorizes, only slower"
    print(f"γ = {gamma:g}" + (f" · σ^−{exponent:g}" if exponent else "") + f": {verdict}")
    left = distance_left(lambda r: gamma * r**-exponent, 1.0, 1e-12)
    print(f"distance left at σ = 1e-12 over that at σ = 1: {left:.3g}")


def _show_strength(choice: str, distinct: bool, images: Mapping[str, int | str | None]) -> None:
    """Print the strength that predicts left-out images best, in pixels and in training units."""
    from byheart.cli.options import tell_notes, the_data
    from byheart.data.named import load
    from byheart.metrics.bandwidth import best_strength
    from byheart.theory.terminal import tikhonov_distance

    dataset = load(the_data(choice, distinct=distinct, **images))
    tell_notes(dataset)
    best, d, scale = best_strength(dataset.images), dataset.images[0].numel(), dataset.scale
    print("strength that predicts left-out images best:")
    print(f"  in training units (RMS 1)   c = {best:.3g}, a floor of {best**0.5:.3g} on the noise")
    print(f"  in pixels                   c = {best * scale**2:.3g}, a floor of {best**0.5 * scale:.3g}")
    print(
        f"Under it samples are training images with that noise on each of {d} numbers, "
        f"{tikhonov_distance(best, d) * scale:.3g} pixels away: blurred copies, to be denoised before they are compared."
    )
