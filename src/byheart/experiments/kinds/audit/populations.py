"""The data sets of the planted benchmark, at the working size of the copy test: (count, c, 32, 32) in [0, 1].

    digits           8×8, bicubic to 28×28, padded with 0
    fashion_mnist    28×28, padded with 0
    glyphs           as they are
    clipart          as it is: half of it has another image that is nearly the same
    clipart_strict   one image per cluster, without images that match another one in some pose as a copy would

How clipart_strict is chosen stands in `strict_clipart`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

from byheart._checks import InputError
from byheart.data.named import load
from byheart.data.spec import Data
from byheart.experiments.kinds.audit.spec import AuditRun, Population
from byheart.experiments.kinds.audit.strict_clipart import drawings, strict_clipart

__all__ = ["PLACE", "check_population", "population", "shuffled"]

PLACE = ".populations"
"""Where, beside the runs, a population that takes long to make is kept."""


@cache
def population(name: Population, cache: Path) -> Tensor:
    """Return all images of a population, in the order of their files.

    cache: the folder for the strict clip art, which takes minutes to make.
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
            return drawings()
    return strict_clipart(cache)


def check_population(run: AuditRun, root: Path) -> None:
    """Raise InputError unless the population is on this machine, and large enough for the run.

    root: the folder of all runs.
    """
    count = len(population(run.population, root / PLACE))
    if count < run.n + run.pool:
        raise InputError(
            got=f"n = {run.n} training images and a pool of {run.pool} from {run.population}",
            need=f"together at most its {count} images",
            remedy="lower n or pool",
        )


def shuffled(images: Tensor, seed: int) -> Tensor:
    """Shuffle the images with numpy's default generator of that seed."""
    order = np.random.default_rng(seed).permutation(len(images))
    return images[torch.from_numpy(order)]


def _pixels(name: str) -> Tensor:
    found = load(Data.model_validate({"name": name}))
    return _bytes(found.to_pixels(found.images))


def _bytes(x: Tensor) -> Tensor:
    return (x.clamp(0, 1) * 255).round() / 255
