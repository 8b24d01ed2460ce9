"""Networks and functions as encoders, with checked rows and fingerprints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from byheart._checks import InputError
from byheart.features.fingerprints import of_module, of_settings
from byheart.features.preprocessing import Preprocessing

__all__ = ["FunctionEncoder", "ModuleEncoder", "NetworkEncoder", "rows"]


@dataclass(frozen=True, eq=False)
class NetworkEncoder:
    """A network that was read from files, with its preprocessing.

    source: name of what was read.  weights: fingerprint of what was read.  forward: prepared images (b, c, h, w) -> (b, f).
    """

    source: str
    weights: str
    preprocessing: Preprocessing
    forward: Callable[[Tensor], Any] = field(repr=False)

    @property
    def name(self) -> str:
        """Return the source and the preprocessing as a text."""
        return f"{self.source} ({self.preprocessing})"

    @property
    def fingerprint(self) -> str:
        """Compute the fingerprint of weights and preprocessing."""
        return of_settings(self.weights, self.preprocessing.model_dump_json())

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        """Encode images (b, c, h, w) in [0, 1] as features (b, f).  Raises InputError for other images, and for a network that fails or returns no rows."""
        x = self.preprocessing(images)
        try:
            features = self.forward(x)
        except RuntimeError as error:
            raise InputError(
                got=f"{self.name} failing on images of shape {tuple(x.shape)} ({_reason(error)})",
                need="the channels and the size that it was made for",
                remedy="state them behind a question mark: ?size=288&channels=3",
            ) from error
        return rows(features, len(images), self.source)


@dataclass(frozen=True, eq=False)
class ModuleEncoder:
    """A network in memory, run in evaluation mode on the device of its weights, and returned to its former mode.

    The fingerprint is that of the current weights; it does not cover the code of `forward`.
    """

    module: nn.Module
    preprocessing: Preprocessing = field(default_factory=Preprocessing)

    @property
    def name(self) -> str:
        """Return the class and the preprocessing as a text."""
        return f"{type(self.module).__name__} ({self.preprocessing})"

    @property
    def fingerprint(self) -> str:
        """Compute the fingerprint of the layers, weights and preprocessing."""
        return of_settings(of_module(self.module), self.preprocessing.model_dump_json())

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        """Encode images (b, c, h, w) in [0, 1] as features (b, f).  Raises InputError for other images, and for a network that returns no rows."""
        weight = next(self.module.parameters(), torch.empty(0, dtype=torch.float32))
        modes = [(layer, layer.training) for layer in self.module.modules()]
        try:
            features = self.module.eval()(self.preprocessing(images.to(weight.device)).to(weight.dtype))
        finally:
            for layer, training in modes:
                layer.training = training
        return rows(features, len(images), type(self.module).__name__)


@dataclass(frozen=True, eq=False)
class FunctionEncoder:
    """A function images (b, c, h, w) in [0, 1] -> (b, f).  A function has no fingerprint, since what it computes is unknown."""

    function: Callable[[Tensor], Any]

    @property
    def name(self) -> str:
        """Return the name of the function."""
        return getattr(self.function, "__name__", type(self.function).__name__)

    @property
    def fingerprint(self) -> None:
        """Return None: the features are never cached."""
        return

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        """Encode images as features (b, f).  Raises InputError for a function that returns no rows."""
        return rows(self.function(images), len(images), self.name)


def rows(result: Any, count: int, source: str) -> Tensor:
    """Return the result of a network as (count, f) float32 on the CPU; (count, f, 1, 1) is accepted, too.  Raises InputError otherwise."""
    if isinstance(result, Tensor) and result.ndim > 2 and set(result.shape[2:]) == {1}:
        result = result.flatten(1)
    if not isinstance(result, Tensor) or result.ndim != 2 or len(result) != count or not result.shape[1]:
        seen = f"shape {tuple(result.shape)}" if isinstance(result, Tensor) else type(result).__name__
        raise InputError(
            got=f"{seen} from {source} for {count} images",
            need="one row of features an image, (b, f)",
            remedy="pool or select inside the network, or pass a function that does",
        )
    return result.float().cpu()


def _reason(error: Exception) -> str:
    """Return the last line of an error: the lines before are the traceback of an interpreter."""
    return next(
        (line.strip() for line in reversed(str(error).splitlines()) if line.strip()), type(error).__name__
    )
