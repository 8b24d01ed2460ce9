"""Populations whose denoiser is a formula: points and formula, for S1's runs (2508.17689)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from byheart.data.dataset import fingerprint
from byheart.data.mixture import GaussianMixture, isotropic_mixture
from byheart.data.named import template_population
from byheart.data.spec import Data, MixtureData, TemplateData
from byheart.data.templates import COLORS
from byheart.denoisers.mixture import MixtureDenoiser, population
from byheart.denoisers.templates import ColoredTemplateDenoiser
from byheart.random import derive, generator
from byheart.store.folders import RunFolder

__all__ = ["Drawn", "drawn", "store_drawn"]

Truth = MixtureDenoiser | ColoredTemplateDenoiser


@dataclass(frozen=True, eq=False)
class Drawn:
    """Points of a population.  train: (n, *shape), heldout: (m, *shape), float32.  truth: its denoiser.

    mixture: the population, if it is a mixture of isotropic Gaussians.  means: (k, *shape) of the components.  variances: (k, rank) eigenvalues of their covariances, without zeros.
    """

    train: Tensor
    heldout: Tensor
    truth: Truth
    mixture: GaussianMixture | None
    means: Tensor
    variances: NDArray[np.float64]


def drawn(data: Data, n: int, heldout: int, seed: int) -> Drawn:
    """Draw n training points and so many held-out points from the population of these settings and that seed.

    data: specification named `mixture` or `templates`; its seeds and counts are not used.
    """
    draws, own = generator(derive(seed, "points")), derive(seed, "population")
    if data.name == "mixture":
        settings = data.mixture or MixtureData()
        mixture = isotropic_mixture(settings.components, settings.dimension, settings.std, own)
        points = mixture.sample(n + heldout, draws)
        variances = np.full((settings.components, settings.dimension), settings.std**2)
        truth = population(mixture.means, mixture.std)
        return Drawn(points[:n], points[n:], truth, mixture, mixture.means, variances)
    chosen = (data.templates or TemplateData()).model_copy(update={"seed": own})
    found = template_population(data.model_copy(update={"templates": chosen}))
    points = found.sample(n + heldout, draws)
    colored = ColoredTemplateDenoiser(found.templates, found.means, found.std)
    means = torch.einsum("kc,k...->kc...", found.means, found.templates)
    variances = (found.std**2 * found.squares).numpy()[:, None].repeat(COLORS, 1)
    return Drawn(points[:n], points[n:], colored, None, means, variances)


def store_drawn(folder: RunFolder, data: Data, points: Drawn) -> None:
    """Store the points, and describe them in data.json."""
    folder.save("data", {"train": points.train, "heldout": points.heldout, "means": points.means})
    shape = list(points.train.shape[1:])
    facts = {"name": data.name, "count": len(points.train), "shape": shape}
    folder.write_record("data", {**facts, "fingerprint": fingerprint(points.train.numpy())})
