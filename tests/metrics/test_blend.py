"""The pair fit against its definition, pair by pair, and on mixtures whose weights are known."""

import itertools
import math

import numpy as np
import pytest
import torch
from images_at_32 import fashion_mnist, images, needs_fashion_mnist
from torch.testing import assert_close

from byheart._checks import InputError
from byheart.metrics.copying.blend import NOTHING, blend_table
from byheart.metrics.copying.spaces import filtered, spaces


def table_of(train):
    return blend_table(train, spaces(train))


def whitened(x, white):
    """Centered windows (b, d) and their norms, float64."""
    rows = filtered(x.double(), white.double())[:, :, 1:31, 1:31].flatten(1).numpy()
    rows = rows - rows.mean(1, keepdims=True)
    return rows, np.linalg.norm(rows, axis=1)


def by_definition(sample, train, white):
    """Score, pair, weights and R² of one sample (1, c, 32, 32), from the definition."""
    rows, norms = whitened(train, white)
    query, length = whitened(sample, white)
    floor = 1e-3 * math.sqrt(rows.shape[1])
    x, y = rows / (norms + floor)[:, None], query[0] / (length[0] + floor)
    order = np.argsort(-(x @ y))[:128]
    x, norms = x[order], norms[order]
    c, gram = x @ y, x @ x.T
    best = None
    for a, b in itertools.combinations(range(len(x)), 2):
        g = gram[a, b]
        rest = max(1 - g**2, 0.05)
        alpha, beta = (c[a] - g * c[b]) / rest, (c[b] - g * c[a]) / rest
        if alpha <= 0 or beta <= 0 or g >= 0.9:
            continue
        weight = alpha / norms[a] / (alpha / norms[a] + beta / norms[b])
        fit = alpha * c[a] + beta * c[b]
        if 0.3 <= weight <= 0.7 and (best is None or fit > best[0]):
            best = fit, a, b, alpha, beta, weight
    if best is None or len(c) < 6:
        return NOTHING, None, None, 0.0
    fit, a, b, alpha, beta, weight = best
    others = [j for j in range(len(c)) if j not in (a, b)]
    predicted = alpha * gram[a] + beta * gram[b]
    gap = sum(abs(c[j] - predicted[j]) for j in others)
    span = sum(abs(math.sqrt(max(fit, 1e-6)) - predicted[j]) for j in others)
    near = max(1 - fit, 1e-6) / np.mean(1 - c[5:33] ** 2)
    return -math.log(near) - math.log(gap / span + 1e-3), order[[a, b]].tolist(), [weight, 1 - weight], fit


def test_equals_the_definition_for_other_numbers_too():
    for channels, n in ((1, 150), (3, 40), (1, 9), (1, 8), (1, 6), (1, 5), (1, 2), (1, 1)):
        train = images(n, channels)
        samples = images(4, channels, seed=1)
        if n > 1:
            samples[0] = (train[0] + train[1]) / 2
        found = table_of(train)(samples)
        for i in range(4):
            score, pair, weights, fit = by_definition(samples[i : i + 1], train, spaces(train).white)
            assert found.score[i] == pytest.approx(score, rel=1e-4, abs=1e-4), (channels, n, i)
            assert found.fit[i] == pytest.approx(fit, abs=1e-5)
            assert found.sources[i].tolist() == (pair or [-1, -1])
            assert found.weights[i].tolist() == pytest.approx(weights or [0, 0], abs=1e-4)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("contrast", [1.0, 1 / 3])
def test_a_mixture_has_its_pair_and_equal_weights_whatever_the_norms(channels, contrast):
    """With unit norms the weights of images whose norms are 3 : 1 would be 0.75 and 0.25, and the pair would not count."""
    train = images(100, channels)
    train[7] = train[7] * contrast + 0.3
    found = table_of(train)(((train[4] + train[7]) / 2)[None])
    assert set(found.sources[0].tolist()) == {4, 7}
    assert_close(found.weights, torch.full((1, 2), 0.5), atol=0.01, rtol=0)
    assert found.fit[0] > 0.985
    assert found.score[0] > 5


@pytest.mark.parametrize(("weight", "counts"), [(0.32, True), (0.68, True), (0.28, False), (0.72, False)])
def test_weights_between_30_and_70_percent_count(weight, counts):
    train = images(100)
    found = table_of(train)((weight * train[4] + (1 - weight) * train[7])[None])
    named_right = set(found.sources[0].tolist()) == {4, 7}
    assert named_right == counts
    if counts:
        of_first = found.weights[0, found.sources[0].tolist().index(4)]
        assert float(of_first) == pytest.approx(weight, abs=0.01)


def test_partners_of_far_apart_ranks_are_found():
    """Eighty images that resemble the first source come before the second one."""
    train = images(120)
    train[40:] = 0.75 * train[4] + 0.25 * train[40:]
    found = table_of(train)((0.65 * train[4] + 0.35 * train[7])[None])
    assert found.sources.tolist() == [[4, 7]]
    assert_close(found.weights, torch.tensor([[0.65, 0.35]]), atol=0.01, rtol=0)


def test_single_copies_and_strangers_score_low():
    train, strangers = images(200), images(40, seed=1)
    table = table_of(train)
    mixtures = (train[:40] + train[40:80]) / 2
    assert max(table(train[:40]).score.max(), table(strangers).score.max()) < table(mixtures).score.min() - 2


def test_an_image_is_no_partner_of_its_duplicate():
    train = images(60)
    train[1] = train[0]
    found = table_of(train)(train[:1])
    assert set(found.sources[0].tolist()) != {0, 1}


def test_without_equals_a_table_without_those_images():
    train = images(60)
    white = spaces(train)
    sample = ((train[4] + train[7]) / 2)[None]
    keep = torch.tensor([i for i in range(60) if i not in (4, 20)])
    without = torch.ones(1, 60, dtype=torch.bool)
    without[:, keep] = False
    found, smaller = blend_table(train, white)(sample, without), blend_table(train[keep], white)(sample)
    assert_close(found.score, smaller.score, rtol=1e-5, atol=1e-5)
    assert torch.equal(found.sources, keep[smaller.sources])
    assert found.score < blend_table(train, white)(sample).score - 2


@pytest.mark.parametrize("left", [0, 1, 2, 5, 6])
def test_few_images_left_to_match_with(left):
    train = images(60)
    without = (torch.arange(60) >= left).expand(3, 60)
    found = table_of(train)(images(3, seed=1), without)
    assert found.score.isfinite().all()
    assert (found.sources < max(left, 1)).all()
    if left < 6:  # rank 6 does not exist: there is nothing to compare with
        assert found.score.tolist() == [NOTHING] * 3


def test_rows_are_independent():
    train = images(150)
    samples = torch.cat([images(17, seed=1), (train[:4] + train[4:8]) / 2, train[:2]])
    table = table_of(train)
    together = table(samples)
    for i in range(len(samples)):
        alone = table(samples[i : i + 1])
        for name, value in vars(together).items():
            assert_close(getattr(alone, name), value[i : i + 1], rtol=1e-5, atol=1e-5)


def test_blank_samples_score_nothing_and_blank_training_images_do_no_harm():
    train = images(60)
    train[3] = 1.0
    rounding = 0.5 + 1e-6 * (images(1, seed=1)[0] - 0.5)
    flat = [torch.zeros(1, 32, 32), torch.full((1, 32, 32), 0.37), rounding]
    found = table_of(train)(torch.stack([*flat, (train[4] + train[7]) / 2]))
    assert found.score[:3].tolist() == [NOTHING] * 3
    assert found.sources[:3].tolist() == [[-1, -1]] * 3
    assert found.fit[:3].tolist() == [0] * 3 and found.weights[:3].abs().sum() == 0
    assert set(found.sources[3].tolist()) == {4, 7}
    assert table_of(torch.ones(60, 1, 32, 32))(images(2)).score.tolist() == [NOTHING, NOTHING]


def test_bad_training_images_are_refused():
    train = images(5)
    with pytest.raises(InputError, match="28"):
        blend_table(torch.rand(5, 1, 28, 28), spaces(train))
    with pytest.raises(InputError, match="NaN"):
        blend_table(torch.full((5, 1, 32, 32), torch.nan), spaces(train))


@pytest.mark.slow
@needs_fashion_mnist
def test_fashion_mnist_blends_are_found_at_one_percent():
    train, heldout = fashion_mnist(2000, 1000)
    table = table_of(train)
    level = table(heldout).score.topk(10).values[-1]
    blends = ((train[:150] + train[150:300]) / 2 * 255).round() / 255
    found = table(blends)
    assert (found.score > level).float().mean() >= 0.95
    right = found.sources.sort(1).values == torch.stack([torch.arange(150), torch.arange(150, 300)], 1)
    assert right.all(1).float().mean() >= 0.95
