"""Colored templates: images of many pixels and few dimensions, whose density and denoiser are known.

    y = c ⊗ x_k,      k uniform on 1 … K,      c ~ N(u_k, s² I₃),      x_k a grey image (h, w)

y has shape (3, h, w), and with A_k = I₃ ⊗ x_k its law is (1/K) Σₖ N(A_k u_k, s² A_k A_kᵀ): rank 3 in 3hw dimensions.

S1's "natural image-like" population (2508.17689): 4 images of Fashion-MNIST, bicubic to 15×15, scaled together so that the
smallest pixel of all of them is 0 and the largest 1; u_k = 0, s = 1.  The paper chooses the images with JAX's generator, this module
with torch's: the same distribution, other images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from byheart._checks import InputError, check_finite, check_not_negative
from byheart.data.images import cut_square, made_ready
from byheart.data.pictures import read_picture
from byheart.data.raw import Array, Raw
from byheart.data.reader.folder import read_each
from byheart.data.reader.path import image_files
from byheart.random import derive, generator

__all__ = ["COLORS", "ColoredTemplates", "check_templates", "templates_from_folder", "templates_of"]

COLORS = 3


@dataclass(frozen=True, eq=False)
class ColoredTemplates:
    """The mixture (1/K) Σₖ N(u_k ⊗ x_k, s² (I₃ ⊗ x_k)(I₃ ⊗ x_k)ᵀ).

    templates: x_k, (k, h, w).  means: u_k, (k, 3), of the colors.  std: s, of the colors.
    Raises InputError as `check_templates` does, and for templates that are equal or empty.
    """

    templates: Tensor
    means: Tensor
    std: float

    def __post_init__(self) -> None:
        check_templates(self.templates, self.means, self.std)
        _check_apart(self.templates)

    @property
    def shape(self) -> tuple[int, ...]:
        """Return (3, h, w), the shape of one sample."""
        return (COLORS, *self.templates.shape[1:])

    @property
    def squares(self) -> Tensor:
        """Compute ‖x_k‖²: (k,) float64."""
        return self.templates.double().flatten(1).square().sum(1)

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw n samples (n, 3, h, w), in the dtype of the templates."""
        return self.labeled(n, generator)[0]

    def labeled(self, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw n samples (n, 3, h, w), and return them with their templates (n,)."""
        labels = torch.randint(len(self.templates), (n,), generator=generator)
        noise = torch.randn(n, COLORS, generator=generator, dtype=self.templates.dtype)
        colors = self.means[labels].to(noise) + self.std * noise
        return torch.einsum("nc,n...->nc...", colors, self.templates[labels]), labels


def check_templates(templates: Tensor, means: Tensor, std: float | Tensor) -> None:
    """Raise InputError unless these are finite templates (k, *pixels) and colors (k, 3), and 0 ≤ std < infinity."""
    images = templates.ndim > 1 and templates.numel() > 0 and templates.is_floating_point()
    if not images or tuple(means.shape) != (len(templates), COLORS) or not means.is_floating_point():
        raise InputError(
            got=f"templates of shape {tuple(templates.shape)} in {templates.dtype}, "
            f"means of shape {tuple(means.shape)} in {means.dtype}",
            need="(k, *pixels) and (k, 3), at least one, in floating point",
            remedy="stack grey images along the first dimension, and give one color for each",
        )
    check_finite("templates", templates.detach())
    check_finite("means", means.detach())
    width = std.item() if isinstance(std, Tensor) else std
    check_not_negative("std", width, remedy="give a standard deviation")


def templates_of(raw: Raw, count: int, side: int, seed: int) -> Tensor:
    """Make templates of `count` of these images, chosen by seed: (count, side, side) float32 from 0 to 1.

    Raises InputError for features, fewer images than `count`, and images that become equal or empty.
    """
    if raw.values.ndim != 4:
        raise InputError(
            got=f"templates from features of shape {raw.values.shape}",
            need="images, (n, c, h, w)",
            remedy="name a set of images as the source",
        )
    rows = _chosen(len(raw), count, seed)
    return _scaled([_at_side(image, raw.peak, side) for image in raw.values[rows]])


def templates_from_folder(path: Path | str, count: int, side: int, seed: int) -> Tensor:
    """Make templates of `count` of the images below a folder, of any sizes, as `templates_of` does; the other images are not read."""
    files, _ = image_files(path)
    pictures = read_each([files[row] for row in _chosen(len(files), count, seed)], read_picture)
    return _scaled([_at_side(image, np.iinfo(image.dtype).max, side) for image in pictures])


def _chosen(there: int, count: int, seed: int) -> list[int]:
    if count > there:
        raise InputError(
            got=f"{count} templates from {there} images",
            need=f"at most {there}",
            remedy="lower `components`, or give more images",
        )
    rows: list[int] = torch.randperm(there, generator=generator(derive(seed, "templates")))[:count].tolist()
    return rows


def _at_side(image: Array, peak: float, side: int) -> Array:
    """Cut out the square in the middle of an image (c, h, w), in grey: (side, side) in units of the image's peak.

    Pillow resizes from bytes to bytes, as in S1: values that bicubic weights push beyond the ends are cut off.
    """
    from PIL import Image

    (grey,) = made_ready(cut_square(image), peak, None, 1) / np.float64(peak)
    if len(grey) == side:
        return np.asarray(grey)
    stored = Image.fromarray(np.floor(255 * grey.clip(0, 1) + 0.5).astype(np.uint8))
    return np.asarray(stored.resize((side, side), Image.Resampling.BICUBIC)) / 255


def _scaled(images: Sequence[Array]) -> Tensor:
    """Scale the images (k, h, w) together: the smallest pixel of all becomes 0, the largest 1."""
    stack = np.stack(images)
    low, high = stack.min(), stack.max()
    if not low < high:
        raise InputError(
            got="templates of one and the same grey",
            need="images with something on them",
            remedy="choose another source, or another seed",
        )
    templates = torch.from_numpy(((stack - low) / (high - low)).astype(np.float32))
    _check_apart(templates)
    return templates


def _check_apart(templates: Tensor) -> None:
    """Raise InputError for equal templates, and for a component that would be a single point."""
    apart = len(templates.unique(dim=0))  # type: ignore[no-untyped-call]
    empty = int((templates == 0).flatten(1).all(1).sum())
    if apart < len(templates) or empty:
        raise InputError(
            got=f"{len(templates)} templates, {apart} of them distinct, {empty} empty",
            need="distinct ones, each with something on it",
            remedy="choose another seed, a larger side, or a source with fewer repeats",
        )
