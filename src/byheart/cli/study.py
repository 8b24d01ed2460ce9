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
from byheart.experiments.catalog import study_names

if TYPE_CHECKING:
    from byheart.data.spec import Data
    from byheart.experiments.study.recipe import Study

__all__ = ["study"]


def study(
    name: Annotated[
        Positional[str],
        arg(
            metavar="STUDY",
            help=f"A study of the package ({', '.join(study_names())}), or the path of a TOML file.",
        ),
    ],
    *,
    scale: Annotated[Optional[str], arg(metavar="SCALE")] = None,
    data: OwnData = None,
    size: Annotated[Optional[int], arg(metavar="PIXELS")] = None,
    channels: Channels = None,
    heldout: Count = None,
    distinct: bool = False,
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

    Interrupted, the same command goes on where it stopped; done, it only writes the report again.

    Args:
        name: A study of the package, or the path of a TOML file.
        scale: How much of it: ci, demo, cpu, long or paper; by default demo, or cpu for a study without one.
        data: Your images in the place of the study's: a folder, an array file, or the name of a data set. Where a word is both, ./NAME is the path and name:NAME the set.
        size: Resize your images to this many pixels a side.
        channels: Read your images as grey (1) or RGB (3).
        heldout: How many of your images to keep out of training.
        distinct: Keep each of your images once, if the same one lies there several times.
        orientation: Turn photographs as their rotation mark says (shown, the default), or read their pixels as stored.
        fit: Make squares of other images by cutting out the middle (cut, the default) or by squashing them, as Resize((S, S)) does.
        transparency: Lay transparent images on white (the default) or black, or show the colors that are hidden below (convert("RGB")).
        white: Which integer is white, where the type of the numbers does not say, for example 1 for masks, 4095 for 12 bits.
        device: Where to train.
        workers: Runs at a time; by default one for every core, or one on a GPU.
        root: Where the runs are kept.
        dry_run: Say what would be done and about how long it takes; write nothing.
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
