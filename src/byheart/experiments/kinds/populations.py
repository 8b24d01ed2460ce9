"""The populations of the planted benchmark, at the working size of the copy test: (count, c, 32, 32) in [0, 1].

    digits           8×8, bicubic to 28×28, padded with 0
    fashion_mnist    28×28, padded with 0
    glyphs           as they are
    clipart          as it is: half of it has another image that is nearly the same
    clipart_strict   one image a cluster, and no image that a pose, or its neighbors, would make a copy

clipart_strict: images of a standard deviation ≤ .03 are dropped, then all but one of each cluster with a correlation above
.85 (plain or flipped, space `half`), then those whose nearest other image has e₁ < .15 or e₁/mean(ranks 6–32) < .35.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

from byheart._checks import InputError
from byheart._records import write_atomic
from byheart.data.clipart import read_clipart
from byheart.data.named import load
from byheart.data.spec import Data
from byheart.experiments.kinds.audit_spec import AuditRun, Population
from byheart.metrics.copying.groups import merged
from byheart.metrics.copying.orbit import orbit_table
from byheart.metrics.copying.spaces import filtered, spaces, unit
from byheart.numerics.products import matmul_t

__all__ = ["PLACE", "check_population", "population", "shuffled"]

PLACE = ".populations"
"""Where, beside the runs, a population that takes long to make is kept."""

_ALIKE, _FLAT = 0.85, 0.03
_NEAR, _NEAR_RATIO = 0.15, 0.35
_BATCH = 16


@cache
def population(name: Population, cache: Path) -> Tensor:
    """All images of a population, in the order of their files.

    cache: where the strict clip art is kept: to make it takes minutes.
    """
    match name:
        case "digits":
            small = _pixels("digits")
            large = interpolate(small, size=28, mode="bicubic", align_corners=False).clamp(0, 1)
            return _bytes(pad(large, (2, 2, 2, 2)))
        case "fashion_mnist":
            return pad(_pixels("fashion_mnist"), (2, 2, 2, 2))
        case "glyphs":
            return _pixels("glyphs")
        case "clipart":
            return torch.from_numpy(read_clipart().values).float() / 255
    return _kept(cache / "clipart_strict.safetensors")


def check_population(run: AuditRun, root: Path) -> None:
    """Raise InputError unless the population is there, and large enough for the run.

    root: where runs are kept.
    """
    count = len(population(run.population, root / PLACE))
    if count < run.n + run.pool:
        raise InputError(
            got=f"n = {run.n} training images and a pool of {run.pool} from {run.population}",
            need=f"together at most its {count} images",
            remedy="lower n or pool",
        )


def shuffled(images: Tensor, seed: int) -> Tensor:
    """The images in the order of numpy's default generator of that seed."""
    order = np.random.default_rng(seed).permutation(len(images))
    return images[torch.from_numpy(order)]


def _pixels(name: str) -> Tensor:
    found = load(Data.model_validate({"name": name}))
    return _bytes(found.to_pixels(found.images))


def _bytes(x: Tensor) -> Tensor:
    return (x.clamp(0, 1) * 255).round() / 255


def _kept(file: Path) -> Tensor:
    from safetensors.torch import load as loads
    from safetensors.torch import save

    if not file.exists():
        strict = _strict(torch.from_numpy(read_clipart().values).float() / 255)
        write_atomic(file, save({"images": (strict * 255).round().to(torch.uint8)}))
    return loads(file.read_bytes())["images"].float() / 255


def _strict(images: Tensor) -> Tensor:
    """Clip art without near-duplicates."""
    images = images[images.flatten(1).std(1) > _FLAT]
    images = images[_first_of_clusters(images)]
    table = orbit_table(images, spaces(images))
    own = torch.arange(len(images))
    keep = []
    for start in range(0, len(images), _BATCH):
        rows = own[start : start + _BATCH]
        found = table(images[rows], rows[:, None] == own)
        far = found.others[:, 4:31].mean(1)  # with e₁ itself as the first, ranks 6 to 32
        keep.append((found.residual >= _NEAR) & (found.residual / far >= _NEAR_RATIO))
    return images[torch.cat(keep)]


def _first_of_clusters(images: Tensor) -> Tensor:
    """Rows (k,) of the first image of every cluster of images with a correlation above .85, plain or flipped."""
    half = spaces(images).half
    rows = unit(filtered(images, half)[..., 2:30, 2:30])
    mirrored = unit(filtered(images.flip(3), half)[..., 2:30, 2:30])
    pairs = []
    for start in range(0, len(rows), 512):
        part = slice(start, start + 512)
        alike = torch.maximum(matmul_t(rows[part], rows), matmul_t(mirrored[part], rows)) > _ALIKE
        first, second = alike.nonzero(as_tuple=True)
        pairs.append(torch.stack([first + start, second]))
    first, second = torch.cat(pairs, 1)
    groups = merged(torch.arange(len(rows)), first, second)
    return (groups == torch.arange(len(rows))).nonzero()[:, 0]
