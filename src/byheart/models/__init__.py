"""Networks, and the adapters that make denoisers of them."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from byheart.models.adapt import Preconditioned as Preconditioned
    from byheart.models.adapt import ProcessModel as ProcessModel
    from byheart.models.gmm import MixtureModel as MixtureModel
    from byheart.models.lowrank_gmm import TemplateModel as TemplateModel
    from byheart.models.mlp import MLP as MLP
    from byheart.models.spec import EDM as EDM
    from byheart.models.spec import AnyModel as AnyModel
    from byheart.models.spec import AnyParametrization as AnyParametrization
    from byheart.models.spec import MLPSpec as MLPSpec
    from byheart.models.spec import OnProcess as OnProcess
    from byheart.models.spec import Predicts as Predicts
    from byheart.models.spec import UNetSpec as UNetSpec
    from byheart.models.unet import UNet as UNet

_HOMES = {
    "AnyModel": "spec",
    "AnyParametrization": "spec",
    "EDM": "spec",
    "MLP": "mlp",
    "MLPSpec": "spec",
    "MixtureModel": "gmm",
    "OnProcess": "spec",
    "Preconditioned": "adapt",
    "Predicts": "spec",
    "ProcessModel": "adapt",
    "TemplateModel": "lowrank_gmm",
    "UNet": "unet",
    "UNetSpec": "spec",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
