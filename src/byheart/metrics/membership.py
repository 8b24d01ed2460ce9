"""Can the model's loss tell training images from held-out ones?  Gap, AUC, and true positives at 1 % false positives.

    gap(σ)      = held-out loss / training loss − 1,    R(σ) = log of that quotient       same noise on both sides
    AUC(σ)      = P(training loss < held-out loss) + ½ P(equal)
    TPR at α    = share of training losses below the α quantile of held-out losses

The gap compares means and opens first.  The AUC says how well single images can be told apart.  The TPR says whether some
images can be told for certain, which is what a privacy claim rests on.  The quantile of the TPR is estimated, too: the
interval joins exact limits of the quantile's rank (binomial) with exact limits of the share (Clopper–Pearson); each of
the four ends gets a quarter of the doubt.

So the TPR needs many held-out images.  At α = 1 % its lower limit is 0 with fewer than 437 of them, whatever the losses:
with 400, a TPR of 0.99 has the interval [0, 1].  The rate at the threshold is known to within half of itself with 1,990
held-out images, and to a tenth with 49,737 (`byheart.analysis.calibration.rates` has the formula and other rates).  A few
hundred training images are enough.

References: Yeom et al. 2018 (loss threshold); Carlini et al. 2022 (2112.03570: TPR at low FPR); S4 for R.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from byheart._checks import InputError, check_open
from byheart.denoisers.base import Denoiser
from byheart.metrics.auc import auc
from byheart.metrics.calibrated import calibrated_share, enough_heldout
from byheart.metrics.denoising import LossGap, loss_gap
from byheart.numerics.intervals import Interval, clopper_pearson

__all__ = ["Membership", "ModelSignal", "log_ratio", "membership", "signal", "signals"]


@dataclass(frozen=True)
class Membership:
    """How well the loss of single images tells training from held-out images.

    auc: ½ if losses tell nothing.  tpr: share of training images recognized at a false positive rate of `fpr`; None with too
    few held-out images.
    The interval of `tpr` is useful with `heldout_for_a_rate(fpr)` held-out images or more, 1,990 at 1 %.  The lower limit of
    `tpr` is 0 with fewer than `heldout_for_a_limit(fpr)`, 437 at 1 %.
    """

    auc: Interval
    tpr: Interval | None
    fpr: float


@dataclass(frozen=True)
class ModelSignal:
    """What the losses at one noise level give away.

    gap: held-out/training loss − 1.  log_ratio: R.  losses: the paired losses behind gap and R.  membership: how well single
    images are told apart.
    """

    sigma: float
    gap: Interval
    log_ratio: Interval
    losses: LossGap
    membership: Membership


def membership(loss_train: Tensor, loss_heldout: Tensor, *, fpr: float = 0.01) -> Membership:
    """Measure how well the loss of a single image says whether the image was trained on.

    loss_train: (n,), loss_heldout: (m,), one number per image, measured in the same way, at least two each.
    fpr: allowed false positive rate, in (0, 1).  The TPR needs m ≥ 1/fpr − 1 held-out images, and about 20 times as many for
    an informative interval.
    Raises InputError for fewer than two numbers, NaN or infinity.
    """
    check_open("fpr", fpr, 1, remedy="write 0.01 for 1 %")
    area = auc(loss_train, loss_heldout)
    return Membership(area, _true_positives(loss_train.double(), loss_heldout.double(), fpr), fpr)


def log_ratio(losses: LossGap, confidence: float = 0.95) -> Interval:
    """Compute R = log(mean held-out loss / mean training loss), with the interval of the delta method over images.

    Raises InputError if a mean loss is 0.
    """
    train, heldout = losses.train, losses.heldout
    if min(train, heldout) <= 0:
        raise InputError(
            got=f"mean losses {train:g} (training) and {heldout:g} (held-out)",
            need="both above 0, for a ratio",
            remedy="choose a larger noise level: at this level the denoiser returns images unchanged",
        )
    differences = losses.heldout_losses / heldout - losses.train_losses / train
    per_image = differences.reshape(-1, losses.count).mean(0)  # a repeated image counts once, as in the gap
    from scipy.special import stdtrit

    t = float(stdtrit(losses.count - 1, (1 + confidence) / 2))
    value, reach = math.log(heldout / train), t * float(per_image.std()) / math.sqrt(losses.count)
    return Interval(value, value - reach, value + reach, losses.count)


def signals(
    denoiser: Denoiser,
    train: Tensor,
    heldout: Tensor,
    sigmas: Sequence[float],
    *,
    seed: int = 0,
    fpr: float = 0.01,
) -> tuple[ModelSignal, ...]:
    """Compute loss gap, R and membership at every noise level, with the same noise on both sides and at all levels.

    train: (n, *shape), heldout: (m, *shape), each in random order.  sigmas: > 0.
    seed: Random seed of the noise; the same seed gives the same result.
    The cost is 2 max(n, m) images per level: pass as many training images as held-out images, unless more are wanted.
    Raises InputError for no levels, fewer than two images in a set, or different shapes.
    """
    if not len(sigmas):
        raise InputError(got="no noise levels", need="at least one", remedy="pass sigmas=[0.1, 0.3, 1.0]")
    return tuple(
        signal(loss_gap(denoiser, train, heldout, sigma, seed), sigma, len(train), len(heldout), fpr=fpr)
        for sigma in sigmas
    )


def signal(losses: LossGap, sigma: float, train: int, heldout: int, *, fpr: float = 0.01) -> ModelSignal:
    """Compute gap, R and membership from the paired losses at one noise level.

    train, heldout: number of images of each kind behind the losses.  Raises InputError if a mean loss is 0.
    """
    ratio = log_ratio(losses)
    gap = Interval(math.expm1(ratio.value), math.expm1(ratio.low), math.expm1(ratio.high), ratio.count)
    # An image that is used again with other noise is no new image: the first round of the smaller set is enough.
    of_images = membership(losses.train_losses[:train], losses.heldout_losses[:heldout], fpr=fpr)
    return ModelSignal(float(sigma), gap, ratio, losses, of_images)


def _true_positives(train: Tensor, heldout: Tensor, fpr: float, confidence: float = 0.95) -> Interval | None:
    """Compute the share of training losses below the held-out quantile; None with too few held-out losses.

    low and high are the exact limits of the share, at the two ends of the quantile's own interval.
    """
    if len(heldout) < enough_heldout(fpr):
        return None
    value, ordered = calibrated_share(train, heldout, fpr).share.value, heldout.sort().values
    part_confidence = 1 - (1 - confidence) / 2  # each tail of Clopper–Pearson then has a quarter of the doubt
    low_rank, high_rank = _ranks(len(heldout), fpr, (1 - part_confidence) / 2)
    low, high = 0.0, 1.0
    if low_rank >= 1:
        low = clopper_pearson(int((train < ordered[low_rank - 1]).sum()), len(train), part_confidence).low
    if high_rank <= len(heldout):
        high = clopper_pearson(int((train < ordered[high_rank - 1]).sum()), len(train), part_confidence).high
    return Interval(value, min(low, value), max(high, value), len(train))


def _ranks(m: int, share: float, tail: float) -> tuple[int, int]:
    """Return two ranks of m numbers, one surely below a quantile and one surely above.

    The first is the largest rank whose number exceeds the quantile with probability ≤ tail, 0 if there is none.  The second
    is the smallest rank whose number is below the quantile with probability ≤ tail.
    """
    from scipy.special import bdtr, bdtrc

    under = np.arange(m + 1)  # the number of m numbers below the quantile is binomial
    low = int(np.argmax(bdtr(under, m, share) >= tail))
    return low, int(np.argmax(bdtrc(under, m, share) <= tail)) + 1
