"""Values as they were read, before centering and scaling."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from byheart._checks import InputError

__all__ = ["Array", "Raw"]

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Raw:
    """Images or features as stored.

    values: (n, c, h, w) or (n, f).  peak: the value that counts as 1 (255 for bytes).  labels: (n,) integers, or None.
    notes: what the reader did or left out, in whole sentences.
    """

    values: Array
    peak: float = 1.0
    labels: Array | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.values)

    def first(self, count: int | None) -> Raw:
        """Keep the first `count` samples; None keeps all.  Raises InputError if there are fewer."""
        if count is None:
            return self
        if count > len(self):
            raise InputError(
                got=f"count {count} of {len(self)}",
                need=f"at most {len(self)}",
                remedy="leave `count` out for all",
            )
        return self._rows(slice(count))

    def distinct(self) -> Raw:
        """Keep every sample once: of samples that are equal in every value the first, in order."""
        # + 0.0 on floats: −0 and 0 are the same value with different bytes.
        plain = self.values if self.values.dtype.kind in "ui" else self.values + 0.0
        rows = {row.tobytes(): at for at, row in zip(range(len(self) - 1, -1, -1), plain[::-1], strict=True)}
        return self._rows(sorted(rows.values()))

    def _rows(self, rows: slice | list[int]) -> Raw:
        labels = None if self.labels is None else self.labels[rows]
        return replace(self, values=self.values[rows], labels=labels)
