"""The studies inside the package, and where each one lies."""

from __future__ import annotations

from pathlib import Path

from byheart._checks import InputError, meant

__all__ = ["RECIPES", "study_file", "study_names"]

RECIPES = Path(__file__).parents[1] / "studies"


def study_names() -> list[str]:
    """The studies inside the package."""
    return sorted(path.stem for path in RECIPES.glob("*.toml"))


def study_file(name: str) -> Path:
    """The TOML file of a study.  Raises InputError if there is none."""
    for path in (RECIPES / f"{name}.toml", Path(name)):
        if path.is_file():
            return path
    is_path = Path(name).suffix == ".toml" or len(Path(name).parts) > 1
    raise InputError(
        got=f"no such file: {name}" if is_path else f"study {name!r}",
        need="a study of the package (" + ", ".join(study_names()) + "), or the path of a TOML file",
        remedy=meant(Path(name).stem, study_names()) + "check the name; see `byheart study --help`",
    )
