"""Theory: closed forms and simulations that take and return numbers.  They know no networks, no files and no data sets."""

from typing import TYPE_CHECKING

from byheart._version import lazy

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

if not TYPE_CHECKING:
    __all__, __getattr__, __dir__ = lazy(__name__)
