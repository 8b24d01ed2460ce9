"""Fidelity: is the distribution of the samples that of real images?  None of these sees copying by itself."""

from byheart.metrics.fidelity.gap import reference_gap
from byheart.metrics.fidelity.gaussian import Frechet, frechet, frechet_corrected, frechet_floor
from byheart.metrics.fidelity.kernel import kid
from byheart.metrics.fidelity.sliced import directions, sliced_wasserstein

__all__ = [
    "Frechet",
    "directions",
    "frechet",
    "frechet_corrected",
    "frechet_floor",
    "kid",
    "reference_gap",
    "sliced_wasserstein",
]
