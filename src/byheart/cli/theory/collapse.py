"""byheart theory collapse: the noise level below which the exact score of your data copies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

from tyro.conf import arg

from byheart.cli.options import (
    Channels,
    Count,
    Fit,
    Orientation,
    OwnData,
    Root,
    Transparency,
    White,
    of_images,
    refuse_beside,
)

if TYPE_CHECKING:
    from byheart.data.spec import Data
    from byheart.store.folders import RunFolder

__all__ = ["collapse"]

File = Annotated[Optional[Path], arg(metavar="FILE")]


def collapse(
    *,
    data: OwnData = None,
    size: Annotated[Optional[int], arg(metavar="PIXELS")] = None,
    channels: Channels = None,
    distinct: bool = False,
    orientation: Orientation = None,
    fit: Fit = None,
    transparency: Transparency = None,
    white: White = None,
    n: Count = None,
    seed: int = 0,
    clones: int = 500,
    run: Annotated[Optional[str], arg(metavar="RUN")] = None,
    figure: File = None,
    root: Root = Path("runs"),
) -> int:
    """Find the noise level below which the exact score of your data copies.

    Below this level the posterior holds one training image: whatever a sampler does is copying.  The level is found by four signs and by theory, and kept as a run, so that asking again costs nothing.

    Args:
        data: A folder of images, an array file, or the name of a data set; digits by default. Where a word is both, ./NAME is the path and name:NAME the set.
        size: Resize your images to this many pixels a side.
        channels: Read your images as grey (1) or RGB (3).
        distinct: Keep each image once, if the same one lies there several times.
        orientation: Turn photographs as their rotation mark says (shown, the default), or read their pixels as stored.
        fit: Make squares of other images by cutting out the middle (cut, the default) or by squashing them, as Resize((S, S)) does.
        transparency: Lay transparent images on white (the default) or black, or show the colors that are hidden below (convert("RGB")).
        white: Which integer is white, where the type of the numbers does not say, for example 1 for masks, 4095 for 12 bits.
        n: Training images, a fair draw of the data; all of them by default.
        seed: Random seed; the same seed gives the same result.
        clones: Pairs of samples that part at each level.
        run: A trained run: its data and n in the place of --data and --n, and what its held-out losses say.
        figure: Where to draw it, a PNG file; by default in the run's folder.
        root: Where the run is kept.
    """
    from byheart._records import write_atomic
    from byheart.cli.options import tell_notes, the_data
    from byheart.cli.outputs import check_outputs, check_png, drawn
    from byheart.cli.progress import progress
    from byheart.experiments.kinds.shared.split import read_data
    from byheart.experiments.runs.execute import execute
    from byheart.experiments.runs.run import CollapseRun
    from byheart.report.panels import panel_figure
    from byheart.report.vector import png
    from byheart.store.folders import find_run
    from byheart.studies.s2_regularization.collapse import collapse_panel

    check_outputs({"--figure": figure})
    check_png(figure)
    of_data = of_images(size, channels, orientation, fit, transparency, white)
    trained = None if run is None else find_run(root, run)
    if trained is None:
        chosen = the_data(data or "name:digits", distinct=distinct, **of_data)
    else:
        settings = {"data": data, **of_data, "distinct": distinct or None, "n": n}
        refuse_beside("--run", {f"--{name}": value for name, value in settings.items()})
        chosen, n = _of_run(trained)
    chosen = chosen.model_copy(update={"standardize": False})
    dataset = read_data(chosen)
    tell_notes(dataset)
    asked = CollapseRun(data=chosen, n=len(dataset) if n is None else n, seed=seed, clones=clones)
    with progress(1) as tell:
        folder = execute(asked, root, tell=tell)
    _show_collapse(folder, trained)
    place = figure or folder.path / "collapse.png"
    picture = drawn(
        "the figure",
        lambda: png(panel_figure(collapse_panel(folder))),
        lambda: "the run is kept: the same command draws it later, and computes nothing again",
    )
    if picture is not None:
        write_atomic(place, picture)
        print(f"\nfigure: {place}")
    return 0


def _of_run(trained: RunFolder) -> tuple[Data, int]:
    """Read the data of a training run, and the number of its training images.  Raises InputError for another run."""
    from byheart.experiments.runs.load import load
    from byheart.experiments.runs.run import parse_run

    load(trained)  # refuses what was not trained, or is not whole, before anything is computed
    spec = parse_run(trained.header()["spec"])
    return spec.data, spec.n


def _bound(trained: RunFolder) -> tuple[str, str, str]:
    """Make the line that a trained run adds."""
    from byheart.experiments.runs.bound import bound_of_run
    from byheart.report.words import plain_number

    found = bound_of_run(trained)
    value = "–" if found.value is None else f"at most {plain_number(found.value)}"
    return (f"r_c, run {trained.id}", f"I-MMSE of its losses on {found.images:,} held-out images", value)


def _show_collapse(folder: RunFolder, trained: RunFolder | None) -> None:
    from byheart.cli.tables import show
    from byheart.report.words import plain_number

    rows, data = folder.rows(), folder.read_record("data")
    last = rows[-1]
    kind = "pixels in [0, 1]" if len(data["shape"]) == 3 else "numbers"
    of = f", a fair draw like that of run {trained.id}" if trained else ""
    print(f"{data['name']}: {last['n']:,} samples of {last['dimension']:,} {kind}{of}\n")
    facts = [_bound(trained)] if trained else []
    show(("noise level", "what happens there", "sigma"), [*_facts(last), *facts])
    unit = last["unit"]
    print(
        f"\nIn training units (RMS 1), the sigma of byheart.sample and of trained runs, divide by {plain_number(unit)}: "
        f"r_c is {plain_number(last['r_c/data'] / unit)}.\n"
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
    """List the characteristic levels: the lines that hold for the data as a whole."""
    from byheart.report.words import plain_number

    switch = float(last["switch/median"]) * float(last["r_c/data"])
    return [
        ("r_c, data alone", "half of the posterior weight is on the own image", _interval(last, "r_c/data")),
        ("r_c, spectrum", "½ Σ log(1 + λ/r²) = log n, as if Gaussian", plain_number(last["r_c/spectrum"])),
        ("last switch", "median level of the last change of the nearest image", plain_number(switch)),
        ("r_s, speciation", "√(largest λ): classes part", plain_number(last["r_s"])),
    ]


def _signs(row: Any) -> tuple[str, ...]:
    """List what is seen at one level."""
    from byheart.report.words import plain_number

    intervals = (_interval(row, "own_weight"), _interval(row, "agreement"))
    return (
        plain_number(row["relative"]),
        *intervals,
        *(plain_number(row[name]) for name in ("n_eff", "trace", "formula/trace")),
    )


def _interval(row: Any, name: str) -> str:
    from byheart.report.words import plain_number

    return (
        f"{plain_number(row[name])} [{plain_number(row[f'{name}_low'])}, {plain_number(row[f'{name}_high'])}]"
    )
