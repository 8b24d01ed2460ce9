"""Metrics: numbers in, numbers out.  They take tensors or a neighbor table, and never sample or hold a model."""

from byheart.metrics.auc import RankTest, mann_whitney
from byheart.metrics.bandwidth import best_strength, leave_one_out
from byheart.metrics.calibrated import Calibrated, calibrated_share
from byheart.metrics.collapse import clone_agreement, collapse_level, jacobian_trace, last_switch, own_weight
from byheart.metrics.denoising import LossGap, denoising_loss, distance, loss_gap
from byheart.metrics.fidelity import (
    Frechet,
    frechet,
    frechet_corrected,
    frechet_floor,
    kid,
    reference_gap,
    sliced_wasserstein,
)
from byheart.metrics.flipd import DimensionGap, dimension_gap, local_intrinsic_dimension
from byheart.metrics.jacobian import jacobian_eigenvalues, local_dimension
from byheart.metrics.membership import Membership, ModelSignal, log_ratio, signals
from byheart.metrics.memorization import (
    DuplicatesWarning,
    collapse_duplicates,
    count_duplicates,
    memorized_fraction,
)

__all__ = [
    "best_strength",
    "clone_agreement",
    "collapse_level",
    "jacobian_eigenvalues",
    "jacobian_trace",
    "last_switch",
    "leave_one_out",
    "local_dimension",
    "own_weight",
    "Calibrated",
    "DimensionGap",
    "DuplicatesWarning",
    "Frechet",
    "LossGap",
    "Membership",
    "ModelSignal",
    "RankTest",
    "calibrated_share",
    "collapse_duplicates",
    "count_duplicates",
    "denoising_loss",
    "dimension_gap",
    "distance",
    "frechet",
    "frechet_corrected",
    "frechet_floor",
    "kid",
    "local_intrinsic_dimension",
    "log_ratio",
    "loss_gap",
    "mann_whitney",
    "memorized_fraction",
    "reference_gap",
    "signals",
    "sliced_wasserstein",
]
