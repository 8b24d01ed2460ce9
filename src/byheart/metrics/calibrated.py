"""Turn any score into a test: read its threshold off held-out images.

    threshold = the k-th smallest held-out score,    k = ⌊α (m + 1)⌋

A new image of the held-out images' source falls below the threshold with probability k/(m + 1) ≤ α, whatever the score and
the distribution of the score (split conformal).  The promise holds on average over held-out sets, not for every held-out set.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from byheart._checks import InputError
from byheart.analysis.calibration.ranks import marginal_rank
from byheart.numerics.intervals import Proportion, proportion

__all__ = ["Calibrated", "calibrated_share", "enough_heldout"]


@dataclass(frozen=True)
class Calibrated:
    """A share of samples below a calibrated threshold.

    share: of samples strictly below the threshold.  expected: the same share of new images of the held-out images' source,
    k/(m + 1).
    """

    share: Proportion
    threshold: float
    expected: float


def enough_heldout(alpha: float) -> int:
    """Return the fewest held-out images with which a rate of alpha can be kept: 99 for 1 %."""
    return math.ceil(1 / alpha - 1e-9) - 1


def calibrated_share(score: Tensor, heldout: Tensor, alpha: float = 0.01) -> Calibrated:
    """Compute the share of samples whose score is below the threshold of the held-out images.

    score: (q,), one per sample, small where an image is copied.  heldout: (m,), the scores of the held-out images.
    alpha: share of original samples that may be flagged by mistake, in (0, 1).
    Raises InputError for no samples, too few held-out images for alpha, or scores that are NaN.
    """
    for name, scores in (("samples' scores", score), ("held-out scores", heldout)):
        if count := int(scores.isnan().sum()):
            raise InputError(
                got=f"{name} of which {count} are NaN",
                need="a number for every image",
                remedy="look for blank or broken images among those images",
            )
    if not 0 < alpha < 1 or not len(score) or len(heldout) < enough_heldout(alpha):
        raise InputError(
            got=f"{len(score)} samples and {len(heldout)} held-out images at alpha = {alpha:g}",
            need="at least one sample, 0 < alpha < 1, and 1/alpha − 1 held-out images",
            remedy="hold out more images, or choose a larger alpha",
        )
    rank = marginal_rank(alpha, len(heldout)) or 1
    threshold = float(heldout.double().sort().values[rank - 1])
    share = proportion(int((score < threshold).sum()), len(score))
    return Calibrated(share, threshold, rank / (len(heldout) + 1))
