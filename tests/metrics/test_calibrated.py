"""Thresholds read off held-out images: exact ranks, and the promised rate by simulation."""

import pytest
import torch

from byheart._checks import InputError
from byheart.metrics.calibrated import calibrated_share, enough_heldout
from byheart.random import generator


@pytest.mark.parametrize(("count", "rank"), [(99, 1), (198, 1), (199, 2), (299, 3), (1000, 10)])
def test_the_threshold_is_the_kth_smallest_held_out_score(count, rank):
    found = calibrated_share(torch.arange(2000) / 2, torch.arange(count).flip(0), 0.01)
    assert found.threshold == rank - 1
    assert found.expected == rank / (count + 1)
    assert found.share.value == 2 * (rank - 1) / 2000  # strictly below: 0, ½, 1, …, k − 3/2


@pytest.mark.parametrize(("alpha", "count"), [(0.01, 99), (0.05, 19), (0.001, 999), (0.03, 33)])
def test_so_many_held_out_images_are_enough(alpha, count):
    scores = torch.rand(50, generator=generator(0))
    assert enough_heldout(alpha) == count
    assert calibrated_share(scores, torch.rand(count, generator=generator(1)), alpha).expected <= alpha
    with pytest.raises(InputError, match="hold out more"):
        calibrated_share(scores, torch.rand(count - 1, generator=generator(1)), alpha)


def test_innocents_are_accused_at_the_promised_rate():
    draws = generator(2)
    shares = torch.tensor(
        [
            calibrated_share(
                torch.randn(200, generator=draws), torch.randn(299, generator=draws), 0.01
            ).share.value
            for _ in range(800)
        ]
    )
    # k/(m + 1) = .01 exactly; the standard error of the mean is .00034 (half the accusations would be 15 away).
    assert float(shares.mean()) == pytest.approx(0.01, abs=0.0013)


@pytest.mark.parametrize("alpha", [0.0, 1.0, -0.1])
def test_rates_that_are_none_are_refused(alpha):
    with pytest.raises(InputError, match="alpha"):
        calibrated_share(torch.ones(3), torch.ones(3), alpha)


def test_scores_that_are_no_numbers_are_refused():
    scores = torch.rand(200, generator=generator(3))
    broken = scores.clone()
    broken[7] = torch.nan
    with pytest.raises(InputError, match="samples' scores of which 1 are NaN"):
        calibrated_share(broken, scores)
    with pytest.raises(InputError, match="held-out scores of which 1 are NaN"):
        calibrated_share(scores, broken)


def test_no_samples_are_refused():
    with pytest.raises(InputError, match="0 samples"):
        calibrated_share(torch.ones(0), torch.ones(200))
