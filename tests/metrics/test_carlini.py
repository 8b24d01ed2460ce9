"""Carlini's ratio: by hand, on copies, and on real held-out digits, where its threshold is a lottery."""

import pytest
import torch

from byheart._checks import InputError
from byheart.data import Data, load
from byheart.metrics.copying.classical import calibrated_carlini, carlini_ratio, carlini_share
from byheart.numerics.neighbors import Neighbors, nearest
from byheart.random import generator


def table(rows):
    distance = torch.tensor(rows, dtype=torch.float64)
    return Neighbors(distance, torch.zeros(distance.shape, dtype=torch.int64))


def digits(seed, n):
    pixels = load(Data(name="digits")).images
    pixels = pixels[torch.randperm(len(pixels), generator=generator(seed))]
    return pixels[:n], pixels[n:]


def test_by_hand():
    found = carlini_ratio(
        table([[1.0, 2.0, 3.0], [3.0, 3.0, 3.0], [0.0, 0.0, 5.0], [0.0, 0.0, 0.0]]), count=3
    )
    assert found.tolist() == [
        1.0,
        2.0,
        0.0,
        2.0,
    ]  # 1/(½·2); equal distances; a copy of an image that repeats; 0/0
    assert carlini_ratio(table([[1.0, 2.0, 3.0]]), count=2).tolist() == [pytest.approx(4 / 3)]


def test_the_share_is_strictly_below_one():
    assert carlini_share(table([[1.0, 2.0, 3.0], [0.9, 2.0, 3.0], [2.0, 2.0, 2.0]]), count=3).value == 1 / 3


def test_copies_are_convicted_even_where_every_image_repeats():
    draws = generator(1)
    train = torch.randn(300, 24, generator=draws)
    copies = train[:100] + 0.05 * torch.randn(100, 24, generator=draws)
    for points in (train, torch.cat([train, train, train])):
        assert carlini_share(nearest(copies, points, k=50)).value == 1.0
    assert float(nearest(copies, torch.cat([train, train]), k=2).ratio.min()) == 1.0  # where d₁/d₂ is blind


def test_digits_flag_real_held_out_images_and_calibration_ends_it():
    """Published with the method's review: 14.4 % of held-out digits are under 1; ratio quantiles .53, .61, .71."""
    shares, quantiles, tuned = [], [], []
    for seed in range(8):
        train, rest = digits(seed, 1000)
        found, other = nearest(rest[:398], train, k=50), nearest(rest[398:], train, k=50)
        shares += [carlini_share(found).value, carlini_share(other).value]
        quantiles.append(nearest(rest, train).ratio.quantile(torch.tensor([0.01, 0.05], dtype=torch.float64)))
        tuned.append(calibrated_carlini(found, other, 0.01).share.value)
    assert sum(shares) / 16 == pytest.approx(0.144, abs=0.02)
    torch.testing.assert_close(
        torch.stack(quantiles).mean(0), torch.tensor([0.61, 0.71]).double(), atol=0.02, rtol=0
    )
    assert sum(tuned) / 8 < 0.02


def test_the_order_of_samples_and_training_images_means_nothing():
    draws = generator(3)
    train, samples = torch.randn(80, 6, generator=draws), torch.randn(30, 6, generator=draws)
    ratio = carlini_ratio(nearest(samples, train, k=50))
    order = torch.randperm(80, generator=draws)
    torch.testing.assert_close(carlini_ratio(nearest(samples.flip(0), train[order], k=50)).flip(0), ratio)


@pytest.mark.parametrize(("k", "count"), [(49, 50), (5, 6), (5, 1)])
def test_a_mean_over_more_than_there_is_is_refused(k, count):
    with pytest.raises(InputError, match="mean over"):
        carlini_ratio(table([list(range(1, k + 1))]), count)
