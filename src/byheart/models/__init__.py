"""Networks, and the adapters that turn networks into denoisers."""

from typing import TYPE_CHECKING

from byheart._version import lazy

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

if not TYPE_CHECKING:
    __all__, __getattr__, __dir__ = lazy(__name__)
