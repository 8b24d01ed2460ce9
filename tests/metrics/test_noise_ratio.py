"""The noise ratio against its definition written pair by pair, its closed forms, and the values measured on Fashion-MNIST."""

import math

import numpy as np
import pytest
import torch
from images_at_32 import fashion_mnist, images, needs_fashion_mnist
from torch.testing import assert_close

from byheart._checks import InputError
from byheart.metrics.copying.noise_ratio import noise_ratio, noise_table
from byheart.metrics.copying.search import compared, largest
from byheart.random import generator

BLANK = -math.log(1.001)


def correlation(a, b):
    a, b = (np.asarray(image, dtype=float)[:, 1:31, 1:31].ravel() for image in (a, b))
    return float(np.corrcoef(a, b)[0, 1])


def by_definition(sample, train):
    """ν and the source of one sample, unflipped, from the definition."""
    c = [correlation(sample, image) for image in train]
    order = np.argsort(c)[::-1][:32]
    source, others = order[0], order[1:]
    above = below = 0.0
    for j in others:
        g = correlation(train[source], train[j])
        above += abs(c[source] * g - c[j])
        below += max(c[source], 0.02) * (1 - g)
    return above / max(below, 1e-5), int(source)


def same(found, other):
    assert_close(found.score, other.score, rtol=1e-5, atol=1e-5)
    assert_close(found.ratio, other.ratio, rtol=1e-5, atol=1e-5)
    assert torch.equal(found.source, other.source)
    assert torch.equal(found.flip, other.flip)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("n", [12, 60])
def test_equals_the_definition(channels, n):
    train, samples = images(n, channels), images(5, channels, seed=1)
    found = noise_table(train)(samples)
    for i, sample in enumerate(samples):
        straight, mirrored = by_definition(sample, train), by_definition(sample.flip(-1), train)
        ratio, source = min(straight, mirrored)
        assert found.ratio[i] == pytest.approx(ratio, rel=1e-4)
        assert found.score[i] == pytest.approx(-math.log(ratio + 1e-3), rel=1e-4)
        assert found.source[i] == source
        assert found.flip[i] == (mirrored < straight)
    assert found.flip.any() and not found.flip.all()


@pytest.mark.parametrize("change", [lambda x: x, lambda x: 0.5 * x + 0.2, lambda x: 0.02 * x + 0.5])
@pytest.mark.parametrize("channels", [1, 3])
def test_copies_and_faint_copies_have_none(change, channels):
    train = images(50, channels)
    found = noise_table(train)(change(train[:8]))
    assert found.ratio.max() < 1e-4
    assert torch.equal(found.source, torch.arange(8))
    assert not found.flip.any()


def test_a_mirrored_copy_is_found_and_named():
    train = images(50)
    found = noise_table(train)(train[:8].flip(-1))
    assert found.ratio.max() < 1e-4
    assert torch.equal(found.source, torch.arange(8))
    assert found.flip.all()


def test_noise_on_a_copy_leaves_the_ratio_low_and_on_a_stranger_leaves_it_high():
    train, strangers = images(200), images(40, seed=1)
    noise = 0.1 * torch.randn(40, 1, 32, 32, generator=generator(2))
    table = noise_table(train)
    assert table(train[:40] + noise).ratio.median() < 0.12
    clean, noisy = (float(table(x).ratio.median()) for x in (strangers, strangers + noise))
    assert noisy == pytest.approx(clean, rel=0.2)
    assert table(strangers).ratio.min() > 0.2


def test_the_gap_of_a_noisy_copy_has_the_derived_mean():
    """E|c₁ G − c| ≈ √(2/π) √((1 − c₁²)(1 − G²)/d) for g = x₁ + σ noise."""
    draws, d = generator(3), 900
    source, other = (row / row.norm() for row in torch.randn(2, d, generator=draws))
    other = (0.6 * source + 0.8 * other) / (0.6 * source + 0.8 * other).norm()
    g = float(source @ other)
    noisy = source + 0.03 * torch.randn(8000, d, generator=draws)
    c = noisy / noisy.norm(dim=1, keepdim=True) @ torch.stack([source, other]).T
    with_source = torch.tensor([1.0, g]).expand(len(c), 2)
    gap = noise_ratio(c, with_source, torch.ones_like(c, dtype=torch.bool)) * c[:, 0] * (1 - g)
    near = float(c[:, 0].mean())
    assert float(gap.mean()) == pytest.approx(
        math.sqrt(2 / math.pi) * math.sqrt((1 - near**2) * (1 - g**2) / d), rel=0.03
    )


def test_without_equals_a_table_without_those_images():
    train = images(60)
    keep = torch.tensor([i for i in range(60) if i not in (0, 3, 17)])
    without = torch.ones(4, 60, dtype=torch.bool)
    without[:, keep] = False
    found, smaller = noise_table(train)(train[:4], without), noise_table(train[keep])(train[:4])
    assert_close(found.score, smaller.score, rtol=1e-5, atol=1e-5)
    assert torch.equal(found.source, keep[smaller.source])
    assert noise_table(train)(train[:1]).score > 6 > found.score[0]


def test_few_left_to_match_with_equal_a_small_table():
    train, samples = images(60), images(5, seed=1)
    found = noise_table(train)(samples, (torch.arange(60) >= 9).expand(5, 60))
    same(found, noise_table(train[:9])(samples))


def test_each_row_has_its_own_mask():
    train = images(40)
    found = noise_table(train)(train, torch.eye(40, dtype=torch.bool))
    assert (found.source != torch.arange(40)).all()
    assert found.ratio.min() > 0.05


def test_rows_are_independent():
    train, samples = images(80), torch.cat([images(9, seed=1), images(80)[:3]])
    table = noise_table(train)
    together = table(samples)
    for i in range(len(samples)):
        alone = table(samples[i : i + 1])
        same(alone, type(alone)(*(part[i : i + 1] for part in vars(together).values())))


def test_blank_samples_and_blank_training_images_say_nothing():
    train = images(40)
    train[5] = 0.7
    samples = torch.stack([torch.zeros(1, 32, 32), torch.full((1, 32, 32), 0.7), images(1, seed=1)[0]])
    found = noise_table(train)(samples)
    assert_close(found.score[:2], torch.full((2,), BLANK))
    assert found.score[2].isfinite()
    assert noise_table(torch.ones(40, 1, 32, 32))(images(3)).ratio.tolist() == [1, 1, 1]


@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_training_images(n):
    train = images(n)
    found = noise_table(train)(images(3, seed=1))
    assert found.score.isfinite().all() and (found.source < n).all()
    if n == 1:  # no second image to compare with
        assert found.ratio.tolist() == [1, 1, 1]


def test_a_training_set_of_one_image_says_nothing():
    found = noise_table(images(1).repeat(40, 1, 1, 1))(images(2, seed=1))
    assert found.ratio.tolist() == [1, 1]


def test_nothing_left_to_match_with():
    found = noise_table(images(3))(images(2, seed=1), torch.ones(2, 3, dtype=torch.bool))
    assert found.source.tolist() == [-1, -1] and found.ratio.tolist() == [1, 1]


def test_bad_training_images_are_refused():
    with pytest.raises(InputError, match="28"):
        noise_table(torch.rand(5, 1, 28, 28))
    with pytest.raises(InputError, match="NaN"):
        noise_table(torch.full((5, 1, 32, 32), torch.nan))


def unflipped(table, x):
    """ν of the samples as they are: the measured quantiles are of this."""
    even, odd = noise_table(x).even, noise_table(x).odd
    score, index = largest([table.even @ even.T + table.odd @ odd.T], 32)
    c, g = (compared(table.even, index, even) + compared(table.odd, index, odd)).unbind(1)
    return noise_ratio(c, g, score > -torch.inf)


@needs_fashion_mnist
def test_fashion_mnist_has_the_measured_quantiles():
    train, heldout = fashion_mnist(2000, 1500)
    table = noise_table(train)
    low, middle, high = torch.quantile(unflipped(table, heldout), torch.tensor([0.01, 0.5, 0.99])).tolist()
    assert (low, middle, high) == (
        pytest.approx(0.18, abs=0.03),
        pytest.approx(0.50, abs=0.03),
        pytest.approx(0.80, abs=0.03),
    )
    noisy = table(train[:400] + 0.15 * torch.randn(400, 1, 32, 32, generator=generator(0)))
    assert float(noisy.ratio.median()) == pytest.approx(0.04, abs=0.006)
    assert float(torch.quantile(noisy.ratio, 0.95)) == pytest.approx(0.085, abs=0.015)
    assert (noisy.source == torch.arange(400)).float().mean() > 0.99
