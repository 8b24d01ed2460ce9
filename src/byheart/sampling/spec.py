"""The names of the solvers, for specifications; imports no torch."""

from __future__ import annotations

from typing import Literal

__all__ = ["SolverName"]

SolverName = Literal["euler", "heun", "ancestral", "sde"]
