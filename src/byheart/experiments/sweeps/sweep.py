"""A sweep: settings shared by all runs, and a grid over some of them.

name = "width"
steps_per_image = 48                  # steps = 48 n, for every n of the grid
[base]
kind = "training"
model = { kind = "mlp", width = 256 }
[grid]
n = [64, 128]
"model.width" = [128, 256]            # dotted names reach into nested settings
"""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field, ValidationError, field_validator

from byheart._checks import InputError, refused
from byheart._records import Spec, identity
from byheart.experiments.runs.run import Run, parse_run

__all__ = ["Sweep", "checked", "merged", "read_toml"]

S = TypeVar("S", bound=Spec)


class Sweep(Spec):
    """All combinations of a grid with common settings.

    base: settings of a run.  grid: dotted setting -> its values.  steps_per_image: training steps = this × n.
    """

    name: str = Field(min_length=1, pattern=r"^[a-z0-9][a-z0-9_-]*$")
    base: dict[str, Any]
    grid: dict[str, list[Any]] = {}
    steps_per_image: float | None = Field(default=None, gt=0)

    @property
    def id(self) -> str:
        """Return the id of the sweep: equal settings have equal ids."""
        return identity(self)

    def runs(self, place: Callable[[str], str] | None = None) -> list[Run]:
        """Return the runs, the longest first, so that no long run starts last while other workers are idle.

        place: a dotted setting of a run -> its key in the file; None for the file of a sweep.
        Raises InputError for settings that do not fit.
        """
        cells = itertools.product(*self.grid.values())
        runs = [self._run(dict(zip(self.grid, cell, strict=True)), place or self._place) for cell in cells]
        return sorted(runs, key=lambda run: -run.steps)

    def _place(self, key: str) -> str:
        if key not in self.grid:
            return f"base.{key}"
        return f'grid."{key}"' if "." in key else f"grid.{key}"

    def _run(self, cell: Mapping[str, Any], place: Callable[[str], str]) -> Run:
        settings = merged(self.base, {})
        for name, value in cell.items():
            _put(settings, name, value)
        n = settings.get("n")
        if self.steps_per_image is not None and isinstance(
            n, int
        ):  # anything else is refused below, by its name
            _put(settings, "training.steps", round(self.steps_per_image * n))
        return parse_run(settings, place)

    @field_validator("grid")
    @classmethod
    def _filled(cls, grid: dict[str, list[Any]]) -> dict[str, list[Any]]:
        if empty := [name for name, values in grid.items() if not values]:
            raise InputError(
                got=f"no values for {', '.join(empty)}",
                need="at least one value each",
                remedy="mend the grid",
            )
        return grid

    @classmethod
    def from_toml(cls, path: Path) -> Sweep:
        """Read a sweep.  Raises InputError if there is no such file, it is no TOML, or no sweep."""
        settings = read_toml(path)
        if "scales" in settings or "arms" in settings:
            raise InputError(
                got=f"{path}, which is a study",
                need="a sweep: a TOML file with `base` and `grid`",
                remedy=f"this is a study; use byheart study {path}",
            )
        return checked(cls, settings)


def checked(spec: type[S], settings: Mapping[str, Any]) -> S:
    """Return the specification that a TOML file describes.  Raises InputError, with the key, for settings that do not fit."""
    try:
        return spec.model_validate(settings)
    except ValidationError as error:
        raise refused(error, spec) from error


def read_toml(path: Path) -> dict[str, Any]:
    """Read the content of a TOML file.  Raises InputError if there is no such file or it is no TOML."""
    if not path.exists():
        from byheart.experiments.catalog import study_names

        raise InputError(
            got=f"no such file: {path}",
            need="the path of a TOML file",
            remedy=f"check the path; the package's studies ({', '.join(study_names())}) run by name: byheart study NAME",
        )
    try:
        return tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(
            got=f"{path}, which cannot be read ({error})",
            need="a TOML file",
            remedy="check the path and the line that the message names",
        ) from error


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with the settings of `over` in addition, nested tables merged.  Neither argument is changed.

    A nested table with another `kind` replaces the old table, whose settings would not fit.
    """
    result: dict[str, Any] = {
        key: merged(value, {}) if isinstance(value, Mapping) else value for key, value in base.items()
    }
    for key, value in over.items():
        old = result.get(key)
        if (
            isinstance(value, Mapping)
            and isinstance(old, Mapping)
            and value.get("kind") in (None, old.get("kind"))
        ):
            result[key] = merged(old, value)
        else:
            result[key] = merged(value, {}) if isinstance(value, Mapping) else value
    return result


def _put(settings: dict[str, Any], name: str, value: Any) -> None:
    *path, last = name.split(".")
    for key in path:
        settings = settings.setdefault(key, {})
        if not isinstance(settings, dict):
            raise InputError(
                got=f"the setting {name!r}, where {key!r} is {settings!r}",
                need="dotted names that lead through tables",
                remedy="correct the name in the grid",
            )
    settings[last] = value
