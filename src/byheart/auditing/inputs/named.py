"""Sets by name, and slices of them: `digits`, `fashion_mnist:0-5000`, `cifar10=FOLDER:5000-6000`.

NAME[=PATH][:A-B] are images A to B − 1 of the set, each image once, in one fixed random order, the same on every machine:
two slices that do not overlap share no image and are alike in distribution, as training and held-out images must be.
(In file order they need not be: characters come sorted by their radical, digits by their writer.)
An image keeps its row in file order as its name.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from byheart._checks import InputError
from byheart.data.named import load
from byheart.data.reader.source import Numbered, Source, from_array
from byheart.data.spec import Data
from byheart.data.words import SetName
from byheart.random import derive, generator

__all__ = ["named"]


def named(text: str, chosen: SetName) -> Source:
    """Read the images of a named set or of a slice of the set.  text: what the user wrote.

    Raises InputError for a slice outside the set, and as `load` does.
    """
    dataset = load(Data(name=chosen.name, path=chosen.path, distinct=True, standardize=False))
    low = chosen.low or 0
    high = len(dataset) if chosen.high is None else chosen.high
    if not low < high <= len(dataset):
        raise InputError(
            got=f"{text}, of a set of {len(dataset):,} distinct samples",
            need=f"A < B ≤ {len(dataset)}",
            remedy=f"for example {chosen.name}:0-{len(dataset) // 2}",
        )
    order = torch.randperm(len(dataset), generator=generator(derive(0, "named set")))[low:high]
    names = Numbered(order.tolist())
    return replace(from_array(text, dataset.images[order].numpy(), names=names), notes=dataset.notes)
