"""Closed form by name + training points -> denoiser."""

from __future__ import annotations

from torch import Tensor

from byheart._checks import InputError
from byheart.denoisers.base import Denoiser
from byheart.denoisers.gaussian import wiener
from byheart.denoisers.mixture import MixtureDenoiser, empirical, partial, smoothed
from byheart.denoisers.regularized import Shrinkage, Shrunk, consistent, tikhonov
from byheart.denoisers.spec import (
    AnyShrinkage,
    ClosedForm,
    ConsistencyShrinkage,
    EmpiricalForm,
    GaussianForm,
    PartialForm,
    SmoothedForm,
    TikhonovShrinkage,
)

__all__ = ["closed_form", "shrunk"]


def closed_form(spec: ClosedForm, train: Tensor, seed: int) -> Denoiser:
    """Make the denoiser that `spec` describes from the training points.

    train: (n, *shape).  seed: Random seed for the points that a partial denoiser holds.
    Raises InputError if a partial denoiser would hold more points than there are, and for the consistency score of a
    denoiser that is not made of points.
    """
    plain = _plain(spec, train, seed)
    return plain if spec.shrinkage is None else shrunk(plain, spec.shrinkage)


def shrunk(denoiser: Denoiser, spec: AnyShrinkage) -> Denoiser:
    """Return the denoiser with its score shrunk as `spec` says.  Raises InputError for the consistency score of a Gaussian."""
    match spec:
        case TikhonovShrinkage():
            return tikhonov(denoiser, spec.strength, spec.process)
        case ConsistencyShrinkage():
            if not isinstance(denoiser, MixtureDenoiser):
                raise InputError(
                    got="the consistency score of a denoiser without points",
                    need="the empirical, a partial or a smoothed denoiser",
                    remedy="choose another shrinkage",
                )
            return consistent(denoiser, spec.kappa)
    return Shrunk(denoiser, _power(spec.gamma, spec.exponent))


def _power(gamma: float, exponent: float) -> Shrinkage:
    def shrinkage(x: Tensor, sigma: Tensor) -> Tensor:
        return gamma * sigma.double() ** -exponent

    return shrinkage


def _plain(spec: ClosedForm, train: Tensor, seed: int) -> Denoiser:
    match spec:
        case EmpiricalForm():
            return empirical(train)
        case PartialForm():
            return partial(train, spec.memorized, seed)
        case SmoothedForm():
            return smoothed(train, spec.std)
        case GaussianForm():
            return wiener(train)
