"""The classical measures of copying, one published method per file, with fixed thresholds and with calibrated thresholds."""

from byheart.metrics.calibrated import Calibrated, calibrated_share
from byheart.metrics.copying.classical.authenticity import authenticity, nearest_other
from byheart.metrics.copying.classical.carlini import calibrated_carlini, carlini_ratio, carlini_share
from byheart.metrics.copying.classical.data_copying import (
    CellTest,
    DataCopying,
    cells,
    data_copying,
    nearest_in_cell,
)
from byheart.metrics.copying.classical.dcr import dcr_share, train_share
from byheart.metrics.copying.classical.duplicates import (
    HashMatches,
    dhash,
    exact_duplicates,
    hamming_nearest,
    near_duplicates,
    phash,
)
from byheart.metrics.copying.classical.table import classical_table, duplicate_table
from byheart.metrics.score import Score

__all__ = [
    "Calibrated",
    "CellTest",
    "DataCopying",
    "HashMatches",
    "Score",
    "authenticity",
    "calibrated_carlini",
    "calibrated_share",
    "carlini_ratio",
    "carlini_share",
    "cells",
    "classical_table",
    "data_copying",
    "dcr_share",
    "dhash",
    "duplicate_table",
    "exact_duplicates",
    "hamming_nearest",
    "near_duplicates",
    "nearest_in_cell",
    "nearest_other",
    "phash",
    "train_share",
]
