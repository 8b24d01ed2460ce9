"""byheart theory: what is known without training, in numbers and figures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

from tyro.conf import arg

from byheart._checks import InputError
from byheart.cli.crossover import crossover
from byheart.cli.options import Channels, Count, OwnData, Root, check_place

if TYPE_CHECKING:
    from byheart.data.spec import Data
    from byheart.store.folders import RunFolder

__all__ = ["collapse", "crossover", "terminal"]

Number = Annotated[Optional[float], arg(metavar="NUMBER")]
File = Annotated[Optional[Path], arg(metavar="FILE")]


def collapse(
    *,
    data: OwnData = None,
    size: Annotated[Optional[int], arg(metavar="PIXELS")] = None,
    channels: Channels = None,
    distinct: bool = False,
    n: Count = None,
    seed: int = 0,
    clones: int = 500,
    run: Annotated[Optional[str], arg(metavar="RUN")] = None,
    figure: File = None,
    root: Root = Path("runs"),
) -> int:
    """Find the noise level below which the exact score of your data copies.

    There its posterior holds one training image: whatever a sampler does is copying.  By four signs and by theory; kept as a run, so that asking again costs nothing.

    Args:
        data: A folder of images, an array file, or the name of a data set; digits by default.
        size: Resize your images to this many pixels a side.
        channels: Read your images as grey (1) or RGB (3).
        distinct: Keep each image once, if the same one lies there several times.
        n: Training images, a fair draw of the data; all of them by default.
        seed: Of every noise.
        clones: Pairs of samples that part at each level.
        run: A trained run: its data and n in the place of --data and --n, and what its held-out losses say.
        figure: Where to draw it, a PNG file; by default in the run's folder.
        root: Where the run is kept.
    """
    from byheart._records import write_atomic
    from byheart.cli.options import the_data
    from byheart.cli.progress import progress
    from byheart.experiments.execute import execute
    from byheart.experiments.kinds.split import read_data
    from byheart.experiments.regularization_collapse import collapse_panel
    from byheart.experiments.run import CollapseRun
    from byheart.report.panels import panel_figure
    from byheart.report.vector import png
    from byheart.store.folders import find_run

    if figure is not None:
        check_place("--figure", figure)
        _check_png(figure)
    trained = None if run is None else find_run(root, run)
    if trained is None:
        chosen = the_data(data or "digits", size=size, channels=channels, distinct=distinct)
    else:
        settings = {"--data": data, "--size": size, "--channels": channels, "--distinct": distinct or None}
        _refuse("--run", {**settings, "--n": n})
        chosen, n = _of_run(trained)
    chosen = chosen.model_copy(update={"standardize": False})
    asked = CollapseRun(data=chosen, n=len(read_data(chosen)) if n is None else n, seed=seed, clones=clones)
    with progress(1) as tell:
        folder = execute(asked, root, tell=tell)
    _show_collapse(folder, trained)
    place = figure or folder.path / "collapse.png"
    write_atomic(place, png(panel_figure(collapse_panel(folder))))
    print(f"\nfigure: {place}")
    return 0


def _check_png(figure: Path) -> None:
    if figure.suffix.lower() != ".png":
        raise InputError(
            got=f"--figure {figure}", need="a file .png", remedy=f"name it {figure.with_suffix('.png')}"
        )


def _of_run(trained: RunFolder) -> tuple[Data, int]:
    """The data of a training run, and how many of them it was trained on.  Raises InputError for another run."""
    from byheart.experiments.load import load
    from byheart.experiments.run import parse_run

    load(trained)  # refuses what was not trained, or is not whole, before anything is computed
    spec = parse_run(trained.header()["spec"])
    return spec.data, spec.n


def _bound(trained: RunFolder) -> tuple[str, str, str]:
    """The line that a trained run adds."""
    from byheart.cli.tables import number
    from byheart.experiments.bound import bound_of_run

    found = bound_of_run(trained)
    value = "–" if found.value is None else f"at most {number(found.value)}"
    return (f"r_c, run {trained.id}", f"I-MMSE of its losses on {found.images:,} held-out images", value)


def _show_collapse(folder: RunFolder, trained: RunFolder | None) -> None:
    from byheart.cli.tables import number, show

    rows, data = folder.rows(), folder.read_record("data")
    last = rows[-1]
    kind = "pixels in [0, 1]" if len(data["shape"]) == 3 else "numbers"
    of = f", a fair draw like that of run {trained.id}" if trained else ""
    print(f"{data['name']}: {last['n']:,} samples of {last['dimension']:,} {kind}{of}\n")
    facts = [_bound(trained)] if trained else []
    show(("noise level", "what happens there", "sigma"), [*_facts(last), *facts])
    unit = last["unit"]
    print(
        f"\nIn training units (RMS 1), the sigma of byheart.sample and of trained runs, divide by {number(unit)}: "
        f"r_c is {number(last['r_c/data'] / unit)}.\n"
    )
    columns = (
        "sigma / r_c",
        "own weight [95 %]",
        "clones agree [95 %]",
        "images that share",
        "Jacobian trace",
    )
    show((*columns, "Gaussian's"), [_signs(row) for row in rows])


def _facts(last: Any) -> list[tuple[str, str, str]]:
    """The levels that do not depend on a level."""
    from byheart.cli.tables import number

    switch = float(last["switch/median"]) * float(last["r_c/data"])
    return [
        ("r_c, data alone", "half of the posterior weight is on the own image", _interval(last, "r_c/data")),
        ("r_c, spectrum", "½ Σ log(1 + λ/r²) = log n, as if Gaussian", number(last["r_c/spectrum"])),
        ("last switch", "median level of the last change of the nearest image", number(switch)),
        ("r_s, speciation", "√(largest λ): classes part", number(last["r_s"])),
    ]


def _signs(row: Any) -> tuple[str, ...]:
    """What is seen at one level."""
    from byheart.cli.tables import number

    intervals = (_interval(row, "own_weight"), _interval(row, "agreement"))
    return (
        number(row["relative"]),
        *intervals,
        *(number(row[name]) for name in ("n_eff", "trace", "formula/trace")),
    )


def _interval(row: Any, name: str) -> str:
    from byheart.cli.tables import number

    return f"{number(row[name])} [{number(row[f'{name}_low'])}, {number(row[f'{name}_high'])}]"


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
) -> int:
    """Say whether a regularized exact score still copies, and how often.

    Give one of --strength (Tikhonov), --kappa (consistency score), --gamma (γ = gamma · σ^−exponent), or --data for the strength
    that predicts left-out images best.

    Args:
        strength: Tikhonov's c, a squared distance.
        kappa: Of the consistency score, τ = exp(−κ d/2).
        gamma: Factor of the shrinkage γ = gamma · σ^−exponent.
        exponent: Its exponent, at most 20; 0, a constant, by default.
        dimension: Numbers in one sample, d, of --strength and --kappa; 2 by default.
        tolerance: Of --strength: a sample within this distance of a training point is a copy; 0.01 by default.
        data: A folder of images, an array file, or the name of a data set.
        size: Resize your images to this many pixels a side.
        channels: Read your images as grey (1) or RGB (3).
        distinct: Keep each image once, if the same one lies there several times.
    """
    beside = {"--exponent": exponent, "--dimension": dimension, "--tolerance": tolerance}
    of_data = {"--size": size, "--channels": channels, "--distinct": distinct or None}
    match _the_one({"--strength": strength, "--kappa": kappa, "--gamma": gamma, "--data": data}):
        case "--strength":
            _refuse("--strength", {"--exponent": exponent, **of_data})
            _show_tikhonov(strength or 0.0, dimension, 0.01 if tolerance is None else tolerance)
        case "--kappa":
            _refuse("--kappa", {"--exponent": exponent, "--tolerance": tolerance, **of_data})
            _show_consistency(kappa or 0.0, dimension)
        case "--gamma":
            _refuse("--gamma", {"--dimension": dimension, "--tolerance": tolerance, **of_data})
            _show_shrinking(gamma or 0.0, exponent or 0.0)
        case _:
            _refuse("--data", beside)
            _show_strength(data or "", size, channels, distinct)
    return 0


def _the_one(settings: Mapping[str, object]) -> str:
    """The one setting that is given.  Raises InputError for none or several."""
    given = [name for name, value in settings.items() if value is not None]
    if len(given) != 1:
        raise InputError(
            got=" and ".join(given) or "no regularization",
            need="one of " + ", ".join(settings),
            remedy="for example byheart theory terminal --strength 1e-3",
        )
    return given[0]


def _refuse(asked: str, settings: Mapping[str, object]) -> None:
    if given := [name for name, value in settings.items() if value is not None]:
        raise InputError(
            got=f"{asked} with {' and '.join(given)}",
            need="what it is about alone",
            remedy="leave the others out",
        )


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


def _show_strength(choice: str, size: int | None, channels: Channels, distinct: bool) -> None:
    """The strength that predicts left-out images best, in pixels and in training units."""
    from byheart.cli.options import the_data
    from byheart.data.named import load
    from byheart.metrics.bandwidth import best_strength
    from byheart.theory.terminal import tikhonov_distance

    dataset = load(the_data(choice, size=size, channels=channels, distinct=distinct))
    best, d, scale = best_strength(dataset.images), dataset.images[0].numel(), dataset.scale
    print("strength that predicts left-out images best:")
    print(f"  in training units (RMS 1)   c = {best:.3g}, a floor of {best**0.5:.3g} on the noise")
    print(f"  in pixels                   c = {best * scale**2:.3g}, a floor of {best**0.5 * scale:.3g}")
    print(
        f"Under it samples are training images with that noise on each of {d} numbers, "
        f"{tikhonov_distance(best, d) * scale:.3g} pixels away: blurred copies, to be denoised before they are compared."
    )
