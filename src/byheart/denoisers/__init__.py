"""Denoisers: the protocol, and the closed forms that serve as models and as oracles."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from byheart.denoisers.barycenter import Barycentric as Barycentric
    from byheart.denoisers.barycenter import barycentric as barycentric
    from byheart.denoisers.base import Denoiser as Denoiser
    from byheart.denoisers.base import Shaped as Shaped
    from byheart.denoisers.base import denoise as denoise
    from byheart.denoisers.base import eps as eps
    from byheart.denoisers.base import per_row as per_row
    from byheart.denoisers.base import score as score
    from byheart.denoisers.conditional import ConditionalDenoiser as ConditionalDenoiser
    from byheart.denoisers.conditional import given as given
    from byheart.denoisers.conditioned import EmpiricalByClass as EmpiricalByClass
    from byheart.denoisers.conditioned import EmpiricalByKernel as EmpiricalByKernel
    from byheart.denoisers.gaussian import GaussianDenoiser as GaussianDenoiser
    from byheart.denoisers.gaussian import wiener as wiener
    from byheart.denoisers.local import BoundaryBrokenLocal as BoundaryBrokenLocal
    from byheart.denoisers.local import EquivariantLocal as EquivariantLocal
    from byheart.denoisers.local import LocalScore as LocalScore
    from byheart.denoisers.local import PatchPosterior as PatchPosterior
    from byheart.denoisers.local import PCALocal as PCALocal
    from byheart.denoisers.local import Scale as Scale
    from byheart.denoisers.lowrank import GaussianMixtureDenoiser as GaussianMixtureDenoiser
    from byheart.denoisers.lowrank import lowrank_mixture as lowrank_mixture
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
    from byheart.denoisers.spec import ClosedForm as ClosedForm
    from byheart.denoisers.templates import ColoredTemplateDenoiser as ColoredTemplateDenoiser
    from byheart.denoisers.units import Rescaled as Rescaled
    from byheart.denoisers.units import empirical_bytes as empirical_bytes

_HOMES = {
    "Barycentric": "barycenter",
    "BoundaryBrokenLocal": "local",
    "ClosedForm": "spec",
    "ColoredTemplateDenoiser": "templates",
    "ConditionalDenoiser": "conditional",
    "Denoiser": "base",
    "EmpiricalByClass": "conditioned",
    "EmpiricalByKernel": "conditioned",
    "EquivariantLocal": "local",
    "GaussianDenoiser": "gaussian",
    "GaussianMixtureDenoiser": "lowrank",
    "LocalScore": "local",
    "MixtureDenoiser": "mixture",
    "PCALocal": "local",
    "PatchPosterior": "local",
    "Posterior": "posterior",
    "Rescaled": "units",
    "Scale": "local",
    "Shaped": "base",
    "Shrunk": "regularized",
    "TikhonovByCovariance": "regularized",
    "barycentric": "barycenter",
    "consistent": "regularized",
    "denoise": "base",
    "empirical": "mixture",
    "empirical_bytes": "units",
    "eps": "base",
    "given": "conditional",
    "lowrank_mixture": "lowrank",
    "partial": "mixture",
    "per_row": "base",
    "population": "mixture",
    "score": "base",
    "smoothed": "mixture",
    "tikhonov": "regularized",
    "wiener": "gaussian",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
