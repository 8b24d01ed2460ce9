"""Exact and perceptual duplicates: lists images that are plainly the same, and proves nothing beyond that.

    exact    equal in every value: equal 128-bit digests (BLAKE2) of the bytes
    dHash    the image averaged to 8 rows of 9; bit = brighter than the pixel on its left        64 bits
    pHash    8×8 lowest coefficients of the 32×32 cosine transform; bit = above their median     64 bits

Two images are listed if their hashes differ in at most `radius` bits, with or without one of the two images mirrored.  Both
hashes are of grey images and miss shifts and crops; blank images share one hash.  Real held-out images may have as many such
pairs: a share means nothing without the share of held-out images.

References: Krawetz 2011 and 2013 (pHash and dHash, as in the imagehash package).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from byheart._checks import InputError, check_finite
from byheart.metrics.copying.spaces import SIDE, check_images

__all__ = [
    "RADIUS",
    "Hash",
    "HashMatches",
    "dhash",
    "digests",
    "exact_duplicates",
    "hamming_nearest",
    "near_duplicates",
    "phash",
]

Hash = Literal["dhash", "phash"]

RADIUS = 2
"""Of 64 bits.  The customary 10 matches 83 to 100 % of real held-out digits, clothes and glyphs with some training image;
2 matches 2 to 39 % (dHash) and 0.3 to 13 % (pHash), and still finds 79 to 99 % of JPEG copies of quality 50 by pHash."""

_CHUNK = 2048  # images at a time
_PAIRS = 1 << 21  # hashes compared at a time: 16 MiB
_LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class HashMatches:
    """The nearest training image of every sample, by hash.

    distance: (q,) number of differing bits, 0 … 64.  index: (q,) the first training image at that distance.
    flipped: (q,) whether the sample's mirror image matches better.
    """

    distance: Tensor
    index: Tensor
    flipped: Tensor


def digests(x: Tensor) -> Iterator[bytes]:
    """Yield 128 bits of the values of every image in x (n, *shape), equal for equal images, with one chunk in memory."""
    for part in torch.split(x.detach(), _CHUNK):
        values = part.cpu()
        # + 0: −0 and 0 are the same value with different bytes.
        plain = (values + 0.0 if values.is_floating_point() else values).contiguous().numpy()
        yield from (hashlib.blake2b(row.data, digest_size=16).digest() for row in plain)


def exact_duplicates(samples: Tensor, train: Tensor) -> Tensor:
    """Find the first training image that equals each sample in every value, −1 if there is none: (q,) int64.

    samples: (q, *shape), train: (n, *shape), of one dtype.  Memory grows by 16 bytes per image.
    Raises InputError for different shapes or dtypes, or NaN, which equals nothing.
    """
    if samples.shape[1:] != train.shape[1:] or samples.dtype != train.dtype:
        raise InputError(
            got=f"samples {tuple(samples.shape)} in {samples.dtype} and train {tuple(train.shape)} in {train.dtype}",
            need="one shape and one dtype",
            remedy="read and resize both sets in the same way",
        )
    for name, images in (("samples", samples), ("train", train)):
        for part in torch.split(images, _CHUNK):
            check_finite(name, part)
    first: dict[bytes, int] = {}
    for row, digest in enumerate(digests(train)):
        first.setdefault(digest, row)
    return torch.tensor([first.get(digest, -1) for digest in digests(samples)], dtype=torch.int64)


def near_duplicates(samples: Tensor, train: Tensor, kind: Hash = "dhash") -> HashMatches:
    """Find the nearest training image by hash, for the sample or its mirror image, whichever is nearer.

    samples: (q, c, 32, 32), train: (n, c, 32, 32), in [0, 1].  kind: dhash or phash.
    Raises InputError for other shapes or NaN.
    """
    hashes = {"dhash": dhash, "phash": phash}[kind]
    reference = hashes(train)
    straight, mirrored = (hamming_nearest(hashes(x), reference) for x in (samples, samples.flip(-1)))
    flipped = mirrored[0] < straight[0]
    distance, index = (torch.where(flipped, b, a) for a, b in zip(straight, mirrored, strict=True))
    return HashMatches(distance, index, flipped)


def dhash(x: Tensor) -> NDArray[np.uint64]:
    """Compute the dHash, 64 bits per image, row by row from the top: (n,).  x: (n, c, 32, 32) in [0, 1]."""
    small = adaptive_avg_pool2d(_grey(x), (8, 9))
    return _packed((small[..., 1:] > small[..., :-1]).flatten(1))


def phash(x: Tensor) -> NDArray[np.uint64]:
    """Compute the pHash, 64 bits per image, the lowest vertical frequency first: (n,).  x: (n, c, 32, 32) in [0, 1]."""
    position, frequency = torch.arange(SIDE).double() + 0.5, torch.arange(8).double()
    basis = torch.cos(math.pi / SIDE * frequency[:, None] * position)
    # Rounded, because coefficients of symmetric images are 0 up to rounding, and their signs would be arbitrary.
    low = (basis @ _grey(x)[:, 0] @ basis.T).flatten(1).mul(1e6).round()
    ordered = low.sort(1).values
    return _packed(low > (ordered[:, 31:32] + ordered[:, 32:33]) / 2)


def hamming_nearest(queries: NDArray[np.uint64], reference: NDArray[np.uint64]) -> tuple[Tensor, Tensor]:
    """Return the fewest differing bits and the first reference hash that has that number: (q,) int64 each.

    queries: (q,), reference: (n,), n ≥ 1.  At most 2²¹ pairs are held at a time.
    Raises InputError for an empty reference.
    """
    if not len(reference):
        raise InputError(got="no reference hashes", need="at least one", remedy="hash the training images")
    distance = np.full(len(queries), 65, dtype=np.int64)
    index = np.zeros(len(queries), dtype=np.int64)
    columns = min(len(reference), _PAIRS)
    for start in range(0, len(reference), columns):
        block = reference[start : start + columns]
        for first in range(0, len(queries), max(1, _PAIRS // len(block))):
            rows = slice(first, first + max(1, _PAIRS // len(block)))
            bits = np.bitwise_count(queries[rows, None] ^ block)
            where = bits.argmin(1)
            fewest = bits[np.arange(len(where)), where]
            better = fewest < distance[rows]
            index[rows] = np.where(better, where + start, index[rows])
            distance[rows] = np.where(better, fewest, distance[rows])
    return torch.from_numpy(distance), torch.from_numpy(index)


def _grey(x: Tensor) -> Tensor:
    """Return the luminance (n, 1, 32, 32) in float64 on the CPU; for two or four channels, the mean of the channels."""
    check_images("images", x)
    check_finite("images", x)
    image = x.double().cpu()
    if image.shape[1] != 3:
        return image.mean(1, keepdim=True)
    return (image * torch.tensor(_LUMA, dtype=torch.float64)[:, None, None]).sum(1, keepdim=True)


def _packed(bits: Tensor) -> NDArray[np.uint64]:
    """Pack (n, 64) booleans as (n,) numbers, the first bit highest."""
    return np.packbits(bits.numpy(), axis=1).view(">u8")[:, 0].astype(np.uint64)
