"""What the runs about populations with a formula ask of their data."""

from __future__ import annotations

from byheart._checks import InputError
from byheart.data.spec import Data, MixtureData, TemplateData

__all__ = ["check_known_population"]


def check_known_population(data: Data, n: int) -> None:
    """Raise InputError for data that have no formula, or for fewer points than components."""
    if data.name not in ("mixture", "templates"):
        raise InputError(
            got=f"data {data.name!r}",
            need="mixture or templates: populations whose denoiser is a formula",
            remedy="for your own images: data = { name = 'templates', path = … }, or byheart theory crossover",
        )
    settings = data.mixture or MixtureData() if data.name == "mixture" else data.templates or TemplateData()
    if settings.components > n:
        raise InputError(
            got=f"K = {settings.components} components and N = {n} training points",
            need="K ≤ N",
            remedy="raise n or lower `components`",
        )
