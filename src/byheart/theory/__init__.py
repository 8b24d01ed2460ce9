"""Theory: numbers in, numbers out.  No networks, no files, no data."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from byheart.theory import collapse as collapse
    from byheart.theory import crossover as crossover
    from byheart.theory import excess as excess
    from byheart.theory import lloyd as lloyd
    from byheart.theory import partial as partial
    from byheart.theory import starts as starts
    from byheart.theory import terminal as terminal
    from byheart.theory import transition as transition
    from byheart.theory import weighting as weighting

__all__ = [
    "collapse",
    "crossover",
    "excess",
    "lloyd",
    "partial",
    "starts",
    "terminal",
    "transition",
    "weighting",
]


def __getattr__(name: str) -> object:
    if name in __all__:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
