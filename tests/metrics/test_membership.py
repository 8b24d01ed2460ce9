"""Membership: exact limits by simulation, the empirical denoiser gives itself away, the true one gives nothing."""

import math
from statistics import NormalDist

import pytest
import torch
from scipy.stats import binom

from byheart._checks import InputError
from byheart.analysis.calibration.rates import heldout_for_a_limit, heldout_for_a_rate
from byheart.denoisers.mixture import empirical, population
from byheart.metrics.denoising import loss_gap
from byheart.metrics.membership import _ranks, log_ratio, membership, signals
from byheart.numerics.intervals import clopper_pearson
from byheart.random import generator


def normal(*shape, draws):
    return torch.randn(*shape, generator=draws, dtype=torch.float64)


def test_by_hand():
    heldout = torch.arange(1.0, 100.0)  # 99: the first rank, 1.0, is the threshold at 1 %
    found = membership(torch.tensor([0.5, 0.9, 1.0, 200.0]), heldout)
    assert found.tpr.value == 0.5  # strictly below
    assert found.auc.value == pytest.approx((99 + 99 + 98.5 + 0) / (4 * 99))
    assert found.tpr.count == 4 and found.fpr == 0.01


def test_too_few_held_out_images_for_the_rate_leave_it_open():
    assert membership(torch.zeros(50), torch.arange(98.0) + 1).tpr is None
    assert membership(torch.zeros(50), torch.arange(99.0) + 1).tpr.value == 1
    assert membership(torch.zeros(50), torch.arange(19.0) + 1, fpr=0.05).tpr.value == 1


@pytest.mark.parametrize(
    ("m", "share", "tail"), [(1000, 0.01, 0.0125), (99, 0.01, 0.0125), (5000, 0.05, 0.025)]
)
def test_ranks_are_exact_limits_of_a_quantile(m, share, tail):
    low, high = _ranks(m, share, tail)
    over = [
        binom.cdf(rank - 1, m, share) for rank in (low, low + 1)
    ]  # the rank-th is over: fewer than rank under
    under = [binom.sf(rank - 1, m, share) for rank in (high, high - 1)]
    assert over[0] <= tail < over[1]
    assert under[0] <= tail < under[1]


def test_the_limits_of_the_tpr_are_those_of_the_share_at_the_limits_of_the_quantile():
    """Training losses r − ½ and held-out losses r: below the r-th held-out one are r of the 40."""
    low, high = _ranks(1000, 0.01, 0.0125)
    assert (low, high) == (4, 19)  # scipy's binomial, and the test above
    found = membership(torch.arange(40.0) + 0.5, torch.arange(1000.0) + 1).tpr
    assert found.value == 10 / 40
    assert found.low == pytest.approx(clopper_pearson(low, 40, 0.975).low)
    assert found.high == pytest.approx(clopper_pearson(high, 40, 0.975).high)


def test_the_interval_of_the_tpr_covers():
    """Training losses one standard deviation lower: TPR = Φ(z₀.₀₁ + 1) = .092.  An exact interval may cover more."""
    draws, hits, widths = generator(0), 0, []
    true = NormalDist().cdf(NormalDist().inv_cdf(0.01) + 1)
    for _ in range(400):
        found = membership(normal(300, draws=draws) - 1, normal(600, draws=draws)).tpr
        hits += found.low <= true <= found.high
        widths.append(found.high - found.low)
    assert hits / 400 >= 0.94
    assert sum(widths) / 400 < 0.25


@pytest.mark.parametrize(("m", "bounded"), [(400, False), (436, False), (437, True)])
def test_the_tpr_has_a_lower_limit_from_as_many_held_out_images_on_as_the_words_say(m, bounded):
    assert (heldout_for_a_limit(0.01) <= m) == bounded
    draws = generator(6)
    found = membership(normal(500, draws=draws) - 5, normal(m, draws=draws)).tpr
    assert found.value > 0.98
    assert (found.low > 0) == bounded


def test_the_interval_of_the_tpr_is_narrow_from_as_many_held_out_images_on_as_the_words_say():
    draws, m = generator(7), heldout_for_a_rate(0.01)
    found = membership(normal(2000, draws=draws) - 2.326, normal(m, draws=draws)).tpr  # ½ at 1 %
    assert found.low > 0.35 and found.high < 0.65


def test_the_empirical_denoiser_gives_every_training_image_away():
    draws = generator(1)
    train, heldout = normal(150, 20, draws=draws), normal(120, 20, draws=draws)
    low, high = signals(empirical(train), train, heldout, [0.3, 50.0])
    assert low.membership.auc.value == 1.0 and low.membership.auc.low > 0.95
    assert low.membership.tpr.value == 1.0
    assert low.gap.low > 10 and low.log_ratio.low > 2
    assert low.sigma == 0.3
    # Under so much noise it gives the mean for all: the gap left is the mean's own, 2/n of the variance.
    assert high.membership.auc.low < 0.5 < high.membership.auc.high
    assert abs(high.log_ratio.value) < 0.15


def test_the_true_denoiser_gives_nothing_away():
    """AUC ½ and R = 0 are covered in 95 % of data sets (the paired noise makes the AUC's interval a little wide)."""
    draws, told, ratio = generator(2), 0, 0
    truth = population(torch.zeros(1, 6, dtype=torch.float64), 1.0)
    for seed in range(300):
        (found,) = signals(truth, normal(60, 6, draws=draws), normal(60, 6, draws=draws), [0.8], seed=seed)
        told += found.membership.auc.low <= 0.5 <= found.membership.auc.high
        ratio += found.log_ratio.low <= 0 <= found.log_ratio.high
    assert told / 300 >= 0.92
    assert 0.915 <= ratio / 300 <= 0.985


def test_the_ratio_and_its_interval_by_hand():
    draws = generator(3)
    train, heldout = normal(30, 5, draws=draws), normal(90, 5, draws=draws)
    losses = loss_gap(empirical(train), train, heldout, 1.0, 0)
    found = log_ratio(losses)
    assert found.value == pytest.approx(math.log(losses.heldout / losses.train))
    # An image of the shorter side counts once, with the mean of its three pairs.
    ours, theirs = (x.reshape(3, 30).mean(0) for x in (losses.train_losses, losses.heldout_losses))
    spread = (theirs / theirs.mean() - ours / ours.mean()).std() / 30**0.5
    assert found.high - found.value == pytest.approx(2.04523 * float(spread), rel=1e-5)  # t of 29, 97.5 %
    assert found.count == 30


def test_signals_agree_with_the_paired_losses_and_repeat():
    draws = generator(4)
    train, heldout = normal(250, 4, draws=draws), normal(100, 4, draws=draws)
    model = empirical(train[::2])
    (found,), (again,) = (signals(model, train, heldout, [0.5], seed=7) for _ in range(2))
    losses = loss_gap(model, train, heldout, 0.5, 7)
    assert found.gap.value == pytest.approx(losses.value / losses.train)
    assert found.log_ratio.value == pytest.approx(math.log1p(found.gap.value))
    assert torch.equal(found.losses.heldout_losses, losses.heldout_losses)
    assert again.gap == found.gap and again.membership == found.membership
    # Of 200 pairs, 200 training and the first round of 100 held-out images.
    alone = membership(losses.train_losses, losses.heldout_losses[:100])
    assert found.membership == alone and alone.auc.count == 100


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda x: signals(empirical(x), x, x, []), "at least one"),
        (lambda x: signals(empirical(x), x[:1], x, [1.0]), "at least two"),
        (lambda x: membership(x[:, 0], x[:, 0], fpr=0.0), "between 0 and 1"),
        (lambda x: membership(x[:1, 0], x[:, 0]), "at least two"),
        (lambda x: signals(lambda y, s: y * 0 + x[0], x[:1].expand(5, 3), x[:5], [1.0]), "above 0"),
    ],
    ids=["no levels", "one image", "no rate", "one loss", "a loss of 0"],
)
def test_what_makes_no_sense_is_refused(wrong, said):
    with pytest.raises(InputError, match=said):
        wrong(torch.rand(9, 3, generator=generator(5)))
