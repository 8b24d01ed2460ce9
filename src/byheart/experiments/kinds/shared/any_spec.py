"""What runs of all kinds have in common."""

from __future__ import annotations

from byheart._records import Spec, identity

__all__ = ["AnyKind"]


class AnyKind(Spec):
    """A run, frozen.  A kind adds `kind`, `n`, `seed` and its own settings."""

    @property
    def id(self) -> str:
        """Return the id of the run: equal settings have equal ids."""
        return identity(self)

    @property
    def steps(self) -> int:
        """Return the number of optimizer steps of the whole run; 0 for a formula."""
        return 0
