"""A small population, its true denoiser, and a split of images drawn from it."""

import torch

from byheart.data.dataset import Dataset, split
from byheart.denoisers.mixture import population

MEANS = 0.7 * torch.randn(3, 1, 4, 4, generator=torch.Generator().manual_seed(7))
TRUTH = population(MEANS, 0.6)


def dataset(count: int = 220) -> Dataset:
    draws = torch.Generator().manual_seed(0)
    images = MEANS[torch.arange(count) % 3] + 0.6 * torch.randn(count, 1, 4, 4, generator=draws)
    return Dataset(name="mixture", images=images, center=torch.zeros(1, 4, 4), scale=1.0, fingerprint="none")


SPLIT = split(dataset(), 30, seed=0, heldout=60)
