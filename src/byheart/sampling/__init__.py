"""Sampling: solvers, and samples from seeds."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from byheart.sampling.adaptive import probability_flow as probability_flow
    from byheart.sampling.adaptive import process_flow as process_flow
    from byheart.sampling.draw import automatic_batch as automatic_batch
    from byheart.sampling.draw import sample as sample
    from byheart.sampling.solvers import Step as Step
    from byheart.sampling.solvers import ancestral_step as ancestral_step
    from byheart.sampling.solvers import euler_step as euler_step
    from byheart.sampling.solvers import heun_step as heun_step
    from byheart.sampling.solvers import integrate as integrate
    from byheart.sampling.solvers import sde_step as sde_step
    from byheart.sampling.solvers import solver as solver
    from byheart.sampling.spec import SolverName as SolverName
    from byheart.sampling.stochastic import euler_maruyama as euler_maruyama

_HOMES = {
    "SolverName": "spec",
    "Step": "solvers",
    "ancestral_step": "solvers",
    "automatic_batch": "draw",
    "euler_maruyama": "stochastic",
    "euler_step": "solvers",
    "heun_step": "solvers",
    "integrate": "solvers",
    "probability_flow": "adaptive",
    "process_flow": "adaptive",
    "sample": "draw",
    "sde_step": "solvers",
    "solver": "solvers",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
