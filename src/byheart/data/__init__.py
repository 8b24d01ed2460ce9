"""Data: sets by name or from the user's files, in training units, split into train and held out."""

from importlib import import_module
from typing import TYPE_CHECKING

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

_HOMES = {
    "ColoredTemplates": "templates",
    "Data": "spec",
    "DataInfo": "named",
    "Dataset": "dataset",
    "GaussianMixture": "mixture",
    "MixtureData": "spec",
    "Raw": "raw",
    "Split": "dataset",
    "TemplateData": "spec",
    "available": "named",
    "fingerprint": "dataset",
    "heldout_size": "dataset",
    "isotropic_mixture": "mixture",
    "load": "named",
    "prepared": "dataset",
    "read_arrays": "reader.whole",
    "read_folder": "reader.whole",
    "read_idx": "idx",
    "split": "dataset",
    "template_population": "named",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
