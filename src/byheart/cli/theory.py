"""byheart theory: what is known without training, in numbers and figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

from tyro.conf import arg

from byheart.cli.options import Channels, Count, Root, check_place

if TYPE_CHECKING:
    from byheart.data.spec import Data
    from byheart.store.folders import RunFolder

__all__ = ["collapse", "terminal"]

Number = Annotated[Optional[float], arg(metavar="NUMBER")]
File = Annotated[Optional[Path], arg(metavar="FILE")]


def collapse(
    *,
    data: Annotated[Optional[str], arg(metavar="FOLDER|FILE|NAME[=PATH]")] = None,
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
    from byheart.experiments.regularization import collapse_panel
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
        _refuse_beside_run(data=data, size=size, channels=channels, distinct=distinct or None, n=n)
        chosen, n = _of_run(trained)
    chosen = chosen.model_copy(update={"standardize": False})
    asked = CollapseRun(data=chosen, n=n or _size(chosen), seed=seed, clones=clones)
    with progress(1) as tell:
        folder = execute(asked, root, tell=tell)
    _show_collapse(folder, trained)
    place = figure or folder.path / "collapse.png"
    write_atomic(place, png(panel_figure(collapse_panel(folder))))
    print(f"\nfigure: {place}")
    return 0


def _check_png(figure: Path) -> None:
    if figure.suffix.lower() != ".png":
        from byheart._checks import InputError

        raise InputError(
            got=f"--figure {figure}", need="a file .png", remedy=f"name it {figure.with_suffix('.png')}"
        )


def _size(data: Any) -> int:
    from byheart.data.named import load

    return len(load(data))


def _refuse_beside_run(**settings: object) -> None:
    from byheart._checks import InputError

    if given := [f"--{name}" for name, value in settings.items() if value is not None]:
        raise InputError(
            got=f"--run with {' and '.join(given)}",
            need="the run's own data and n",
            remedy="leave the others out",
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

    rows = folder.rows()
    last = rows[-1]
    name = folder.read_record("data")["name"]
    shape = folder.read_record("data")["shape"]
    unit = "pixels in [0, 1]" if len(shape) == 3 else "numbers"
    of = f", a fair draw like that of run {trained.id}" if trained else ""
    print(f"{name}: {last['n']:,} samples of {last['dimension']:,} {unit}{of}\n")
    facts = [
        ("r_c, data alone", "half of the posterior weight is on the own image", _interval(last, "r_c/data")),
        ("r_c, spectrum", "½ Σ log(1 + λ/r²) = log n, as if Gaussian", number(last["r_c/spectrum"])),
        ("last switch", "median level of the last change of the nearest image", number(_switch(last))),
        ("r_s, speciation", "√(largest λ): classes part", number(last["r_s"])),
    ]
    facts += [] if trained is None else [_bound(trained)]
    show(("noise level", "what happens there", "sigma"), facts)
    print()
    show(
        (
            "sigma / r_c",
            "own weight [95 %]",
            "clones agree [95 %]",
            "images that share",
            "Jacobian trace",
            "Gaussian's",
        ),
        [
            (
                number(row["relative"]),
                _interval(row, "own_weight"),
                _interval(row, "agreement"),
                number(row["n_eff"]),
                number(row["trace"]),
                number(row["formula/trace"]),
            )
            for row in rows
        ],
    )


def _switch(row: Any) -> float:
    return float(row["switch/median"]) * float(row["r_c/data"])


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
    data: Annotated[Optional[str], arg(metavar="FOLDER|FILE|NAME[=PATH]")] = None,
) -> int:
    """Say whether a regularized exact score still copies, and how often.

    Give one of --strength (Tikhonov), --kappa (consistency score) or --gamma (γ = gamma · σ^−exponent), or --data alone for the
    strength that predicts left-out images best.

    Args:
        strength: Tikhonov's c, a squared distance.
        kappa: Of the consistency score, τ = exp(−κ d/2).
        gamma: Factor of the shrinkage γ = gamma · σ^−exponent.
        exponent: Its exponent, at most 20; 0, a constant, by default.
        dimension: Numbers in one sample, d; that of the data where they are given, else 2.
        tolerance: A sample within this distance of a training point is a copy; 0.01 by default.
        data: Your images, in units where pixels lie in [0, 1].
    """
    from byheart._checks import InputError
    from byheart.theory import terminal as theory

    asked = [
        name
        for name, value in (("strength", strength), ("kappa", kappa), ("gamma", gamma))
        if value is not None
    ]
    _check_numbers(strength=strength, kappa=kappa, gamma=gamma, exponent=exponent, tolerance=tolerance)
    if dimension is not None and dimension < 1:
        raise InputError(got=f"--dimension {dimension}", need="at least 1", remedy="leave it out")
    if (exponent is not None and gamma is None) or (tolerance is not None and not (strength or data)):
        raise InputError(
            got="--exponent without --gamma, or --tolerance without --strength or --data",
            need="the regularizer that it is about",
            remedy="leave it out, or add that",
        )
    tol = 0.01 if tolerance is None else tolerance
    if len(asked) > 1 or not (asked or data):
        raise InputError(
            got=" and ".join(f"--{name}" for name in asked) or "no regularization",
            need="one of --strength, --kappa and --gamma, or --data",
            remedy="for example byheart theory terminal --strength 1e-3",
        )
    d, best = (2 if dimension is None else dimension, None) if data is None else _of_data(data, dimension)
    if best is not None:
        print(
            f"strength that predicts left-out images best: c = {best:.3g}, a floor of {best**0.5:.3g} on the noise"
        )
        strength = best if not asked else strength
    if strength is not None:
        share, distance = (
            theory.tikhonov_copies(tol, strength, d),
            theory.tikhonov_distance(strength, d),
        )
        print(
            f"Tikhonov, c = {strength:g}, d = {d}: samples are training points with noise of {strength**0.5:.3g} a number"
        )
        print(f"share within {tol:g} of a training point: {share:.3g}; mean distance {distance:.3g}")
    elif kappa is not None:
        share = theory.consistency_copies(kappa, d)
        print(
            f"consistency score, κ = {kappa:g}, d = {d}: a share of {share:.3g} is captured by a training point"
        )
    elif gamma is not None:
        _show_shrinking(gamma, exponent or 0.0)
    return 0


def _check_numbers(**values: float | None) -> None:
    from byheart._checks import InputError

    for name, value in values.items():
        most = 20.0 if name == "exponent" else 1e12
        if value is not None and not -most <= value <= most:
            raise InputError(
                got=f"--{name} {value:g}", need=f"a number up to {most:g}", remedy="give another"
            )


def _show_shrinking(gamma: float, exponent: float) -> None:
    from byheart.theory.terminal import shrinking

    found = shrinking(lambda r: gamma * r**-exponent)
    verdict = {True: "still memorizes, only slower", False: "stops short of the data", None: "cannot tell"}
    print(f"γ = {gamma:g} · σ^−{exponent:g}: {verdict[found.memorizes]}")
    print(f"distance left at σ = 1e-12 over that at σ = 1: {found.distance:.3g}")


def _of_data(choice: str, dimension: int | None) -> tuple[int, float]:
    """The dimension of the data, and their best strength."""
    from byheart._checks import InputError
    from byheart.cli.options import the_data
    from byheart.data.named import load
    from byheart.metrics.bandwidth import best_strength

    images = load(the_data(choice).model_copy(update={"standardize": False})).images
    d = images[0].numel()
    if dimension not in (None, d):
        raise InputError(
            got=f"--dimension {dimension} for data of {d}", need="that of the data", remedy="leave it out"
        )
    return d, best_strength(images)
