"""The studies inside the package, and their folders and files."""

from __future__ import annotations

import tomllib
from pathlib import Path

from byheart._checks import InputError, meant

__all__ = ["RECIPES", "study_file", "study_home", "study_names", "study_titles"]

RECIPES = Path(__file__).parents[1] / "studies"


def study_names() -> list[str]:
    """List the names of the studies inside the package, sorted."""
    return sorted(path.parent.name.replace("_", "-") for path in RECIPES.glob("*/study.toml"))


def study_titles() -> dict[str, str]:
    """Map the name of every study inside the package to its title, which is the question that the study answers."""
    return {name: str(tomllib.loads(study_file(name).read_text())["title"]) for name in study_names()}


def study_home(name: str, root: Path = RECIPES) -> Path:
    """Return the folder of a study of the package, with its recipe, claims, records and page.  root: the folder of all studies."""
    return root / name.replace("-", "_")


def study_file(name: str) -> Path:
    """Find the TOML file of a study.  Raises InputError if there is no such file."""
    for path in (study_home(name) / "study.toml", Path(name)):
        if path.is_file():
            return path
    is_path = Path(name).suffix == ".toml" or len(Path(name).parts) > 1
    raise InputError(
        got=f"no such file: {name}" if is_path else f"study {name!r}",
        need="a study of the package (" + ", ".join(study_names()) + "), or the path of a TOML file",
        remedy=meant(Path(name).stem, study_names()) + "check the name; see `byheart study --help`",
    )
