"""Clip art without near-duplicates, stored in a file because it takes minutes to make.

Images of a standard deviation ≤ .03 are dropped, then all but one of each cluster with a correlation above .85 (plain or
flipped, space `half`), then those whose nearest other image has e₁ < .15 or e₁/mean(ranks 6–32) < .35.

The name of the file is a digest of the contents of the drawings, and of the code of this module and of all that it
imports.  Other drawings or another rule lead to another file; an older file is never read.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from torch import Tensor

from byheart._records import write_atomic
from byheart.data.clipart import PLACE, read_clipart
from byheart.experiments.version import code_version
from byheart.metrics.copying.groups import merged
from byheart.metrics.copying.orbit import orbit_table
from byheart.metrics.copying.spaces import filtered, spaces, unit
from byheart.numerics.products import matmul_t

__all__ = ["drawings", "strict_clipart"]

_ALIKE, _FLAT = 0.85, 0.03
_NEAR, _NEAR_RATIO = 0.15, 0.35
_BATCH = 16


def drawings() -> Tensor:
    """Read all drawings, (n, 3, 32, 32) in [0, 1], in the order of their files."""
    return torch.from_numpy(read_clipart(PLACE).values).float() / 255


def strict_clipart(cache: Path) -> Tensor:
    """Return the drawings that are left, (n, 3, 32, 32) in [0, 1], in the order of their files.

    cache: the folder in which the drawings that are left are stored.
    """
    from safetensors.torch import load, save

    file = cache / f"clipart_strict-{_made_from()}.safetensors"
    if not file.exists():
        write_atomic(file, save({"images": (_strict(drawings()) * 255).round().to(torch.uint8)}))
    return load(file.read_bytes())["images"].float() / 255


def _made_from() -> str:
    """Compute sixteen hexadecimal digits over the names and contents of the drawings, and the code that reads and selects drawings."""
    digest = hashlib.sha256(code_version((__name__,)).encode())
    for file in sorted(PLACE.rglob("*.png")):
        digest.update(f"\0{file.relative_to(PLACE)}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


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
        far = found.others[:, 4:31].mean(1)  # ranks 6 to 32, counting e₁ as the first
        keep.append((found.residual >= _NEAR) & (found.residual / far >= _NEAR_RATIO))
    return images[torch.cat(keep)]


def _first_of_clusters(images: Tensor) -> Tensor:
    """Return the rows (k,) of the first image of every cluster of images with a correlation above .85, plain or flipped."""
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
