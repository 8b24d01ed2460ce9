"""A table that is read some rows at a time: a tensor, or rows that lie in files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import torch
    from torch import Tensor

__all__ = ["Indexed"]


class Indexed(Protocol):
    """The part of a tensor's interface that measures need of a training set from which they only sample.  A tensor satisfies it."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Return (n, *shape)."""
        ...

    @property
    def ndim(self) -> int:
        """Return the number of dimensions, including the dimension of the rows."""
        ...

    @property
    def device(self) -> torch.device:
        """Return the device of the rows, on which the indices must be, too."""
        ...

    def __len__(self) -> int:
        """Return n."""
        ...

    def __getitem__(self, rows: Tensor, /) -> Tensor:
        """Return the rows with the indices (b,) int64, in the order of the indices: (b, *shape)."""
        ...
