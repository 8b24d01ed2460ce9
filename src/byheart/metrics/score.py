"""A measure of samples beside what it stands against: a row of the tables of copying, fidelity and novelty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Family", "Score"]

Family = Literal["copying", "fidelity", "novelty"]


@dataclass(frozen=True)
class Score:
    """A measure of the samples beside its reference.

    low, high: 95 % limits of the value, or of a gap its value ± the spread of its null; None where there are none.
    reference: what real images, or chance, would give, None where there is none; `against` says which.
    count: what the value rests on.  definition: in one sentence.
    """

    name: str
    value: float
    low: float | None
    high: float | None
    reference: float | None
    against: str
    count: int
    definition: str
    family: Family
