"""Float32 products and nothing else, by either backend: what a search or a denoiser cannot do without.

Import timing before this.
"""

from collections.abc import Callable

import torch
from torch import Tensor

Multiply = Callable[[Tensor, Tensor], Tensor]
CHUNK, TILE = 4_096, 1_024


def mm(x: Tensor, w: Tensor) -> Tensor:
    return torch.mm(x, w.T)


def onednn(x: Tensor, w: Tensor) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(x, w, None, "none", [], "")


def all_pairs(multiply: Multiply, queries: Tensor, reference: Tensor) -> None:
    """The products of all queries with all of the reference, in tiles of TILE x CHUNK."""
    for rows in reference.split(CHUNK):
        for tile in queries.split(TILE):
            multiply(tile, rows)
