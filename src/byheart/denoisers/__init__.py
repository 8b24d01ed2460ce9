"""Denoisers: the protocol, and the closed forms, which serve as models and as exact references."""

from typing import TYPE_CHECKING

from byheart._version import lazy

if TYPE_CHECKING:
    from byheart.denoisers.barycenter import Barycentric as Barycentric
    from byheart.denoisers.barycenter import barycentric as barycentric
    from byheart.denoisers.base import Denoiser as Denoiser
    from byheart.denoisers.base import Shaped as Shaped
    from byheart.denoisers.base import denoise as denoise
    from byheart.denoisers.base import eps as eps
    from byheart.denoisers.base import per_row as per_row
    from byheart.denoisers.base import score as score
    from byheart.denoisers.by_condition import EmpiricalByClass as EmpiricalByClass
    from byheart.denoisers.by_condition import EmpiricalByKernel as EmpiricalByKernel
    from byheart.denoisers.conditional import ConditionalDenoiser as ConditionalDenoiser
    from byheart.denoisers.conditional import given as given
    from byheart.denoisers.gaussian import GaussianDenoiser as GaussianDenoiser
    from byheart.denoisers.gaussian import wiener as wiener
    from byheart.denoisers.gaussian_mixture import GaussianMixtureDenoiser as GaussianMixtureDenoiser
    from byheart.denoisers.gaussian_mixture import lowrank_mixture as lowrank_mixture
    from byheart.denoisers.local import BoundaryBrokenLocal as BoundaryBrokenLocal
    from byheart.denoisers.local import EquivariantLocal as EquivariantLocal
    from byheart.denoisers.local import LocalScore as LocalScore
    from byheart.denoisers.local import PatchPosterior as PatchPosterior
    from byheart.denoisers.local import PCALocal as PCALocal
    from byheart.denoisers.local import Scale as Scale
    from byheart.denoisers.mixture import MixtureDenoiser as MixtureDenoiser
    from byheart.denoisers.mixture import empirical as empirical
    from byheart.denoisers.mixture import partial as partial
    from byheart.denoisers.mixture import population as population
    from byheart.denoisers.mixture import smoothed as smoothed
    from byheart.denoisers.posterior import Posterior as Posterior
    from byheart.denoisers.regularized import Shrunk as Shrunk
    from byheart.denoisers.regularized import TikhonovByCovariance as TikhonovByCovariance
    from byheart.denoisers.regularized import consistent as consistent
    from byheart.denoisers.regularized import tikhonov as tikhonov
    from byheart.denoisers.spec import EmpiricalForm as EmpiricalForm
    from byheart.denoisers.spec import GaussianForm as GaussianForm
    from byheart.denoisers.spec import PartialForm as PartialForm
    from byheart.denoisers.spec import SmoothedForm as SmoothedForm
    from byheart.denoisers.templates import ColoredTemplateDenoiser as ColoredTemplateDenoiser
    from byheart.denoisers.units import Rescaled as Rescaled
    from byheart.denoisers.units import empirical_bytes as empirical_bytes

if not TYPE_CHECKING:
    __all__, __getattr__, __dir__ = lazy(__name__)
