"""Original images that look like samples of imperfect models and copy nothing (innocents in the code): the test must not flag them.

    name                 what it is                                                          kind
    ---------------------------------------------------------------------------------------------------
    blur-0.7, -1, -2     a held-out image, blurred (Gaussian, pixels)                        safe
    noise-0.05, -0.15    a held-out image with normal noise                                  safe
    contrast-0.3         a held-out image, contrast about the middle times 0.3               safe
    pca-100              a held-out image on the first 100 principal components of T         safe
    mean-of-2            of a held-out image and another one                                 safe
    pca-gaussian         a draw of the Gaussian of T on its first 300 components             safe
    mean-of-50           of 50 training images at random                                     safe
    mean-of-8-nearest    of the 8 training images nearest (in pixels) to a held-out one      mixture
    kde-0.7, kde-0.3     a training image, spread by noise of h standard deviations          parent, copying

The last three are made of training images, and the test may flag them: a mean of near images is a mixture; each sample of the
smoothed density of T has one parent, which h = 0.3 leaves in plain sight.  With principal components v_i, standard deviations
s_i (i ≤ 300), coordinates a_i of a random training image, and independent normal z_i, ε_i:

    pca-gaussian   x = mean + Σ s_i z_i v_i
    kde-h          x = mean + Σ (a_i + h s_i ε_i)/√(1 + h²) v_i          variance s_i² along every v_i, whatever h is

All are clipped and rounded to 8 bits.  Every image has a stream of its own, named by (seed, name, row):
what is made beside it changes it by the rounding of products at most.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import torch
from torch import Tensor

from byheart._checks import InputError, unknown
from byheart.metrics.copying.choices import check_values, chosen_rows
from byheart.metrics.copying.distortions import Step, blurred, contrasted, noised, rounded
from byheart.metrics.copying.spaces import check_images
from byheart.numerics.neighbors import nearest
from byheart.random import derive, generator

__all__ = ["INNOCENTS", "Innocent", "Ingredients", "innocents", "population"]

Kind = Literal["safe", "mixture", "parent", "copying"]

COMPONENTS = 300
PROJECTED = 100
NEAREST = 8
AVERAGED = 50
BANDWIDTHS = {"kde-0.7": 0.7, "kde-0.3": 0.3}


@dataclass(frozen=True)
class Innocent:
    """A kind of original image.  kind: safe if at most the nominal rate may be flagged; else what the image is made of.

    step: the change of a held-out image; None if more than this image is needed.
    """

    name: str
    kind: Kind
    step: Step | None = None


_ALL = (
    Innocent("blur-0.7", "safe", blurred(0.7)),
    Innocent("blur-1", "safe", blurred(1.0)),
    Innocent("blur-2", "safe", blurred(2.0)),
    Innocent("noise-0.05", "safe", noised(0.05)),
    Innocent("noise-0.15", "safe", noised(0.15)),
    Innocent("contrast-0.3", "safe", contrasted(0.3)),
    Innocent("pca-100", "safe"),
    Innocent("mean-of-2", "safe"),
    Innocent("pca-gaussian", "safe"),
    Innocent("mean-of-50", "safe"),
    Innocent("mean-of-8-nearest", "mixture"),
    Innocent("kde-0.7", "parent"),
    Innocent("kde-0.3", "copying"),
)

INNOCENTS: Mapping[str, Innocent] = MappingProxyType({each.name: each for each in _ALL})


@dataclass(frozen=True, eq=False)
class Ingredients:
    """The images and components from which original images are made.

    train: (n, c, 32, 32), heldout: (m, c, 32, 32).  mean: (d,) of train.  components: (k, d) principal, orthonormal rows,
    k ≤ min(300, n − 1, d).  sd: (k,) standard deviations along them, largest first.
    """

    train: Tensor
    heldout: Tensor
    mean: Tensor
    components: Tensor
    sd: Tensor


def population(train: Tensor, heldout: Tensor) -> Ingredients:
    """Collect training and held-out images with the principal components of train.

    Raises InputError for n < 50, m < 2, sets of different shape, or values outside [0, 1].
    """
    for name, x in (("train", train), ("heldout", heldout)):
        check_images(name, x)
        check_values(name, x)
    if train.shape[1:] != heldout.shape[1:] or len(train) < AVERAGED or len(heldout) < 2:
        raise InputError(
            got=f"train {tuple(train.shape)} and heldout {tuple(heldout.shape)}",
            need=f"(n, c, 32, 32) and (m, c, 32, 32) with n ≥ {AVERAGED} and m ≥ 2",
            remedy="bring both to the same channels, or give more images",
        )
    train, heldout = train.float().cpu(), heldout.float().cpu()
    return Ingredients(train, heldout, *_principal(train.flatten(1).double()))


def _principal(rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Compute mean (d,), leading components (k, d) and standard deviations (k,) of rows (n, d), from the smaller of two matrices."""
    from scipy.linalg import eigh

    mean = rows.mean(0)
    centered, (n, d) = rows - mean, rows.shape
    square = centered.T @ centered if d <= n else centered @ centered.T
    size, kept = len(square), min(COMPONENTS, n - 1, d)
    values, vectors = map(torch.from_numpy, eigh(square.numpy(), subset_by_index=(size - kept, size - 1)))
    values, vectors = values.flip(0).clamp_min(0), vectors.flip(1)
    varies = values > 1e-10 * values[:1]  # fewer where images repeat: the rest is rounding, in any direction
    values, vectors = values[varies], vectors[:, varies]
    if d > n:  # eigenvectors u of the inner products XXᵀ give those of XᵀX: Xᵀu/√λ
        vectors = centered.T @ vectors / values.sqrt()
    return mean.float(), vectors.T.float(), (values / (n - 1)).sqrt().float()


@torch.no_grad()
def innocents(name: str, given: Ingredients, rows: Tensor | Sequence[int], seed: int) -> Tensor:
    """Make images of that kind, (b, c, 32, 32) in [0, 1], one for every row (b,).

    rows: of the held-out images to start from; kinds without a held-out image use the rows for their random streams only.
    Raises InputError for an unknown name, or rows that are not held-out images.
    """
    if name not in INNOCENTS:
        raise unknown("innocents named", name, INNOCENTS, remedy="correct the name")
    chosen = chosen_rows("heldout", rows, len(given.heldout))
    streams = [generator(derive(seed, "innocent", name, row)) for row in chosen.tolist()]
    return rounded(_made(name, given, chosen, streams).reshape(len(chosen), *given.train.shape[1:]))


def _made(name: str, given: Ingredients, rows: Tensor, streams: list[torch.Generator]) -> Tensor:
    start, step = given.heldout[rows], INNOCENTS[name].step
    if step is not None:
        return torch.stack([step(x, draws, 0.0) for x, draws in zip(start, streams, strict=True)])
    match name:
        case "pca-100":
            kept = given.components[:PROJECTED]
            return given.mean + (start.flatten(1) - given.mean) @ kept.T @ kept
        case "mean-of-2":
            return (start + given.heldout[_others(rows, len(given.heldout), streams)]) / 2
        case "mean-of-50":
            return torch.stack([given.train[_some(len(given.train), draws)].mean(0) for draws in streams])
        case "mean-of-8-nearest":
            return given.train[nearest(start, given.train, k=NEAREST).index].mean(1)
        case "pca-gaussian":
            return given.mean + (_normal(given, streams) * given.sd) @ given.components
    return _smoothed(given, BANDWIDTHS[name], streams)


def _smoothed(given: Ingredients, bandwidth: float, streams: list[torch.Generator]) -> Tensor:
    """Draw from the smoothed density of train, shrunk so that the variance stays that of train."""
    parents = torch.stack([torch.randint(len(given.train), (), generator=draws) for draws in streams])
    at = (given.train[parents].flatten(1) - given.mean) @ given.components.T
    spread = at + bandwidth * given.sd * _normal(given, streams)
    return given.mean + spread / math.sqrt(1 + bandwidth**2) @ given.components


def _normal(given: Ingredients, streams: list[torch.Generator]) -> Tensor:
    return torch.stack(
        [torch.randn(len(given.sd), generator=draws, dtype=torch.float32) for draws in streams]
    )


def _others(rows: Tensor, count: int, streams: list[torch.Generator]) -> Tensor:
    drawn = torch.stack([torch.randint(count - 1, (), generator=draws) for draws in streams])
    return drawn + (drawn >= rows)


def _some(count: int, draws: torch.Generator) -> Tensor:
    return torch.randperm(count, generator=draws)[:AVERAGED]
