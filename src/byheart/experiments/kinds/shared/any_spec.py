"""What a run of every kind has beside its settings."""

from __future__ import annotations

from byheart._records import Spec, identity

__all__ = ["AnyKind"]


class AnyKind(Spec):
    """A run, frozen.  A kind adds `kind`, `n`, `seed` and its own settings."""

    @property
    def id(self) -> str:
        """Identity: equal settings, equal id."""
        return identity(self)

    @property
    def steps(self) -> int:
        """Optimizer steps of the whole run; a formula takes no training."""
        return 0
