"""A table of which some rows are asked for at a time: a tensor, or rows that lie in files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import torch
    from torch import Tensor

__all__ = ["Indexed"]


class Indexed(Protocol):
    """What measures use of a training set that they only sample from.  A tensor is one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, *shape)."""
        ...

    @property
    def ndim(self) -> int:
        """Dimensions, that of the rows included."""
        ...

    @property
    def device(self) -> torch.device:
        """Where the indices have to be, and the rows are."""
        ...

    def __len__(self) -> int:
        """n."""
        ...

    def __getitem__(self, rows: Tensor, /) -> Tensor:
        """The rows with these indices (b,) int64, in this order: (b, *shape)."""
        ...
