"""PCA-whitened pixels: the leading principal directions of the training images, each brought to variance 1.

    z = Λ^(−½) Vᵀ (x − mean),    C = V Λ Vᵀ the unbiased covariance of the training pixels

Distances in z are Mahalanobis distances within the leading directions: they do not change when all pixels are mapped by one
invertible affine map (as long as every direction is kept).  Images with more than 1,024 values are first reduced by area
averaging: the leading directions are smooth.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from byheart._checks import InputError
from byheart.features.fingerprints import content, of_settings
from byheart.features.pixels import pixel_features
from byheart.features.preprocessing import check_images
from byheart.numerics.moments import moments
from byheart.numerics.products import matmul_t

__all__ = ["WhitenedPixels", "whitened_pixels"]

_LIMIT = 1024
_COMPONENTS = 64
_SMALLEST = 1e-8  # of the largest variance: below, rounding errors of float32 pixels would be whitened to 1e-3 and more


@dataclass(frozen=True, eq=False)
class WhitenedPixels:
    """An encoder by whitened pixels.  mean: (d,).  axes: (k, d), rows Λ^(−½) Vᵀ.  shape: (c, h, w) of the images to which it was fitted.

    fingerprint: of the training images and k.
    """

    mean: Tensor
    axes: Tensor
    shape: tuple[int, ...]
    fingerprint: str

    @property
    def name(self) -> str:
        """Return the name of the features."""
        return f"pixels whitened on the training images, {len(self.axes)} of {len(self.mean)} directions"

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        """Encode images (b, *shape) in [0, 1] as features (b, k).  Raises InputError for other shapes and values."""
        check_images(images)
        if tuple(images.shape[1:]) != self.shape:
            raise InputError(
                got=f"images of shape {tuple(images.shape[1:])} for pixels whitened at {self.shape}",
                need="images like those of the training set",
                remedy="resize and recolor both sets alike",
            )
        pixels = pixel_features(images.float(), _LIMIT)
        return matmul_t(pixels - self.mean.to(pixels), self.axes.to(pixels))


def whitened_pixels(train: Tensor, components: int | None = None) -> WhitenedPixels:
    """Fit the whitening to training images (n, c, h, w) in [0, 1].

    components: k; None takes 64, or all directions that vary.  Raises InputError for more than these, and for images that are all equal.
    """
    check_images(train)
    fitted = moments(pixel_features(train.float(), _LIMIT))
    values, vectors = torch.linalg.eigh(fitted.scatter / max(1, fitted.count - 1))
    rank = int((values > _SMALLEST * values[-1]).sum()) if values[-1] > 0 else 0
    kept = min(_COMPONENTS, rank) if components is None else components
    if not 1 <= kept <= rank:
        raise InputError(
            got=f"{kept} components for {len(train)} training images that vary in {rank} directions",
            need=f"between 1 and {rank}" if rank else "images that differ",
            remedy=f"choose {min(_COMPONENTS, rank)}, or add images" if rank else "check the training set",
        )
    axes = (_signed(vectors[:, -kept:]) / values[-kept:].sqrt()).T.flip(0)
    identity = of_settings("whitened", 1, kept, content(train))
    return WhitenedPixels(fitted.mean.float(), axes.float(), tuple(train.shape[1:]), identity)


def _signed(vectors: Tensor) -> Tensor:
    """Change signs of columns so that the largest entry is positive: results must not depend on a library's choice of sign."""
    largest = vectors.abs().argmax(0, keepdim=True)
    return vectors * vectors.gather(0, largest).sign()
