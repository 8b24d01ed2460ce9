"""A measure of samples beside its reference: one row of the tables of copying, fidelity and novelty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Family", "Score"]

Family = Literal["copying", "fidelity", "novelty"]


@dataclass(frozen=True)
class Score:
    """A measure of the samples beside its reference.

    low, high: 95 % limits of the value; for a gap, the value ± the spread of its null; None if there are no limits.
    reference: the value that real images, or chance, would give, None if there is none; `against` says which of the two.
    count: number of samples or images behind the value.  definition: of the measure, in one sentence.
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
