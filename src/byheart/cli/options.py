"""Options that several verbs share, and what they mean.

Optional[X] rather than X | None, in all verbs: for the latter the parser imports a type checker, half its own time.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Optional

from tyro.conf import arg

if TYPE_CHECKING:
    from byheart.data.spec import Data

__all__ = [
    "Channels",
    "Count",
    "Address",
    "Checkpoints",
    "Device",
    "Executor",
    "OwnData",
    "Root",
    "Workers",
    "cores",
    "own_data",
    "refuse_beside",
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

GPU_DRIVERS = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")  # NVIDIA, AMD, Windows' Linux


def cores(workers: int | None, device: Device = "auto") -> int:
    """How many processes work at a time: as asked, else one on a GPU, else one for every core this process may use."""
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


def check_place(flag: str, file: Path) -> None:
    """Raise InputError for an output file in a folder that does not exist: its name is often mistyped."""
    from byheart._checks import InputError

    if not file.parent.is_dir():
        raise InputError(
            got=f"{flag} {file}, in a folder that does not exist",
            need="a folder that is there",
            remedy=f"correct the path, or make the folder: mkdir -p {shlex.quote(str(file.parent))}",
        )


def own_data(
    choice: str | None,
    size: int | None,
    channels: Literal[1, 3] | None,
    heldout: int | None,
    distinct: bool,
) -> Data | None:
    """The data that replace a recipe's; None if --data is not given.

    Raises InputError as `the_data` does, and for settings without --data.
    """
    settings = {"size": size, "channels": channels, "heldout": heldout}
    if choice is not None:
        return the_data(choice, **settings, distinct=distinct)
    refuse_without_data(
        {**{f"--{name}": value for name, value in settings.items()}, "--distinct": distinct or None}
    )
    return None


def refuse_without_data(settings: Mapping[str, object]) -> None:
    """Raise InputError if any of these flags was given where no --data is.  settings: flag -> value, None where not given."""
    from byheart._checks import InputError

    if given := [flag for flag, value in settings.items() if value is not None]:
        raise InputError(
            got=f"{' and '.join(given)} without --data",
            need="the data that this is about",
            remedy="add --data NAME or --data FOLDER",
        )


def the_data(choice: str, **settings: int | bool | None) -> Data:
    """The data that --data names: a folder of images, a file of arrays, or a data set by its name.

    NAME=PATH is for data sets that do not lie at a known place, such as celeba=FOLDER.  settings: others of the data.
    Raises InputError for a name or path that is none of these.
    """
    from byheart._checks import InputError
    from byheart.data.reader.path import FILES
    from byheart.data.spec import NAMES, Data

    name, _, where = choice.partition("=")
    if not where and choice in NAMES:
        return Data.model_validate({"name": choice, **settings})
    if not where:
        name, where = "folder" if Path(choice).is_dir() else "arrays", choice
    if not Path(where).exists():
        raise InputError(
            got=f"--data {choice}, where nothing lies",
            need=f"a folder of images, a file {', '.join(FILES)}, or one of {', '.join(NAMES)}",
            remedy="check the path; see `byheart data ls`",
        )
    return Data.model_validate({"name": name, "path": str(Path(where).resolve()), **settings})


def refuse_beside(asked: str, settings: Mapping[str, object]) -> None:
    """Raise InputError if any of these flags was given beside one that stands alone.  asked: that one."""
    from byheart._checks import InputError

    if given := [name for name, value in settings.items() if value is not None]:
        raise InputError(
            got=f"{asked} with {' and '.join(given)}",
            need="what it is about alone",
            remedy="leave the others out",
        )
