"""The window ratio against its definition, and on collages of which each half is known."""

import math

import numpy as np
import pytest
import torch
from images_at_32 import fashion_mnist, images, needs_fashion_mnist
from torch.testing import assert_close

from byheart._checks import InputError
from byheart.metrics.copying.local import NOTHING, local_table
from byheart.metrics.copying.spaces import filtered, spaces

WHERE = [  # left, right, upper, lower
    (slice(2, 30), slice(2, 16)),
    (slice(2, 30), slice(16, 30)),
    (slice(2, 16), slice(2, 30)),
    (slice(16, 30), slice(2, 30)),
]


def table_of(train):
    return local_table(train, spaces(train))


def collage(canvas, patch, half):
    """canvas with one half, to the border, from patch."""
    result = canvas.clone()
    rows, columns = [
        (slice(0, 32), slice(0, 16)),
        (slice(0, 32), slice(16, 32)),
        (slice(0, 16), slice(0, 32)),
        (slice(16, 32), slice(0, 32)),
    ][half]
    result[..., rows, columns] = patch[..., rows, columns]
    return result


def by_definition(sample, train, response):
    """Score, source and half of one sample (1, c, 32, 32), from the definition."""
    seen, of_train = (filtered(x.double(), response.double()).numpy() for x in (sample, train))
    results = []
    for half, (rows, columns) in enumerate(WHERE):
        y, x = (z[:, :, rows, columns].reshape(len(z), -1) for z in (seen, of_train))
        if y.std() < 0.5 * np.median(x.std(1)):
            results.append((NOTHING, -1, 0))
            continue
        y, x = (z - z.mean(1, keepdims=True) for z in (y, x))
        y, x = (z / (np.linalg.norm(z, axis=1) + 1e-3 * math.sqrt(z.shape[1]))[:, None] for z in (y, x))
        c = x @ y[0]
        order = np.argsort(-c)[:32]
        c, x = c[order], x[order]
        error = 1 - c
        above = sum(abs(c[0] * (x[0] @ x[j]) - c[j]) for j in range(1, len(x)))
        below = sum(max(c[0], 0.02) * (1 - x[0] @ x[j]) for j in range(1, len(x)))
        score = -math.log(max(error[0], 1e-6) / error[5:].mean()) - math.log(above / max(below, 1e-5) + 1e-3)
        results.append((score, order[0], half))
    return max(results)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("n", [34, 80])
def test_equals_the_definition(channels, n):
    train, samples = images(n, channels), images(6, channels, seed=1)
    samples[0, :, :, 16:] = 0.5  # one half without contrast
    samples[1] = collage(samples[1], train[5], 3)
    samples[2] = collage(samples[2], 0.1 * train[9] + 0.85, 0)  # bright, yet of little contrast
    found = table_of(train)(samples)
    for i in range(len(samples)):
        score, source, half = by_definition(samples[i : i + 1], train, spaces(train).half)
        assert found.score[i] == pytest.approx(score, rel=1e-3, abs=1e-3)
        assert found.source[i] == source
        assert found.half[i] == half
    assert found.half.unique().numel() > 1


@pytest.mark.parametrize("half", range(4))
@pytest.mark.parametrize("channels", [1, 3])
def test_a_collage_is_found_with_its_source_and_half(half, channels):
    train, strangers = images(100, channels), images(40, channels, seed=1)
    table = table_of(train)
    found = table(collage(strangers, train[:40], half))
    assert torch.equal(found.source, torch.arange(40))
    assert found.half.tolist() == [half] * 40
    assert found.score.min() > table(strangers).score.max()


def test_a_half_of_little_contrast_says_nothing():
    """Between two flat halves there is nothing to see, though the flat halves of the training images are alike."""
    train = images(60)
    flat = 0.5 + 0.2 * (train[:1] - 0.5)
    table = table_of(train)
    assert table(flat).score.tolist() == [NOTHING] and table(flat).source.tolist() == [-1]
    assert table(0.5 + 0.9 * (train[:1] - 0.5)).score > 5


def test_without_equals_a_table_without_those_images():
    train = images(80)
    found = spaces(train)
    keep = torch.tensor([i for i in range(80) if i not in (0, 3, 17)])
    without = torch.ones(4, 80, dtype=torch.bool)
    without[:, keep] = False
    table, smaller = local_table(train, found), local_table(train[keep], found)
    masked, fewer = table(train[:4], without), smaller(train[:4])
    assert_close(masked.score, fewer.score, rtol=1e-5, atol=1e-5)
    assert torch.equal(masked.source, keep[fewer.source])
    assert table(train[:1]).score > masked.score[0] + 2


@pytest.mark.parametrize("left", [0, 1, 5, 6, 20])
def test_few_images_left_to_match_with(left):
    train = images(60)
    found = table_of(train)(images(3, seed=1), (torch.arange(60) >= left).expand(3, 60))
    assert found.score.isfinite().all()
    if left < 6:  # rank 6 does not exist: there is nothing to compare with
        assert found.score.tolist() == [NOTHING] * 3 and found.source.tolist() == [-1] * 3
    else:
        assert (found.source < left).all() and (found.score > NOTHING).all()


def test_rows_are_independent():
    train = images(100)
    samples = torch.cat([images(9, seed=1), train[:3], collage(images(2, seed=2), train[5:7], 1)])
    table = table_of(train)
    together = table(samples)
    for i in range(len(samples)):
        alone = table(samples[i : i + 1])
        for name, value in vars(together).items():
            assert_close(getattr(alone, name), value[i : i + 1], rtol=1e-5, atol=1e-5)


def test_blank_images_say_nothing_whatever_the_training_images():
    blank = torch.stack([torch.zeros(1, 32, 32), torch.full((1, 32, 32), 0.37)])
    for train in (images(60), torch.ones(60, 1, 32, 32), torch.rand(60, 1, 1, 1).expand(60, 1, 32, 32)):
        found = table_of(train)(blank)
        assert found.score.tolist() == [NOTHING] * 2 and found.source.tolist() == [-1] * 2
    assert table_of(torch.ones(60, 1, 32, 32))(images(2)).score.isfinite().all()


def test_fewer_than_34_training_images_cannot_tell():
    assert len(table_of(images(34))) == 34
    with pytest.raises(InputError, match="33 training images; need at least 34"):
        table_of(images(33))


def test_bad_training_images_are_refused():
    found = spaces(images(34))
    with pytest.raises(InputError, match="28"):
        local_table(torch.rand(40, 1, 28, 28), found)
    with pytest.raises(InputError, match="NaN"):
        local_table(torch.full((40, 1, 32, 32), torch.nan), found)


@pytest.mark.slow
@needs_fashion_mnist
def test_fashion_mnist_collages_are_found_at_one_percent():
    train, heldout = fashion_mnist(2000, 1000)
    table = table_of(train)
    level = table(heldout).score.topk(10).values[-1]
    found = [table(collage(train[:50], train[50:100], half)) for half in range(4)]
    assert torch.cat([one.score for one in found]).gt(level).float().mean() >= 0.95
