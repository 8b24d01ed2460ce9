"""Options that several verbs share, and what they mean.

Optional[X] rather than X | None, in all verbs: for the latter the parser imports a type checker, half its own time.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Optional

from tyro.conf import arg

if TYPE_CHECKING:
    from byheart.data.dataset import Dataset
    from byheart.data.spec import Data

__all__ = [
    "Channels",
    "Count",
    "Address",
    "Checkpoints",
    "Device",
    "Executor",
    "Fit",
    "Orientation",
    "OwnData",
    "Root",
    "Transparency",
    "White",
    "Workers",
    "cores",
    "of_images",
    "own_data",
    "refuse_beside",
    "refuse_without_data",
    "tell_notes",
    "the_data",
]

DATA = arg(metavar="FOLDER|FILE|NAME[=PATH]")
OwnData = Annotated[Optional[str], DATA]
Device = Literal["auto", "cpu", "cuda"]
Root = Annotated[Path, arg(metavar="FOLDER")]
Workers = Annotated[Optional[int], arg(metavar="COUNT")]
Count = Annotated[Optional[int], arg(metavar="COUNT")]
Executor = Literal["local", "ray"]
Address = Annotated[Optional[str], arg(metavar="HOST:PORT")]
Checkpoints = Annotated[Optional[Path], arg(metavar="FOLDER")]
Channels = Annotated[Optional[Literal[1, 3]], arg(metavar="{1,3}")]  # the parser's own lists None

Orientation = Annotated[Optional[Literal["shown", "stored"]], arg(metavar="{shown,stored}")]
Fit = Annotated[Optional[Literal["cut", "squash"]], arg(metavar="{cut,squash}")]
Transparency = Annotated[Optional[Literal["white", "black", "hidden"]], arg(metavar="{white,black,hidden}")]
White = Annotated[Optional[int], arg(metavar="INTEGER")]

GPU_DRIVERS = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")  # NVIDIA, AMD, Windows' Linux


def cores(workers: int | None, device: Device = "auto") -> int:
    """Choose how many processes work at a time: as given, else one on a GPU, else one for every core this process may use."""
    if workers is not None and workers < 1:
        from byheart._checks import InputError

        raise InputError(got=f"--workers {workers}", need="at least 1", remedy="leave it out for one a core")
    if workers is not None:
        return workers
    if device != "cpu" and _has_gpu():
        return 1  # runs beside each other on one GPU share its memory, and gain little
    # Only Linux says which cores this process may use; elsewhere all of them count.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _has_gpu() -> bool:
    # Asking torch costs its import in this process, which trains nothing itself; without a driver there is no need to.
    if not any(Path(driver).exists() for driver in GPU_DRIVERS):
        return False
    import torch

    return torch.cuda.is_available()


def own_data(choice: str | None, distinct: bool, settings: Mapping[str, int | str | None]) -> Data | None:
    """Make the data that replace a recipe's; None if --data is not given.  settings: other settings of the data, by name.

    Raises InputError as `the_data` does, and for settings without --data.
    """
    if choice is not None:
        return the_data(choice, distinct=distinct, **settings)
    refuse_without_data(
        {**{f"--{name}": value for name, value in settings.items()}, "--distinct": distinct or None}
    )
    return None


def refuse_without_data(settings: Mapping[str, object]) -> None:
    """Raise InputError if any of these flags was given without --data.  settings: flag -> value, None if not given."""
    from byheart._checks import InputError

    if given := [flag for flag, value in settings.items() if value is not None]:
        raise InputError(
            got=f"{' and '.join(given)} without --data",
            need="the data to which this applies",
            remedy="add --data NAME or --data FOLDER",
        )


def of_images(
    size: int | None,
    channels: Literal[1, 3] | None,
    orientation: str | None,
    fit: str | None,
    transparency: str | None,
    white: int | None,
) -> dict[str, int | str | None]:
    """Collect the settings of images by name, None for those that are not given."""
    return {
        "size": size,
        "channels": channels,
        "orientation": orientation,
        "fit": fit,
        "transparency": transparency,
        "white": white,
    }


def the_data(choice: str, **settings: int | str | bool | None) -> Data:
    """Make the data that --data names: a folder of images, a file of arrays, or a data set by its name.

    NAME=PATH is for data sets that do not lie at a known place, such as celeba=FOLDER.  settings: other settings of the data;
    None is the default.
    Raises InputError for a name or path that is none of these, a word that is both a name and a path, and a part of a set.
    """
    from byheart._checks import InputError, expanded, printable
    from byheart.data.reader.path import FILES
    from byheart.data.spec import NAMES, Data
    from byheart.data.words import lies, set_name

    given = {name: value for name, value in settings.items() if value is not None}
    named = set_name(choice, NAMES)
    if named is not None and named.sliced:
        raise InputError(
            got=f"--data {printable(choice)}, a part of a set",
            need="a whole set, of which training and held-out images are drawn",
            remedy="leave the part out; --samples, --train and --heldout of an audit take parts",
        )
    if named is not None and named.path is None:
        return Data.model_validate({"name": named.name, **given})
    where = expanded(choice if named is None or named.path is None else named.path)
    if not lies(where):
        raise InputError(
            got=f"--data {printable(choice)}, where nothing lies",
            need=f"a folder of images, a file {', '.join(FILES)}, or one of {', '.join(NAMES)}",
            remedy="check the path; see `byheart data ls`",
        )
    name = named.name if named is not None else "folder" if where.is_dir() else "arrays"
    return Data.model_validate({"name": name, "path": str(where.resolve()), **given})


def tell_notes(dataset: Dataset) -> None:
    """Print on stderr what the reader of the data did to the files, and which files were left out."""
    for note in dataset.notes:
        print(f"note: {note}", file=sys.stderr)


def refuse_beside(asked: str, settings: Mapping[str, object]) -> None:
    """Raise InputError if any of these flags was given together with a flag that stands alone.  asked: the flag that stands alone."""
    from byheart._checks import InputError

    if given := [name for name, value in settings.items() if value is not None]:
        raise InputError(
            got=f"{asked} with {' and '.join(given)}",
            need=f"{asked} alone",
            remedy="leave the others out",
        )
