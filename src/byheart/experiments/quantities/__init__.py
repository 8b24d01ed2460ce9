"""The vocabulary of quantities that claims are decided by, read from the curves of an arm: one file a family.

A claim's version follows the file of its own family only, so that a new family makes no measured row look old.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType

from byheart._checks import InputError
from byheart.experiments.curves import Curve
from byheart.experiments.quantities import audits, crossover, flows, onset, records
from byheart.experiments.quantities.result import Quantity

__all__ = ["Quantity", "check_quantity", "quantity", "quantity_module"]

FAMILIES: tuple[ModuleType, ...] = (onset, records, flows, audits, crossover)


def quantity(name: str, curves: Sequence[Curve], *, n_min: int = 1) -> Quantity:
    """The quantity of that name; its value is NaN where the curves do not give one.

    curves: of one arm.  n_min: curves of fewer training images are left out.
    Raises InputError for a name outside the vocabulary.
    """
    found: Quantity = _family(name).measured(name, [curve for curve in curves if curve.n >= n_min])
    return found


def check_quantity(name: str) -> None:
    """Raise InputError for a name outside the vocabulary."""
    _family(name)


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
