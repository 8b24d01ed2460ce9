"""Studies: published experiments as recipes, in scales, with their claims.

A study is a TOML file: `arms` (what is trained), `scales` (how much of it), `claims` (what it should show).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

import byheart
from byheart._checks import InputError
from byheart._records import Spec, identity
from byheart.data.spec import Data
from byheart.experiments.claims import Claim
from byheart.experiments.run import Run
from byheart.experiments.sweep import Sweep, merged, read_toml

__all__ = ["Arm", "Cell", "Scale", "Study", "load_study", "study_names"]

RECIPES = Path(byheart.__file__).parent / "studies"


class Arm(Spec):
    """One kind of model and its training.  base: settings of a run.  steps_per_image: training steps = this × n."""

    base: dict[str, Any]
    steps_per_image: float | None = Field(default=None, gt=0)


class Cell(Spec):
    """One arm at one scale: a grid over its settings, and settings put over its base."""

    arm: str
    grid: dict[str, list[Any]] = {}
    base: dict[str, Any] = {}
    steps_per_image: float | None = Field(default=None, gt=0)


class Scale(Spec):
    """How much of a study.  takes: how long that takes, in words."""

    takes: str
    arms: tuple[Cell, ...] = Field(min_length=1)


class Study(Spec):
    """A published experiment.  paper: its arXiv identifier.  main_arm: the arm that the report shows first."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str
    paper: str
    main_arm: str
    arms: dict[str, Arm]
    scales: dict[str, Scale]
    claims: tuple[Claim, ...] = ()

    def scale(self, name: str) -> Scale:
        """The scale of that name.  Raises InputError if the study has none."""
        if name not in self.scales:
            raise InputError(
                got=f"scale {name!r} of the study {self.name}",
                need="one of " + ", ".join(self.scales),
                remedy="choose one with --scale",
            )
        return self.scales[name]

    def sweeps(self, scale: str, data: Data | None = None) -> dict[str, Sweep]:
        """Arm -> its sweep at a scale; `data` replaces the recipe's data."""
        return {cell.arm: self._sweep(cell, data) for cell in self.scale(scale).arms}

    def _sweep(self, cell: Cell, data: Data | None) -> Sweep:
        if cell.arm not in self.arms:
            raise InputError(
                got=f"arm {cell.arm!r} in a scale of {self.name}",
                need="one of " + ", ".join(self.arms),
                remedy="mend the study's TOML file",
            )
        arm = self.arms[cell.arm]
        base = merged(arm.base, cell.base)
        return Sweep(
            name=f"{self.name}-{cell.arm}",
            base=base if data is None else {**base, "data": _in_place_of(base.get("data", {}), data)},
            grid=cell.grid,
            steps_per_image=cell.steps_per_image or arm.steps_per_image,
        )

    def runs(self, scale: str, data: Data | None = None) -> dict[str, list[Run]]:
        """Arm -> its runs at a scale, the longest first."""
        return {arm: sweep.runs() for arm, sweep in self.sweeps(scale, data).items()}

    def folder_name(self, scale: str, data: Data | None = None) -> str:
        """Name of the folder that this study's report goes to: it changes with anything that changes a run."""
        sweeps = "".join(identity(sweep) for sweep in self.sweeps(scale, data).values())
        return f"{self.name}-{scale}-{_digest(sweeps)}"


def _in_place_of(published: Mapping[str, Any], data: Data) -> dict[str, Any]:
    # CelebA is not to be had without a folder of yours: there --data only says where it lies.
    if published.get("name") == "celeba" and data.name == "folder":
        return {**published, "path": data.path}
    return data.model_dump(mode="json")


def _digest(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()[:8]


def study_names() -> list[str]:
    """The studies inside the package."""
    return sorted(path.stem for path in RECIPES.glob("*.toml"))


def load_study(name: str) -> Study:
    """A study of the package by its name, or one of yours by the path of its TOML file.

    Raises InputError if there is none, pydantic.ValidationError if its content does not fit.
    """
    return Study.model_validate(read_toml(study_file(name)))


def study_file(name: str) -> Path:
    """The TOML file of a study.  Raises InputError if there is none."""
    for path in (RECIPES / f"{name}.toml", Path(name)):
        if path.is_file():
            return path
    raise InputError(
        got=f"study {name!r}",
        need="one of " + ", ".join(study_names()) + ", or the path of a TOML file",
        remedy="see `byheart study --help`",
    )
