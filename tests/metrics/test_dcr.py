"""DCR share: by hand, exactly ½ under exchange, covered by its interval; and what copies do to it."""

import itertools

import pytest
import torch

from byheart._checks import InputError
from byheart.metrics.copying.classical import dcr_share, train_share
from byheart.numerics.neighbors import nearest
from byheart.random import generator


def normal(count, d, draws):
    return torch.randn(count, d, generator=draws)


def of_all(samples, train, heldout):
    return train_share(nearest(samples, train, k=1), nearest(samples, heldout, k=1), len(train), len(heldout))


def test_by_hand():
    train, heldout = torch.tensor([[0.0], [10.0]]), torch.tensor([[1.0], [11.0]])
    samples = torch.tensor([[0.2], [0.5], [0.9], [30.0]])  # T, a tie, H, H
    assert dcr_share(samples, train, heldout).value == 1.5 / 4
    assert of_all(samples, train, heldout).value == 1.5 / 4
    assert dcr_share(samples, heldout, train).value == 2.5 / 4


def test_over_all_exchanges_of_the_two_sets_it_is_one_half():
    draws = generator(0)
    real, samples = normal(6, 2, draws), normal(7, 2, draws)
    shares = []
    for chosen in itertools.combinations(range(6), 3):
        rest = [row for row in range(6) if row not in chosen]
        shares.append(dcr_share(samples, real[list(chosen)], real[rest]).value)
    assert sum(shares) / len(shares) == pytest.approx(0.5, abs=1e-12)


def test_the_parts_are_disjoint_of_the_right_size_and_use_every_training_image():
    """One dimension, one sample at 0: it wins in exactly those parts that hold one of the three near images."""
    train = torch.cat([torch.tensor([[0.1], [0.2], [0.3]]), torch.arange(5.0, 32.0)[:, None]])  # 30
    heldout = torch.tensor([[1.0], [40.0], [41.0], [42.0], [43.0], [44.0]])
    # Five parts of six; the three near images are in one, two or three of them.
    shares = {
        round(5 * dcr_share(torch.zeros(1, 1), train, heldout, seed=seed).value, 9) for seed in range(60)
    }
    assert shares == {1.0, 2.0, 3.0}
    few = {dcr_share(torch.zeros(1, 1), train, heldout, seed=seed, parts=1).value for seed in range(60)}
    assert few == {0.0, 1.0}
    # Eleven training images hold one part of six; the five left over would be a part too small.
    left = {dcr_share(torch.zeros(1, 1), train[2:13], heldout, seed=seed).value for seed in range(30)}
    assert left == {0.0, 1.0}


def test_fewer_training_than_held_out_images_mirror_the_case():
    draws = generator(1)
    samples, few, many = normal(50, 4, draws), normal(20, 4, draws), normal(90, 4, draws)
    there, back = dcr_share(samples, few, many, seed=3), dcr_share(samples, many, few, seed=3)
    assert there.value == pytest.approx(1 - back.value)
    assert (there.low, there.high) == (pytest.approx(1 - back.high), pytest.approx(1 - back.low))


def test_order_means_nothing():
    draws = generator(2)
    samples, train, heldout = normal(60, 5, draws), normal(40, 5, draws), normal(40, 5, draws)
    a = dcr_share(samples, train, heldout)
    b = dcr_share(samples.flip(0), train.flip(0), heldout.flip(0), seed=9)
    assert (a.value, a.low, a.high) == pytest.approx((b.value, b.low, b.high))


@pytest.mark.parametrize(
    ("q", "n", "m", "d"),
    [(200, 200, 200, 64), (500, 60, 60, 16), (200, 600, 150, 16)],
    ids=["hubs", "few", "parts"],
)
def test_the_interval_covers_one_half_over_samples_and_images(q, n, m, d):
    """Wilson's interval covers 76, 58 and 93 %: it takes T and H for given."""
    draws, matched, whole = generator(4), 0, 0
    for seed in range(150):
        sets = normal(q, d, draws), normal(n, d, draws), normal(m, d, draws)
        found, every = dcr_share(*sets, seed=seed), of_all(*sets)
        matched += found.low <= 0.5 <= found.high
        whole += every.low <= n / (n + m) <= every.high
    assert 0.9 <= matched / 150 <= 0.99
    assert 0.9 <= whole / 150 <= 0.99


def test_copies_are_convicted():
    """Shares of copies c: (1 + c)/2 at equal sizes.  The recipe of the review: half copies .686, all copies .864."""
    draws = generator(5)
    train, heldout = normal(500, 32, draws), normal(500, 32, draws)
    for copied in (250, 500):
        samples = torch.cat([train[:copied] + 0.01, normal(500 - copied, 32, draws)])
        found = dcr_share(samples, train, heldout)
        assert found.value == pytest.approx((1 + copied / 500) / 2, abs=0.05)
        assert found.low > 0.6
    everything = dcr_share(train, train, heldout)
    assert (everything.value, everything.high) == (1.0, 1.0)
    assert 0.99 < everything.low < 1  # 500 of 500


def test_with_many_training_images_all_of_them_tell_more():
    """n = 20 m: a copy's own image is in one part of twenty; among all of T it is always there."""
    draws = generator(6)
    train, heldout = normal(2000, 16, draws), normal(100, 16, draws)
    samples = train[:600] + 0.01
    matched, whole = dcr_share(samples, train, heldout), of_all(samples, train, heldout)
    assert matched.value == pytest.approx(0.5 + 1 / 40, abs=0.06)
    assert whole.value == 1.0 and whole.low > 2000 / 2100


@pytest.mark.parametrize(("q", "n", "m"), [(0, 5, 5), (5, 1, 5), (5, 5, 1), (5, 5, 0)])
def test_sets_too_small_are_refused(q, n, m):
    with pytest.raises(InputError, match="hold out images"):
        dcr_share(torch.zeros(q, 2), torch.zeros(n, 2), torch.zeros(m, 2))


def test_no_parts_and_other_samples_are_refused():
    x = torch.rand(6, 2, generator=generator(7))
    with pytest.raises(InputError, match="0 parts"):
        dcr_share(x, x, x, parts=0)
    with pytest.raises(InputError, match="same samples"):
        train_share(nearest(x, x, k=1), nearest(x[:3], x, k=1), 6, 6)
