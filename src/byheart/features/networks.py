"""Networks and functions as encoders: what they return becomes rows, and what decides it a fingerprint."""

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

    source: what was read.  weights: the fingerprint of that.  forward: prepared images (b, c, h, w) -> (b, f).
    """

    source: str
    weights: str
    preprocessing: Preprocessing
    forward: Callable[[Tensor], Any] = field(repr=False)

    @property
    def name(self) -> str:
        """The source and the preprocessing."""
        return f"{self.source} ({self.preprocessing})"

    @property
    def fingerprint(self) -> str:
        """Of weights and preprocessing."""
        return of_settings(self.weights, self.preprocessing.model_dump_json())

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        """Images (b, c, h, w) in [0, 1] as (b, f).  Raises InputError for others, and for a network that fails or gives no rows."""
        x = self.preprocessing(images)
        try:
            found = self.forward(x)
        except RuntimeError as error:
            raise InputError(
                got=f"{self.name} failing on images of shape {tuple(x.shape)} ({_reason(error)})",
                need="the channels and the size that it was made for",
                remedy="state them behind a question mark: ?size=288&channels=3",
            ) from error
        return rows(found, len(images), self.source)


@dataclass(frozen=True, eq=False)
class ModuleEncoder:
    """A network in memory, run in evaluation mode and left in the mode it was in, on the device of its weights.

    The fingerprint is of the weights as they are when it is asked for; it does not see the code of `forward`.
    """

    module: nn.Module
    preprocessing: Preprocessing = field(default_factory=Preprocessing)

    @property
    def name(self) -> str:
        """The class and the preprocessing."""
        return f"{type(self.module).__name__} ({self.preprocessing})"

    @property
    def fingerprint(self) -> str:
        """Of the layers, weights and preprocessing."""
        return of_settings(of_module(self.module), self.preprocessing.model_dump_json())

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        """Images (b, c, h, w) in [0, 1] as (b, f).  Raises InputError for others, and for a network that gives no rows."""
        weight = next(self.module.parameters(), torch.empty(0, dtype=torch.float32))
        modes = [(layer, layer.training) for layer in self.module.modules()]
        try:
            found = self.module.eval()(self.preprocessing(images.to(weight.device)).to(weight.dtype))
        finally:
            for layer, training in modes:
                layer.training = training
        return rows(found, len(images), type(self.module).__name__)


@dataclass(frozen=True, eq=False)
class FunctionEncoder:
    """A function images (b, c, h, w) in [0, 1] -> (b, f).  It has no fingerprint: nobody can tell what it computes."""

    function: Callable[[Tensor], Any]

    @property
    def name(self) -> str:
        """The function's own."""
        return getattr(self.function, "__name__", type(self.function).__name__)

    @property
    def fingerprint(self) -> None:
        """None: the features are never cached."""
        return

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        """Raises InputError for a function that gives no rows."""
        return rows(self.function(images), len(images), self.name)


def rows(found: Any, count: int, source: str) -> Tensor:
    """What a network returned, as (count, f) float32 on the CPU; (count, f, 1, 1) is taken too.  Else InputError."""
    if isinstance(found, Tensor) and found.ndim > 2 and set(found.shape[2:]) == {1}:
        found = found.flatten(1)
    if not isinstance(found, Tensor) or found.ndim != 2 or len(found) != count or not found.shape[1]:
        seen = f"shape {tuple(found.shape)}" if isinstance(found, Tensor) else type(found).__name__
        raise InputError(
            got=f"{seen} from {source} for {count} images",
            need="one row of features an image, (b, f)",
            remedy="pool or select inside the network, or pass a function that does",
        )
    return found.float().cpu()


def _reason(error: Exception) -> str:
    """The last line: before it an interpreter tells its way there."""
    return next(
        (line.strip() for line in reversed(str(error).splitlines()) if line.strip()), type(error).__name__
    )
