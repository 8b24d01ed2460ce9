"""Random convolutions: features of an untrained network, as a control for trained encoders.

    RGB 32×32 → conv 5×5, 32 → ReLU → mean 2×2 → conv 3×3, 64 → ReLU → mean 2×2 → conv 3×3, 128 → ReLU

Weights are Gaussian with variance 2/fan-in (He et al. 2015), no biases, zeros beyond the border: f(a·x) = a·f(x) for a ≥ 0.
The last maps (128, 8, 8) are averaged over quarters: 128 × 2 × 2 = 512 features.  A result that holds in these
features and in those of a trained network is not due to the training.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d, conv2d

from byheart.features.fingerprints import of_settings
from byheart.features.preprocessing import Preprocessing
from byheart.random import derive, generator

__all__ = ["RandomConvolutions", "random_convolutions"]

_LAYERS = ((3, 32, 5), (32, 64, 3), (64, 128, 3))  # channels in and out, side of the kernel
_PREPARED = Preprocessing(size=32, channels=3)


@dataclass(frozen=True, eq=False)
class RandomConvolutions:
    """An encoder by random convolutions.  weights: one kernel per layer, (out, in, side, side).  seed: Random seed of the weights."""

    weights: tuple[Tensor, ...]
    seed: int

    @property
    def name(self) -> str:
        """Return the name of the features."""
        return f"random convolutions, seed {self.seed} ({_PREPARED})"

    @property
    def fingerprint(self) -> str:
        """Compute the fingerprint of the seed and the architecture, which determine the weights."""
        return of_settings("convolutions", 1, self.seed)

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        """Encode images (b, c, h, w) in [0, 1] as features (b, 512).  Raises InputError for others."""
        x = _PREPARED(images)
        for layer, weight in enumerate(self.weights):
            x = conv2d(avg_pool2d(x, 2) if layer else x, weight.to(x.device), padding="same").relu()
        return adaptive_avg_pool2d(x, 2).flatten(1)


def random_convolutions(seed: int = 0) -> RandomConvolutions:
    """Make the encoder whose weights are drawn from the streams of `seed`."""
    return RandomConvolutions(tuple(_kernel(seed, layer) for layer in range(len(_LAYERS))), seed)


def _kernel(seed: int, layer: int) -> Tensor:
    inward, outward, side = _LAYERS[layer]
    draws = generator(derive(seed, "convolutions", layer))
    weight = torch.randn(outward, inward, side, side, generator=draws, dtype=torch.float32)
    return weight * math.sqrt(2 / (inward * side**2))
