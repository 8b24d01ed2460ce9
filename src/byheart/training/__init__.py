"""Training: a loss, a generator of states, and a moving average that the caller holds."""

from typing import TYPE_CHECKING

from byheart._version import lazy

if TYPE_CHECKING:
    from byheart.training.ema import EMA as EMA
    from byheart.training.loop import State as State
    from byheart.training.loop import begin as begin
    from byheart.training.loop import train as train
    from byheart.training.loss import DenoisingLoss as DenoisingLoss
    from byheart.training.mixture_spec import MixtureTraining as MixtureTraining
    from byheart.training.mixture_spec import mixture_recipe as mixture_recipe
    from byheart.training.mixtures import mixture_cell as mixture_cell
    from byheart.training.mixtures import train_together as train_together
    from byheart.training.spec import Loss as Loss
    from byheart.training.spec import Training as Training
    from byheart.training.spec import log_spaced_steps as log_spaced_steps

if not TYPE_CHECKING:
    __all__, __getattr__, __dir__ = lazy(__name__)
