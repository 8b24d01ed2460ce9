"""Noising processes and noise levels.  No other room knows about the time of a process."""

from typing import TYPE_CHECKING

from byheart._version import lazy

if TYPE_CHECKING:
    from byheart.noise.levels import AnyLevelLaw as AnyLevelLaw
    from byheart.noise.levels import Grid as Grid
    from byheart.noise.levels import LogNormal as LogNormal
    from byheart.noise.levels import UniformTime as UniformTime
    from byheart.noise.levels import geometric_levels as geometric_levels
    from byheart.noise.levels import karras_levels as karras_levels
    from byheart.noise.levels import process_levels as process_levels
    from byheart.noise.levels import shifted_levels as shifted_levels
    from byheart.noise.process import DDPM as DDPM
    from byheart.noise.process import OU as OU
    from byheart.noise.process import S2_VP as S2_VP
    from byheart.noise.process import S2VE as S2VE
    from byheart.noise.process import SIGMA_MAX as SIGMA_MAX
    from byheart.noise.process import VE as VE
    from byheart.noise.process import VP as VP
    from byheart.noise.process import AnyProcess as AnyProcess
    from byheart.noise.process import Flow as Flow
    from byheart.noise.process import Process as Process
    from byheart.noise.process import S1Process as S1Process
    from byheart.noise.s1 import s1_levels as s1_levels

if not TYPE_CHECKING:
    __all__, __getattr__, __dir__ = lazy(__name__)
