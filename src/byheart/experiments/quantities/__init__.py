"""The quantities that decide claims, computed from the curves of an arm: one file per family.

The version of a claim depends only on the file of its family, so that a new family makes no measured row look old.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType, ModuleType

from byheart._checks import InputError
from byheart.experiments.quantities import audits, crossover, flows, onset, published, records
from byheart.experiments.quantities.published import Published, curve_of
from byheart.experiments.quantities.result import Quantity
from byheart.experiments.runs.curves import Curve

__all__ = ["Quantity", "check_quantity", "quantity", "quantity_module"]

FAMILIES: tuple[ModuleType, ...] = (onset, records, flows, audits, crossover, published)

NOTHING: Published = MappingProxyType({})


def quantity(name: str, curves: Sequence[Curve], *, n_min: int = 1, figures: Published = NOTHING) -> Quantity:
    """Measure the quantity of that name; its value is NaN if the curves do not give one.

    curves: of one arm.  n_min: curves of fewer training images are left out.  figures: the study's published curves.
    Raises InputError for a name outside the vocabulary.
    """
    family, kept = _family(name), [curve for curve in curves if curve.n >= n_min]
    if family is published:
        return published.measured(name, kept, figures)
    measured: Quantity = family.measured(name, kept)
    return measured


def check_quantity(name: str, figures: Published = NOTHING) -> None:
    """Raise InputError for a name outside the vocabulary, or a published curve that the study does not have."""
    if _family(name) is published and not curve_of(name, figures):
        raise InputError(
            got=f"the quantity {name!r}",
            need="a curve under `published` in the study's file, as FIGURE and NAME",
            remedy="mend the claim, or add the published points",
        )


def quantity_module(name: str) -> str:
    """Name the module that measures a quantity.  Raises InputError as `check_quantity` does."""
    return _family(name).__name__


def _family(name: str) -> ModuleType:
    for family in FAMILIES:
        if family.check(name):
            return family
    raise InputError(
        got=f"the quantity {name!r}",
        need="one of " + ", ".join(word for family in FAMILIES for word in family.VOCABULARY),
        remedy="mend the claim in the study's TOML file",
    )
