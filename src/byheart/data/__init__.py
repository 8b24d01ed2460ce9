"""Data: sets by name or from the user's files, in training units, split into train and held out."""

from typing import TYPE_CHECKING

from byheart._version import lazy

if TYPE_CHECKING:
    from byheart.data.dataset import Dataset as Dataset
    from byheart.data.dataset import Split as Split
    from byheart.data.dataset import fingerprint as fingerprint
    from byheart.data.dataset import heldout_size as heldout_size
    from byheart.data.dataset import prepared as prepared
    from byheart.data.dataset import split as split
    from byheart.data.idx import read_idx as read_idx
    from byheart.data.mixture import GaussianMixture as GaussianMixture
    from byheart.data.mixture import isotropic_mixture as isotropic_mixture
    from byheart.data.named import DataInfo as DataInfo
    from byheart.data.named import available as available
    from byheart.data.named import load as load
    from byheart.data.named import template_population as template_population
    from byheart.data.raw import Raw as Raw
    from byheart.data.reader.whole import read_arrays as read_arrays
    from byheart.data.reader.whole import read_folder as read_folder
    from byheart.data.spec import Data as Data
    from byheart.data.spec import MixtureData as MixtureData
    from byheart.data.spec import TemplateData as TemplateData
    from byheart.data.templates import ColoredTemplates as ColoredTemplates

if not TYPE_CHECKING:
    __all__, __getattr__, __dir__ = lazy(__name__)
