"""byheart study: a published experiment, from nothing to its report."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

from tyro.conf import Positional, arg

from byheart.cli.options import (
    Channels,
    Count,
    Device,
    Fit,
    Orientation,
    OwnData,
    Root,
    Transparency,
    White,
    Workers,
    cores,
    of_images,
    own_data,
)
from byheart.experiments.catalog import study_titles

if TYPE_CHECKING:
    from byheart.data.spec import Data
    from byheart.experiments.study.recipe import Study

__all__ = ["study"]


# A help text of several lines stands here: in a docstring its line breaks would be printed.
SCALE = (
    "Size of the study: ci (a test of the program: seconds), demo (minutes), cpu (minutes to an hour and a half), long (hours) or "
    "paper (as published: days on a GPU). Not every study has every size; --dry-run estimates the time on this machine. By "
    "default demo, or cpu for a study that has no demo size."
)
DATA = (
    "Your own images instead of the data set of the study, for onset and for studies of your own: a folder, an array file, or "
    "the name of a data set (see byheart data ls); NAME=PATH where the data set is not found by itself."
)
DISTINCT = (
    "Remove exact duplicates from your images before training, after resizing. Recommended: copies of a training image that "
    "occurs twice are not counted as copies."
)
STUDIES = " ".join(f"{name}: {title}" for name, title in study_titles().items())


def study(
    name: Annotated[
        Positional[str],
        arg(
            metavar="STUDY",
            help=f"A study of the package, or the path of a TOML file with a study of your own. {STUDIES}",
        ),
    ],
    *,
    scale: Annotated[Optional[str], arg(metavar="SCALE", help=SCALE)] = None,
    data: Annotated[OwnData, arg(help=DATA)] = None,
    size: Annotated[Optional[int], arg(metavar="PIXELS")] = None,
    channels: Channels = None,
    heldout: Count = None,
    distinct: Annotated[bool, arg(help=DISTINCT)] = False,
    orientation: Orientation = None,
    fit: Fit = None,
    transparency: Transparency = None,
    white: White = None,
    device: Device = "auto",
    workers: Workers = None,
    root: Root = Path("runs"),
    dry_run: bool = False,
) -> int:
    """Run a published experiment and write its report.

    The report is written to runs/STUDY-SCALE-…/report.html. If a study was interrupted, the same command continues the study;
    if the study is complete, the command only writes the report again.

    Args:
        name: A study of the package, or the path of a TOML file.
        scale: Size of the study.
        data: Your own images instead of the data set of the study: a folder, an array file, or the name of a data set. Where a word is both, ./NAME is the path and name:NAME the set.
        size: Resize your images to this many pixels per side. By default the images keep their size.
        channels: Read your images as grey (1) or RGB (3). By default as the files are.
        heldout: Number of your images that are kept out of training. By default two fifths of the images, from 3 to 700.
        distinct: Remove exact duplicates from your images before training.
        orientation: Turn photographs as their rotation mark says (shown, the default), or read their pixels as stored.
        fit: Make squares of other images by cutting out the middle (cut, the default) or by squashing them, as Resize((S, S)) does.
        transparency: Lay transparent images on white (the default) or black, or show the colors that are hidden below (convert("RGB")).
        white: Which integer is white, where the type of the numbers does not say, for example 1 for masks, 4095 for 12 bits.
        device: Device for training: cpu, cuda, or auto (cuda if available).
        workers: Number of runs at the same time. By default one per CPU core, or one in total on a GPU.
        root: Folder in which the runs and the report are stored.
        dry_run: Print what the study would do and about how long this takes on this machine. Nothing is trained or written.
    """
    from byheart.experiments.study.recipe import load_study

    of_data = of_images(size, channels, orientation, fit, transparency, white)
    settings = {**of_data, "heldout": heldout}
    recipe, own = load_study(name), own_data(data, distinct, settings)
    scale = scale or ("demo" if "demo" in recipe.scales else "cpu")
    if dry_run:
        return _plan(recipe, scale, own, root, cores(workers, device), device)
    from byheart.cli.claims import verdicts
    from byheart.cli.outputs import drawn
    from byheart.cli.progress import progress
    from byheart.experiments.study.conduct import conduct
    from byheart.store.folders import read_json
    from byheart.studies.pages import write_report

    count = cores(workers, device)
    command = _command(name, scale, {"data": data, **settings}, distinct)
    with progress(count) as tell:
        folder = conduct(
            recipe,
            scale,
            root=root,
            workers=count,
            device=device,
            data=own,
            command=command,
            tell=tell,
        )
    verdicts(read_json(folder.path / "claims.json")["claims"])
    again = f"all that was measured is stored; later: byheart report {shlex.quote(str(folder.path))}"
    page = drawn("the page", lambda: write_report(folder.path), lambda: again, into=folder.path)
    if page is not None:
        print(f"\nreport: {page}")
    return 0


def _command(name: str, scale: str, settings: Mapping[str, object], distinct: bool) -> str:
    """Write the command that repeats the study: all that decides a number."""
    words = ["byheart", "study", name, "--scale", scale]
    for setting, value in settings.items():
        words += [] if value is None else [f"--{setting}", str(value)]
    return shlex.join(words + ["--distinct"] * distinct)


def _plan(recipe: Study, scale: str, own: Data | None, root: Path, workers: int, device: str) -> int:
    from byheart.cli.plan import show_plan
    from byheart.experiments.study.conduct import fitting

    arms = recipe.runs(scale, own)
    # What the recipe says of its time holds for its own data only.
    print(f"{recipe.title}  Scale {scale}" + (f": {recipe.scale(scale).takes}.\n" if own is None else ".\n"))
    if own is not None:
        arms = fitting(arms, lambda event: print(f"note: {event['text']}\n"))
    show_plan(arms, root, workers, device)
    return 0
