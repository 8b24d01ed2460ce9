"""Random generators, seeds and noise, which are always passed in; there is no global state.

Streams are drawn on the CPU whatever the device, so that a seed means the same numbers everywhere.  torch's
CPU generator (a Mersenne Twister) keeps the low 32 bits of its seed: seeds that agree in those bits give one stream.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from byheart._checks import InputError, check_default_device

if TYPE_CHECKING:
    import torch

__all__ = ["SeededNoise", "derive", "generator", "streams"]


def generator(seed: int) -> torch.Generator:
    """Return a fresh CPU generator.

    Raises InputError unless 0 <= seed < 2⁶³, and where torch's default device is another one.
    """
    import torch

    check_default_device()
    if not 0 <= seed < 2**63:
        raise InputError(
            got=f"seed {seed}", need="an integer from 0 to 2^63 - 1", remedy="choose a small positive seed"
        )
    return torch.Generator().manual_seed(seed)


def derive(seed: int, *path: int | str) -> int:
    """Return the seed, below 2⁶³, of the stream named by `path` under `seed`: the same everywhere, unrelated to other streams."""
    text = json.dumps([seed, *path], separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


class SeededNoise:
    """Standard normal noise with one stream per sample, so that no sample's noise depends on the batch.

    seeds: one per sample, b in all.  Every call continues each stream.
    """

    def __init__(self, seeds: Sequence[int]) -> None:
        self._streams = [generator(seed) for seed in seeds]

    def __call__(
        self, shape: tuple[int, ...], dtype: torch.dtype | None = None, device: torch.device | str = "cpu"
    ) -> torch.Tensor:
        """Return the next draw of every sample, (b, *shape).

        dtype: float32 if None; float64 gives other numbers, not the same numbers with more digits.
        """
        import torch

        noise = torch.empty(len(self._streams), *shape, dtype=dtype or torch.float32)
        for row, stream in zip(noise, self._streams, strict=True):
            row.normal_(generator=stream)
        return noise.to(device)


def streams(seed: int, *path: int | str, count: int) -> SeededNoise:
    """Return a noise of `count` samples, each with the stream derived from the path and the number of the row."""
    return SeededNoise([derive(seed, *path, row) for row in range(count)])
