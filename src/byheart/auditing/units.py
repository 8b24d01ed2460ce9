"""The units in which a denoiser is evaluated: its own if it names them, else those in which it denoises best.

    x = (pixels − center) / scale,    D in pixels = center + scale · D(x, σ / scale)

The posterior mean has the least squared error of all functions of x and σ.  So a denoiser that gets images in other units
than in training is further from clean training images, at every noise level, than a denoiser that gets images in its own units.
Small noise alone does not tell the units: a network with a skip connection returns its input there, whatever the units.

    error(σ) = root mean square of D(x + σε, σ) − x over training images, in units of σ, at 0.1, 0.5 and 1 of the data's RMS
    1        the error of returning the input: a denoiser is below 1, except a weak one at the smallest noise

The units are pixels in [0, 1] unless, at the largest of these levels, the error in [−1, 1] or [0, 255] is clearly smaller, and at
all levels that of a denoiser.  Standardized pixels are tried too, and only named: their center and scale are not known exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from byheart._checks import InputError
from byheart.auditing.inputs import Images
from byheart.auditing.inputs.drawn import is_denoiser
from byheart.auditing.inputs.full_size import drawn_pixels
from byheart.denoisers.base import denoise
from byheart.random import derive, generator
from byheart.sampling.draw import evaluating

__all__ = ["Denoiser", "Fitted", "Units", "device_of", "sampled_units", "units_of"]

Denoiser = Callable[[Tensor, Tensor], Tensor]

_LEVELS = (0.1, 0.5, 1.0)  # of the data's RMS
_IMAGES = 32
_CLEARLY = 0.8  # part of the error at the largest noise, below which other units are the denoiser's own
_FAR = 3.0  # error at the smallest noise from which an answer has nothing to do with the input
_USELESS = 1.1  # error at the larger noises from which returning the input is better
_STANDARDIZED = "standardized"
_USUAL = (("[−1, 1]", 0.5, 0.5), ("[0, 255]", 0.0, 1 / 255))


@dataclass(frozen=True, eq=False)
class Units:
    """x = (pixels − center) / scale.  rms: of x about its mean."""

    center: Tensor
    scale: float
    rms: float

    @staticmethod
    def of(pixels: Tensor, center: Tensor | float, scale: float) -> Units:
        """Make the units of pixels (n, *shape) with this center and scale."""
        middle = torch.as_tensor(center, dtype=pixels.dtype, device=pixels.device)
        x = (pixels - middle) / scale
        return Units(middle, scale, float((x - x.mean(0)).square().mean().sqrt()))

    def inward(self, pixels: Tensor) -> Tensor:
        """Bring pixels into the denoiser's units."""
        return (pixels - self.center) / self.scale

    def outward(self, x: Tensor) -> Tensor:
        """Bring results of the denoiser back to pixels."""
        return x * self.scale + self.center.to(x)


@dataclass(frozen=True, eq=False)
class Fitted:
    """The units in which a denoiser is evaluated.  fits: whether it denoises in these units.  warnings: a sentence each."""

    units: Units
    fits: bool
    warnings: tuple[str, ...] = ()

    @property
    def to_pixels(self) -> Callable[[Tensor], Tensor] | None:
        """Return the function that brings samples to pixels; None if the units do not fit."""
        return self.units.outward if self.fits else None


@torch.no_grad()
def units_of(denoiser: Denoiser, pixels: Tensor, seed: int) -> Fitted:
    """Find the units of a denoiser: its own, else [0, 1], [−1, 1] or [0, 255].

    pixels: (n, *shape) training images in [0, 1], n ≥ 1.  seed: of the noise.
    Raises InputError for an invalid center or scale, and as `denoise` does.
    """
    declared = _declared(denoiser, pixels)
    own = declared or Units.of(pixels, 0.0, 1.0)
    errors = _errors(denoiser, own, pixels[:_IMAGES], seed)
    if declared is None:
        better, name, units = _best_other(denoiser, pixels, seed)
        if _are_a_denoisers(better) and better[-1] < _CLEARLY * errors[-1]:
            if name == _STANDARDIZED:
                return Fitted(own, False, (_standardized(errors[-1], better[-1], units),))
            return Fitted(units, True, (_converted(name, units),))
    far = _far(errors[0], "in its own units" if declared else "in [0, 1]")
    return Fitted(own, _are_a_denoisers(errors), (far,) if errors[0] > _FAR else ())


def _best_other(denoiser: Denoiser, pixels: Tensor, seed: int) -> tuple[tuple[float, ...], str, Units]:
    """Find the other units with the least error: the errors, a name, and the units."""
    tried = [(name, Units.of(pixels, center, scale)) for name, center, scale in _USUAL]
    tried.append((_STANDARDIZED, Units.of(pixels, float(pixels.mean()), float(pixels.std(correction=0)))))
    measured = [
        (_errors_or_none(denoiser, units, pixels[:_IMAGES], seed), name, units) for name, units in tried
    ]
    return min(measured, key=lambda each: each[0][-1])


def sampled_units(model: object, shape: tuple[int, ...] | None, train: object, seed: int) -> Fitted | None:
    """Find the units of a denoiser from which samples are drawn.

    shape: of one sample, as it was given.  train: the training images of the audit.  Returns None for a model that is no denoiser or
    brings its samples to pixels itself, and if training images of this shape are not in memory.
    Raises InputError as `units_of` does.
    """
    if not isinstance(train, Images) or not callable(model) or not is_denoiser(model, shape):
        return None
    own: tuple[int, ...] = getattr(model, "shape", ()) if shape is None else shape
    if hasattr(model, "to_pixels") or train.shape != tuple(own):
        return None
    try:
        pixels = drawn_pixels(train, _IMAGES, seed)
    except InputError:  # training images of several sizes
        return None
    with evaluating(model):
        return units_of(model, pixels, seed)


def device_of(denoiser: Denoiser) -> torch.device:
    """Find the device of a denoiser: its own attribute, that of its weights, or the CPU."""
    own = getattr(denoiser, "device", None)
    if own is None and isinstance(denoiser, nn.Module):
        own = next((weight.device for weight in denoiser.parameters()), None)
    return torch.device("cpu" if own is None else own)


def _declared(denoiser: Denoiser, pixels: Tensor) -> Units | None:
    """Read the center and the scale of a denoiser; None if it names neither."""
    center, scale = getattr(denoiser, "center", None), getattr(denoiser, "scale", None)
    if center is None and scale is None:
        return None
    try:
        units = Units.of(pixels, 0.0 if center is None else center, 1.0 if scale is None else float(scale))
    except (TypeError, ValueError, RuntimeError) as error:
        raise _no_units(center, scale) from error
    if not (units.scale > 0 and math.isfinite(units.scale) and bool(units.center.isfinite().all())):
        raise _no_units(center, scale)
    return units


def _no_units(center: object, scale: object) -> InputError:
    return InputError(
        got=f"a denoiser with center {center!r:.60} and scale {scale!r:.60}",
        need="a number or a tensor that broadcasts over an image, and a positive number: x = (pixels − center) / scale",
        remedy="for images in [−1, 1] set both to 0.5",
    )


def _errors(denoiser: Denoiser, units: Units, pixels: Tensor, seed: int) -> tuple[float, ...]:
    """Measure the errors of a denoiser at each level: the same noise for all units."""
    device = device_of(denoiser)
    x = units.inward(pixels).to(device)
    noise = torch.randn(pixels.shape, generator=generator(derive(seed, "units")), dtype=pixels.dtype).to(
        device
    )
    found = []
    for level in _LEVELS:
        sigma = torch.tensor(level * units.rms, dtype=x.dtype, device=device)
        answer = denoise(denoiser, x + sigma * noise, sigma)
        error = float((answer.to(x) - x).square().mean().sqrt() / sigma)
        found.append(error if math.isfinite(error) else math.inf)
    return tuple(found)


def _errors_or_none(denoiser: Denoiser, units: Units, pixels: Tensor, seed: int) -> tuple[float, ...]:
    """Measure the errors in units that are only tried; the errors are infinite if the denoiser refuses the units."""
    try:
        return _errors(denoiser, units, pixels, seed)
    except Exception:  # whatever a stranger's code says to units that it does not work in
        return (math.inf,) * len(_LEVELS)


def _are_a_denoisers(errors: tuple[float, ...]) -> bool:
    return errors[0] <= _FAR and max(errors[1:]) <= _USELESS


def _converted(name: str, units: Units) -> str:
    center = float(units.center)
    return (
        f"The denoiser names no units, and denoises images in {name} better than images in [0, 1]: the audit gave it images in"
        f" {name}. If that is wrong, set its attributes center and scale, x = (pixels − center) / scale; here {center:g} and"
        f" {units.scale:.4g}."
    )


def _standardized(own: float, better: float, units: Units) -> str:
    return (
        f"The denoiser names no units. With pixels in [0, 1] and noise as strong as the data (RMS), its error is {own:.2g} times the"
        f" noise, with standardized pixels only {better:.2g} times: its losses here cannot be trusted. Set its attributes center and"
        f" scale, x = (pixels − center) / scale; about {float(units.center):.2g} and {units.scale:.2g}."
    )


def _far(error: float, asked: str) -> str:
    return (
        f"With noise of {_LEVELS[0]:g} times the data's RMS the error of the denoiser, with images {asked}, is {error:,.1f} times the"
        " noise; a function that returns its input has 1. The losses cannot be trusted. If the denoiser works in other units, set"
        " its attributes center and scale, x = (pixels − center) / scale; if the network predicts noise or a velocity, make a"
        " denoiser of the network: byheart.models.ProcessModel(network, process, predicts=…)."
    )
