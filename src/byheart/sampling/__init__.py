"""Sampling: solvers, and samples drawn from seeds."""

from typing import TYPE_CHECKING

from byheart._version import lazy

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

if not TYPE_CHECKING:
    __all__, __getattr__, __dir__ = lazy(__name__)
