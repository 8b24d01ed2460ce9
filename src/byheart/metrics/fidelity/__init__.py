"""Fidelity: is the distribution of the samples that of real images?  No metric of this folder detects copying by itself."""

from typing import TYPE_CHECKING

from byheart._version import lazy

if TYPE_CHECKING:
    from byheart.metrics.fidelity.gap import reference_gap as reference_gap
    from byheart.metrics.fidelity.gaussian import Frechet as Frechet
    from byheart.metrics.fidelity.gaussian import frechet as frechet
    from byheart.metrics.fidelity.gaussian import frechet_corrected as frechet_corrected
    from byheart.metrics.fidelity.gaussian import frechet_floor as frechet_floor
    from byheart.metrics.fidelity.kernel import kid as kid
    from byheart.metrics.fidelity.sliced import directions as directions
    from byheart.metrics.fidelity.sliced import sliced_wasserstein as sliced_wasserstein

if not TYPE_CHECKING:
    __all__, __getattr__, __dir__ = lazy(__name__)
