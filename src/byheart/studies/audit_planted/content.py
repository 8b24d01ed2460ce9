"""The content of the page of a planted benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from byheart.numerics.intervals import Interval

__all__ = ["POOLED", "Measured", "PlantedContent", "Population"]

POOLED = "pooled"
"""The kind of a number that takes all kinds `main` of a group together."""


@dataclass(frozen=True)
class Measured:
    """One number of the records, pooled over runs.  kind: of the copy or the innocent, POOLED, or "" for any other record."""

    found: Interval
    kind: str = ""


@dataclass(frozen=True)
class Population:
    """What was measured in one population.

    arm: the arm of the study.  title: for people, unique on the page.
    numbers: group -> name -> number, in the order of the records.
    accusable: whether the population passes its check, so that single samples may be accused.
    doubled: how the training set holds every image twice, or "".  once: the arm of the same training images once, or "".
    facts: name -> value: how the population was made.
    """

    arm: str
    title: str
    numbers: Mapping[str, Mapping[str, Measured]]
    accusable: bool = True
    doubled: str = ""
    once: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)

    def at(self, group: str, name: str) -> Interval | None:
        """Look up a number; None where this number was not measured."""
        measured = self.numbers.get(group, {}).get(name)
        return None if measured is None else measured.found

    def names(self, group: str, kind: str | None = None) -> list[str]:
        """List the names of a group: all, or those of a kind."""
        return [name for name, one in self.numbers.get(group, {}).items() if kind in (None, one.kind)]


@dataclass(frozen=True)
class PlantedContent:
    """The page.  populations: that of the study's main arm first.  alpha: false accusation rate.

    seeds: of the runs, as text.  design: seeds on which the test was designed, as text.
    claims, cautions, provenance, command: as on every page.
    """

    title: str
    scale: str
    alpha: float
    populations: Sequence[Population]
    seeds: str = ""
    design: str = ""
    claims: Sequence[Mapping[str, Any]] = ()
    cautions: Sequence[str] = ()
    provenance: Mapping[str, object] = field(default_factory=dict)
    command: str = ""

    @property
    def shown(self) -> Sequence[Population]:
        """List the populations of the tables about single samples.

        The other populations have sections of their own; where there are only others, these are listed.
        """
        plain = [one for one in self.populations if one.accusable and not one.doubled]
        return plain or self.populations
