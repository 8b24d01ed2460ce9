"""Does a diffusion model know its training data by heart?  When will it?  Why?  What prevents it?

A denoiser is any callable `denoiser(x, sigma) -> E[x0 | x0 + sigma·eps = x]`: a trained network, or a formula of the
training data.  Names resolve when they are first used: `import byheart` itself imports nothing heavy.
"""

from typing import TYPE_CHECKING

from byheart._version import __version__, lazy

if TYPE_CHECKING:
    from byheart import data as data
    from byheart import denoisers as denoisers
    from byheart import features as features
    from byheart import metrics as metrics
    from byheart import models as models
    from byheart import noise as noise
    from byheart import sampling as sampling
    from byheart import theory as theory
    from byheart import training as training
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

if not TYPE_CHECKING:
    __all__, __getattr__, __dir__ = lazy(__name__)
    __all__ += ["__version__"]
