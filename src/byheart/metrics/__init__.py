"""Metrics of samples and denoisers.  They take tensors or a neighbor table; they never sample and never hold a model."""

from typing import TYPE_CHECKING

from byheart._version import lazy

if TYPE_CHECKING:
    from byheart.metrics.auc import RankTest as RankTest
    from byheart.metrics.auc import mann_whitney as mann_whitney
    from byheart.metrics.bandwidth import best_strength as best_strength
    from byheart.metrics.bandwidth import leave_one_out as leave_one_out
    from byheart.metrics.calibrated import Calibrated as Calibrated
    from byheart.metrics.calibrated import calibrated_share as calibrated_share
    from byheart.metrics.collapse import clone_agreement as clone_agreement
    from byheart.metrics.collapse import collapse_level as collapse_level
    from byheart.metrics.collapse import jacobian_trace as jacobian_trace
    from byheart.metrics.collapse import last_switch as last_switch
    from byheart.metrics.collapse import own_weight as own_weight
    from byheart.metrics.denoising import LossGap as LossGap
    from byheart.metrics.denoising import denoising_loss as denoising_loss
    from byheart.metrics.denoising import distance as distance
    from byheart.metrics.denoising import loss_gap as loss_gap
    from byheart.metrics.fidelity import Frechet as Frechet
    from byheart.metrics.fidelity import frechet as frechet
    from byheart.metrics.fidelity import frechet_corrected as frechet_corrected
    from byheart.metrics.fidelity import frechet_floor as frechet_floor
    from byheart.metrics.fidelity import kid as kid
    from byheart.metrics.fidelity import reference_gap as reference_gap
    from byheart.metrics.fidelity import sliced_wasserstein as sliced_wasserstein
    from byheart.metrics.flipd import DimensionGap as DimensionGap
    from byheart.metrics.flipd import dimension_gap as dimension_gap
    from byheart.metrics.flipd import local_intrinsic_dimension as local_intrinsic_dimension
    from byheart.metrics.jacobian import jacobian_eigenvalues as jacobian_eigenvalues
    from byheart.metrics.jacobian import local_dimension as local_dimension
    from byheart.metrics.membership import Membership as Membership
    from byheart.metrics.membership import ModelSignal as ModelSignal
    from byheart.metrics.membership import log_ratio as log_ratio
    from byheart.metrics.membership import signals as signals
    from byheart.metrics.memorization import DuplicatesWarning as DuplicatesWarning
    from byheart.metrics.memorization import collapse_duplicates as collapse_duplicates
    from byheart.metrics.memorization import count_duplicates as count_duplicates
    from byheart.metrics.memorization import memorized_fraction as memorized_fraction

if not TYPE_CHECKING:
    __all__, __getattr__, __dir__ = lazy(__name__)
