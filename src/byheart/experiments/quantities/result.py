"""What a quantity is when it has been measured."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Quantity"]


@dataclass(frozen=True)
class Quantity:
    """A measured quantity.  low, high: its 95 % interval, None where there is none.  missing: runs without a value."""

    value: float
    low: float | None
    high: float | None
    count: int
    missing: int = 0
