"""Noising processes and noise levels: the only room that knows about time."""

from byheart.noise.levels import (
    AnyLevelLaw,
    Grid,
    LogNormal,
    UniformTime,
    geometric_levels,
    karras_levels,
    process_levels,
    shifted_levels,
)
from byheart.noise.process import (
    DDPM,
    OU,
    S2_VP,
    S2VE,
    SIGMA_MAX,
    VE,
    VP,
    AnyProcess,
    Flow,
    Process,
    S1Process,
)
from byheart.noise.s1 import s1_levels

__all__ = [
    "DDPM",
    "OU",
    "S2VE",
    "S2_VP",
    "SIGMA_MAX",
    "VE",
    "VP",
    "AnyLevelLaw",
    "AnyProcess",
    "Flow",
    "Grid",
    "LogNormal",
    "Process",
    "S1Process",
    "UniformTime",
    "geometric_levels",
    "karras_levels",
    "process_levels",
    "s1_levels",
    "shifted_levels",
]
