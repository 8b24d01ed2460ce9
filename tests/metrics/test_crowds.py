"""Crowds of near copies: found where they hide each other, and not where images are only alike."""

from importlib import import_module

import pytest
import torch
from images_at_32 import fashion_mnist, images, needs_fashion_mnist
from torch.testing import assert_close

from byheart.metrics.copying.clusters import clusters, equal_groups, same_groups
from byheart.metrics.copying.copy_test import copy_test, leave_one_out
from byheart.metrics.copying.crowds import _candidates, crowds, uncrowded
from byheart.metrics.copying.groups import grouped, merged
from byheart.metrics.copying.spaces import exact_rows, spaces
from byheart.random import generator

ROW, N, NEAR = 17, 300, 40  # more near copies than either ratio has candidates
LEVEL = 7.0

module = import_module("byheart.metrics.copying.clusters")  # the folder gives its function under that name


def near_copies(image, count, seed=1):
    """(count, c, 32, 32): other brightness, and noise of a twentieth of the range."""
    draws = generator(seed)
    gains = 0.8 + 0.4 * torch.rand(count, 1, 1, 1, generator=draws)
    noise = 0.05 * torch.randn(count, *image.shape, generator=draws)
    return ((image * gains + noise).clamp(0, 1) * 255).round() / 255


@pytest.fixture(scope="module")
def train():
    """300 pictures of clothes, and forty near copies of one of them."""
    clothes, _ = fashion_mnist(N, 1)
    return torch.cat([clothes, near_copies(clothes[ROW], NEAR)])


@pytest.fixture(scope="module")
def test(train):
    return copy_test(train, queries=100)


CROWD = [ROW, *range(N, N + NEAR)]


@needs_fashion_mnist
def test_a_crowd_hides_from_the_copy_test_and_is_found(test):
    rows = torch.tensor(CROWD)
    alone = test.matches(leave_one_out(test.tables, rows, torch.arange(len(test.tables))))
    assert (alone.whole < LEVEL).sum() >= NEAR
    beside = test.matches(uncrowded(test, rows))
    assert beside.whole.min() > LEVEL and bool(torch.isin(beside.source, rows).all())
    assert [members.tolist() for members in grouped(crowds(test, LEVEL))] == [CROWD]


@needs_fashion_mnist
def test_clusters_hold_crowds_with_the_match_of_every_member(test):
    found = clusters(test, LEVEL)
    assert CROWD in [members.tolist() for members in grouped(found.groups)]
    assert found.seen.whole[CROWD].min() > LEVEL
    assert bool(torch.isin(found.seen.source[CROWD], torch.tensor(CROWD)).all())


@needs_fashion_mnist
def test_three_copies_are_no_crowd(train):
    test = copy_test(train[: N + 2], queries=100)
    assert grouped(crowds(test, LEVEL)) == []


@needs_fashion_mnist
def test_a_crowd_without_its_original_is_joined_part_by_part(train):
    """Nothing that all of them match: pairs first, then the pairs."""
    rest = torch.cat([train[:ROW], train[ROW + 1 :]])
    test = copy_test(rest, queries=100)
    assert [members.tolist() for members in grouped(crowds(test, LEVEL))] == [
        list(range(N - 1, N - 1 + NEAR))
    ]
    assert grouped(crowds(test, float("inf"))) == []


@needs_fashion_mnist
def test_few_are_asked_and_a_crowd_first(train):
    """Of clothes without copies 3 % at most; with them the contrast of copies is the largest."""
    clothes, _ = fashion_mnist(3000, 1)
    soft = spaces(clothes).soft
    assert len(_candidates(exact_rows(clothes, soft))) <= 0.04 * len(clothes)
    asked = _candidates(exact_rows(torch.cat([clothes, near_copies(clothes[ROW], 40)]), soft))
    assert (asked[:41] >= 3000).sum() + (asked[:41] == ROW).sum() >= 39


def test_who_is_asked_follows_the_definition():
    draws = generator(3)
    spread = 0.6 * torch.rand(20, 1, 1, generator=draws)
    x = (torch.randn(20, 1, 6, generator=draws) + spread * torch.randn(20, 6, 6, generator=draws)).flatten(
        0, 1
    )
    x = x - x.mean(1, keepdim=True)
    x = x / x.norm(dim=1, keepdim=True)
    expected = {}
    for row, alike in enumerate(x.double() @ x.double().T):
        error = [1 - float(value) for at, value in enumerate(alike) if at != row]
        near, beyond = [e for e in error if e < 0.1], sorted(e for e in error if e >= 0.1)
        if len(near) >= 3 and (sum(beyond[2:9]) / 7 / min(error)) >= torch.tensor(1.5).exp():
            expected[row] = sum(beyond[2:9]) / min(error)
    assert 0 < len(expected) < len(x)
    assert _candidates(x).tolist() == sorted(expected, key=expected.get, reverse=True)


def test_a_set_that_is_nearly_one_crowd_is_compared_all_the_same():
    """More near copies than may be left out: nobody to compare with, nobody joined, no error."""
    x = images(60)
    test = copy_test(torch.cat([x[:20], near_copies(x[0], 40)]), queries=40)
    assert len(_candidates(exact_rows(test.tables.orbit.train, test.tables.spaces.soft))) == 0
    assert len(crowds(test, LEVEL)) == 60
    assert len(uncrowded(test, torch.arange(60))) == 60


@pytest.mark.parametrize("pairs", [2**20, 2**12])
def test_images_that_are_all_nearly_the_same_are_joined_a_few_at_a_time(monkeypatch, pairs):
    """3,000 of one image and 40 of their own: 4.5 million pairs, of which 2^20 at most are ever held."""
    held = []

    def counted(groups, first, second):
        held.append(len(first))
        return merged(groups, first, second)

    monkeypatch.setattr(module, "merged", counted)
    monkeypatch.setattr(module, "_PAIRS", pairs)
    own = images(41)
    x = own[:1] + 0.002 * torch.rand(3000, 1, 32, 32, generator=generator(1))
    x = torch.cat([own[1:21], x, own[21:]])
    groups = same_groups(x, equal_groups(x))
    expected = torch.arange(len(x))
    expected[20:3020] = 20
    assert torch.equal(groups, expected)
    assert 0 < sum(held) <= max(pairs, 2 * len(x))


def test_same_groups_are_the_components_of_all_pairs(monkeypatch):
    """Groups of several sizes, over the chunks: as from the whole matrix at once."""
    monkeypatch.setattr(module, "_CHUNK", 64)
    monkeypatch.setattr(module, "_PAIRS", 50)
    draws = generator(5)
    own = images(40)
    x = own[torch.randint(40, (300,), generator=draws)] + 0.003 * torch.rand(300, 1, 32, 32, generator=draws)
    rows = exact_rows(x, spaces(x).soft)
    first, second = (rows @ rows.T > module.SAME).nonzero(as_tuple=True)
    assert_close(same_groups(x, equal_groups(x)), merged(torch.arange(300), first, second))
