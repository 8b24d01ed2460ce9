"""Training: a loss, a generator of states, and a moving average that belongs to the caller."""

from importlib import import_module
from typing import TYPE_CHECKING

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

_HOMES = {
    "DenoisingLoss": "loss",
    "EMA": "ema",
    "Loss": "spec",
    "MixtureTraining": "mixture_spec",
    "State": "loop",
    "Training": "spec",
    "begin": "loop",
    "log_spaced_steps": "spec",
    "mixture_cell": "mixtures",
    "mixture_recipe": "mixture_spec",
    "train": "loop",
    "train_together": "mixtures",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
