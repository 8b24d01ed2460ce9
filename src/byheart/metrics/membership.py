"""Can the model's loss tell training images from held-out ones?  Gap, AUC, and true positives at 1 % false ones.

    gap(σ)      = held-out loss / training loss − 1,    R(σ) = log of that quotient       same noise on both sides
    AUC(σ)      = P(training loss < held-out loss) + ½ P(equal)
    TPR at α    = share of training losses below the α quantile of held-out losses

The gap is of means: it opens first.  The AUC says how well one image is told; the TPR whether some are told for certain,
which is what a privacy claim rests on.  Its quantile is estimated too: the interval joins exact limits of the quantile's
rank (binomial) with exact limits of the share (Clopper–Pearson), a quarter of the doubt at each of four ends.

So the TPR takes many held-out images.  At α = 1 % its lower limit is 0 below 437 of them, whatever the losses: at 400, a TPR of 0.99
has the interval [0, 1].  The rate at the threshold is known to within half of itself from 1,990 on, to a tenth from 49,737
(`byheart.analysis.calibration.rates` has the formula and other rates).  Of training images a few hundred are enough.

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
    """auc: ½ if losses tell nothing.  tpr: of training images at `fpr` false positives, None with too few held-out.

    The interval of `tpr` is useful from `heldout_for_a_rate(fpr)` held-out images on, 1,990 at 1 %; its lower limit is 0 below
    `heldout_for_a_limit(fpr)`, 437 at 1 %.
    """

    auc: Interval
    tpr: Interval | None
    fpr: float


@dataclass(frozen=True)
class ModelSignal:
    """What the losses at one noise level give away.

    gap: held-out/training loss − 1.  log_ratio: R.  losses: the paired losses behind both.  membership: of single images.
    """

    sigma: float
    gap: Interval
    log_ratio: Interval
    losses: LossGap
    membership: Membership


def membership(loss_train: Tensor, loss_heldout: Tensor, *, fpr: float = 0.01) -> Membership:
    """How well the loss of one image says whether it was trained on.

    loss_train: (n,), loss_heldout: (m,), one number an image, measured alike, at least two each.
    fpr: false positives that are allowed, in (0, 1); the TPR needs m ≥ 1/fpr − 1 held-out images, and for an interval that
    says something about 20 times as many.
    Raises InputError for fewer, NaN or infinity.
    """
    check_open("fpr", fpr, 1, remedy="write 0.01 for 1 %")
    of_both = auc(loss_train, loss_heldout)
    return Membership(of_both, _true_positives(loss_train.double(), loss_heldout.double(), fpr), fpr)


def log_ratio(losses: LossGap, confidence: float = 0.95) -> Interval:
    """R = log(mean held-out loss / mean training loss), with the interval of the delta method over images.

    Raises InputError where a mean loss is 0.
    """
    train, heldout = losses.train, losses.heldout
    if min(train, heldout) <= 0:
        raise InputError(
            got=f"mean losses {train:g} (training) and {heldout:g} (held-out)",
            need="both above 0, for a ratio",
            remedy="choose a larger noise level: at this one an image is given back unchanged",
        )
    each = losses.heldout_losses / heldout - losses.train_losses / train
    per_image = each.reshape(-1, losses.count).mean(0)  # a repeated image is one, as in the gap
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
    """Loss gap, R and membership at every noise level, with the same noise on both sides and at all levels.

    train: (n, *shape), heldout: (m, *shape), in an order without meaning.  sigmas: > 0.  seed: of the noise.
    The cost is 2 max(n, m) images a level: pass as many training images as there are held-out ones, unless more are wanted.
    Raises InputError for no levels, fewer than two images on a side, or different shapes.
    """
    if not len(sigmas):
        raise InputError(got="no noise levels", need="at least one", remedy="pass sigmas=[0.1, 0.3, 1.0]")
    return tuple(
        signal(loss_gap(denoiser, train, heldout, sigma, seed), sigma, len(train), len(heldout), fpr=fpr)
        for sigma in sigmas
    )


def signal(losses: LossGap, sigma: float, train: int, heldout: int, *, fpr: float = 0.01) -> ModelSignal:
    """What paired losses at one noise level say.

    train, heldout: images on each side behind the losses.  Raises InputError where a mean loss is 0.
    """
    ratio = log_ratio(losses)
    gap = Interval(math.expm1(ratio.value), math.expm1(ratio.low), math.expm1(ratio.high), ratio.count)
    # Images that were used again with other noise are not more images: the first round of the shorter side is enough.
    told = membership(losses.train_losses[:train], losses.heldout_losses[:heldout], fpr=fpr)
    return ModelSignal(float(sigma), gap, ratio, losses, told)


def _true_positives(train: Tensor, heldout: Tensor, fpr: float, confidence: float = 0.95) -> Interval | None:
    """The share of train below the quantile; low and high are the exact limits at the ends of the quantile's own."""
    if len(heldout) < enough_heldout(fpr):
        return None
    value, ordered = calibrated_share(train, heldout, fpr).share.value, heldout.sort().values
    each = 1 - (1 - confidence) / 2  # both tails of Clopper–Pearson then have a quarter of the doubt
    low_rank, high_rank = _ranks(len(heldout), fpr, (1 - each) / 2)
    low, high = 0.0, 1.0
    if low_rank >= 1:
        low = clopper_pearson(int((train < ordered[low_rank - 1]).sum()), len(train), each).low
    if high_rank <= len(heldout):
        high = clopper_pearson(int((train < ordered[high_rank - 1]).sum()), len(train), each).high
    return Interval(value, min(low, value), max(high, value), len(train))


def _ranks(m: int, share: float, tail: float) -> tuple[int, int]:
    """The largest rank whose number of m is over the quantile with probability ≤ tail, 0 if none; the smallest so under it."""
    from scipy.special import bdtr, bdtrc

    under = np.arange(m + 1)  # how many of m numbers are under the quantile: binomial
    low = int(np.argmax(bdtr(under, m, share) >= tail))
    return low, int(np.argmax(bdtrc(under, m, share) <= tail)) + 1
