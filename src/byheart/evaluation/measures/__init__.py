"""Measures, one per file: a specification, and the function that makes the measure's part of the record.

The specifications need no torch: the functions import torch, and their metrics, when they are called.
"""

from byheart.evaluation.measures.copies import Copies
from byheart.evaluation.measures.frechet import FrechetDistance
from byheart.evaluation.measures.kernel import KernelDistance
from byheart.evaluation.measures.loss_gap import LossGap
from byheart.evaluation.measures.sliced import SlicedWasserstein

__all__ = ["Copies", "FrechetDistance", "KernelDistance", "LossGap", "SlicedWasserstein"]
