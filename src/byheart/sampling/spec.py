"""The solvers by name, for specs: no torch."""

from __future__ import annotations

from typing import Literal

__all__ = ["SolverName"]

SolverName = Literal["euler", "heun", "ancestral", "sde"]
