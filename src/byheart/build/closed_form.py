"""Closed form by name + training points -> denoiser."""

from __future__ import annotations

from torch import Tensor

from byheart._checks import InputError
from byheart.denoisers.base import Denoiser
from byheart.denoisers.gaussian import gaussian
from byheart.denoisers.mixture import empirical, partial, smoothed
from byheart.denoisers.spec import ClosedForm

__all__ = ["closed_form"]


def closed_form(spec: ClosedForm, train: Tensor, seed: int) -> Denoiser:
    """The denoiser that `spec` names, of the training points.

    train: (n, *shape).  seed: chooses the points a partial denoiser holds.
    Raises InputError where a partial denoiser does not say how many points it holds, or holds more than there are.
    """
    match spec.kind:
        case "empirical":
            return empirical(train)
        case "smoothed":
            return smoothed(train, spec.std)
        case "gaussian":
            return gaussian(train)
        case "partial":
            if spec.memorized is None:
                raise InputError(
                    got="a partial denoiser without `memorized`",
                    need="how many training points it holds",
                    remedy=f"set memorized to a number from 1 to {len(train)}",
                )
            return partial(train, spec.memorized, seed)
