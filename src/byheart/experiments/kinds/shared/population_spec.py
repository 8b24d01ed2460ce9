"""Checks of the data of runs about populations with a formula."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from byheart._checks import InputError
from byheart.data.spec import Data, MixtureData, TemplateData

__all__ = ["Share", "check_known_population"]


Share = Annotated[float, Field(gt=0, le=1)]
"""M/N of a model."""

_UNUSED = ("size", "channels", "count", "heldout", "split_seed", "distinct", "sequential")


def check_known_population(data: Data, n: int) -> None:
    """Raise InputError for data that have no formula, settings that would be ignored, or fewer points than components."""
    if data.name not in ("mixture", "templates"):
        raise InputError(
            got=f"data {data.name!r}",
            need="mixture or templates: populations whose denoiser is a formula",
            remedy="for your own images: data = { name = 'templates', path = … }, or byheart theory crossover",
        )
    settings = (
        (data.mixture or MixtureData()) if data.name == "mixture" else (data.templates or TemplateData())
    )
    _check_ignored(data, settings)
    if settings.components > n:
        raise InputError(
            got=f"K = {settings.components} components and N = {n} training points",
            need="K ≤ N",
            remedy="raise n or lower `components`",
        )


def _check_ignored(data: Data, settings: MixtureData | TemplateData) -> None:
    plain, own = Data(), type(settings)()
    given = [name for name in _UNUSED if getattr(data, name) != getattr(plain, name)]
    given += [
        f"{data.name}.{name}" for name in ("count", "seed") if getattr(settings, name) != getattr(own, name)
    ]
    if given or data.standardize:
        raise InputError(
            got=", ".join([*given, *(["standardize = true"] if data.standardize else [])])
            + f" for {data.name}",
            need="the population's own units (standardize = false), and n and seed of the run",
            remedy="set standardize = false, leave the others out, and use the run's n, heldout and seed",
        )
