"""Does a diffusion model know its training data by heart?  When will it?  Why?  What prevents it?

A denoiser is any callable `denoiser(x, sigma) -> E[x0 | x0 + sigma·eps = x]`: a trained network, or a formula of the
training data.  Names resolve when they are first used: `import byheart` itself imports nothing heavy.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from byheart._version import __version__

if TYPE_CHECKING:
    from byheart._checks import InputError as InputError
    from byheart.auditing.audit import audit as audit
    from byheart.auditing.dedup import dedup as dedup
    from byheart.auditing.result import AuditResult as AuditResult
    from byheart.data.dataset import split as split
    from byheart.data.spec import Data as Data
    from byheart.evaluation.measure import measure as measure
    from byheart.evaluation.plan import Plan as Plan
    from byheart.experiments.runs.execute import execute as execute
    from byheart.experiments.runs.execute import execute_all as execute_all
    from byheart.experiments.runs.load import load as load
    from byheart.experiments.runs.run import ClosedFormRun as ClosedFormRun
    from byheart.experiments.runs.run import TrainingRun as TrainingRun
    from byheart.experiments.study.conduct import conduct as conduct
    from byheart.experiments.study.recipe import load_study as load_study
    from byheart.experiments.sweeps.sweep import Sweep as Sweep
    from byheart.sampling.draw import sample as sample
    from byheart.store.folders import list_runs as list_runs
    from byheart.store.tables import table as table
    from byheart.studies.pages import write_report as write_report
    from byheart.training.loop import train as train

_HOMES = {
    "AuditResult": "auditing.result",
    "ClosedFormRun": "experiments.runs.run",
    "Data": "data.spec",
    "InputError": "_checks",
    "Plan": "evaluation.plan",
    "Sweep": "experiments.sweeps.sweep",
    "TrainingRun": "experiments.runs.run",
    "audit": "auditing.audit",
    "conduct": "experiments.study.conduct",
    "dedup": "auditing.dedup",
    "execute": "experiments.runs.execute",
    "execute_all": "experiments.runs.execute",
    "list_runs": "store.folders",
    "load": "experiments.runs.load",
    "load_study": "experiments.study.recipe",
    "measure": "evaluation.measure",
    "sample": "sampling.draw",
    "split": "data.dataset",
    "table": "store.tables",
    "train": "training.loop",
    "write_report": "studies.pages",
}
_ROOMS = {"data", "denoisers", "features", "metrics", "models", "noise", "sampling", "theory", "training"}

__all__ = [*sorted(_HOMES), "__version__", *sorted(_ROOMS)]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    if name in _ROOMS:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
