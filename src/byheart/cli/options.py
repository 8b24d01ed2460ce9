"""Options that several verbs share, and what they mean.

Optional[X] rather than X | None, in all verbs: for the latter the parser imports a type checker, half its own time.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Optional

from tyro.conf import arg

if TYPE_CHECKING:
    from byheart.data.spec import Data

__all__ = ["Count", "Device", "DataChoice", "OwnData", "Root", "Workers", "cores", "own_data", "the_data"]

DATA = arg(metavar="FOLDER|FILE|NAME[=PATH]")
DataChoice = Annotated[str, DATA]
OwnData = Annotated[Optional[str], DATA]
Device = Literal["auto", "cpu", "cuda"]
Root = Annotated[Path, arg(metavar="FOLDER")]
Workers = Annotated[Optional[int], arg(metavar="COUNT")]
Count = Annotated[Optional[int], arg(metavar="COUNT")]

ARRAY_FILES = {".npz", ".npy", ".safetensors"}


def cores(workers: int | None) -> int:
    """How many processes work at a time: as asked, else one for every core this process may use."""
    if workers is not None:
        return workers
    # Only Linux says which cores this process may use; elsewhere all of them count.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def own_data(
    choice: str | None, size: int | None, channels: Literal[1, 3] | None, heldout: int | None
) -> Data | None:
    """The data that replace a recipe's; None if --data is not given.

    Raises InputError as `the_data` does, and for settings without --data.
    """
    from byheart._checks import InputError

    settings = {"size": size, "channels": channels, "heldout": heldout}
    if choice is not None:
        return the_data(choice, **settings)
    if any(value is not None for value in settings.values()):
        raise InputError(
            got="--size, --channels or --heldout without --data",
            need="the data that they are about",
            remedy="add --data NAME or --data FOLDER",
        )
    return None


def the_data(choice: str, **settings: int | None) -> Data:
    """The data that --data names: a folder of images, a file of arrays, or a data set by its name.

    NAME=PATH is for data sets that do not lie at a known place, such as celeba=FOLDER.  settings: others of the data.
    Raises InputError for a name or path that is none of these.
    """
    from byheart._checks import InputError
    from byheart.data.spec import NAMES, Data

    name, _, where = choice.partition("=")
    if not where and choice in NAMES:
        return Data.model_validate({"name": choice, **settings})
    if not where:
        name, where = "arrays" if Path(choice).suffix in ARRAY_FILES else "folder", choice
    if not Path(where).exists():
        raise InputError(
            got=f"--data {choice}, where nothing lies",
            need="a folder of images, a file .npz, .npy or .safetensors, or one of " + ", ".join(NAMES),
            remedy="check the path; see `byheart data ls`",
        )
    return Data.model_validate({"name": name, "path": str(Path(where).resolve()), **settings})
