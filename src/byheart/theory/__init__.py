"""Theory: numbers in, numbers out.  No networks, no files, no data."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from byheart.theory import collapse as collapse
    from byheart.theory import terminal as terminal

__all__ = ["collapse", "terminal"]


def __getattr__(name: str) -> object:
    if name in __all__:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
