"""The copy test as a whole: leave-one-out maps, null and guard, card, clusters."""

from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
import torch
from images_at_32 import digits

from byheart._checks import InputError
from byheart.analysis.calibration.ranks import flags
from byheart.metrics.copying.card import _row, background, copy_level, sensitivity_card
from byheart.metrics.copying.clusters import clusters, equal_groups
from byheart.metrics.copying.copy_test import copy_test, leave_one_out
from byheart.metrics.copying.distortions import gaussian_blur
from byheart.metrics.copying.groups import grouped, merged
from byheart.metrics.copying.null import heldout_null, unlike
from byheart.metrics.copying.planted import CLOSE, PLANTED
from byheart.metrics.copying.scores import copy_scores, copy_tables

N, M = 200, 150

module = import_module("byheart.metrics.copying.copy_test")  # the folder gives its function under that name


@pytest.fixture(scope="module")
def images():
    """Shuffled, in whole steps of 1/255 as files have them."""
    found = digits()
    order = torch.randperm(len(found), generator=torch.Generator().manual_seed(4))
    return ((found * 255).round() / 255)[order]


@pytest.fixture(scope="module")
def test(images):
    return copy_test(images[:N], queries=120)


@pytest.fixture(scope="module")
def null(test, images):
    return heldout_null(test, images[N : N + M])


@pytest.fixture(scope="module")
def card(test):
    return sensitivity_card(test, seed=1, count=10, names=[*CLOSE, "inversion", "blend", "collage"])


def test_copies_stand_above_every_held_out_image_and_fresh_images_do_not(test, null, images):
    copies, fresh = test(images[:40]), test(images[N + M : N + M + 60])
    assert float((null.whole(copies.whole) == 1 / (M + 1)).mean()) > 0.95
    assert float((null.whole(fresh.whole) <= 0.05).mean()) < 0.15
    assert torch.equal(copies.source, torch.arange(40))


def test_the_maps_put_both_components_on_one_scale(test, images):
    """Training images left out are as rare by one as by the other: both maps have the same quantiles."""
    fresh = test(images[N + M : N + M + 60])
    orbit = test.orbit_map(fresh.found.orbit.score.numpy())
    noise = test.noise_map(fresh.found.noise.score.numpy())
    assert abs(np.median(orbit) - np.median(noise)) < 0.4
    np.testing.assert_array_equal(fresh.whole, np.maximum(orbit, noise))


def test_the_guard_only_ever_raises_a_p_value(null):
    scores = np.linspace(0, 12, 60)
    assert bool(
        (null.whole(scores) >= (1 + (null.plain.whole >= scores[:, None]).sum(1)) / (M + 1) - 1e-12).all()
    )


def test_channels_have_nulls_of_their_own(test, null, images):
    halves = images[:30].clone()
    halves[..., 16:] = images[30:60][..., 16:]
    seen = test(halves)
    assert float(flags(null.local(seen.local), 2, M).mean()) > 0.5
    assert float(flags(null.whole(seen.whole), 2, M).mean()) < 0.1
    mixed = test((images[:30] + images[30:60]) / 2)
    assert float(flags(null.blend(mixed.blend), 2, M).mean()) > 0.8


def test_the_card_sees_close_copies_and_names_their_source(card):
    rows = {row.planting.name: row for row in card}
    assert all(rows[name].matched.mean() > 0.9 for name in CLOSE)
    assert rows["inversion"].matched.mean() < 0.5
    assert all(rows[name].shortlisted is not None and rows[name].shortlisted.mean() > 0.9 for name in CLOSE)
    assert rows["blend"].matched.mean() > 0.8 and rows["collage"].matched.mean() > 0.8


def test_the_level_of_a_copy_weighs_every_kind_alike(card):
    level = copy_level(card)
    pooled = np.concatenate([row.scores for row in card if row.planting.name in CLOSE])
    assert float((pooled >= level).mean()) == pytest.approx(0.95, abs=0.01)


def test_the_background_is_that_of_the_borders():
    dark = torch.zeros(3, 1, 32, 32)
    dark[..., 8:24, 8:24] = 1
    assert background(dark) == 0 and background(1 - dark) == 1


def test_duplicates_are_left_out_together(images):
    """Every image twice: with only itself left out each would pass for a copy of its twin, and nothing would be rare."""
    once = images[:150]
    twice, plain = copy_test(torch.cat([once, once]), queries=80), copy_test(once, queries=80)
    assert twice.orbit_map.start < 2 * plain.orbit_map.start
    assert float(np.median(twice.left_out.whole)) > 3 * float(np.median(plain.left_out.whole))
    assert bool(((twice.left_out.source - twice.left_out.rows).abs() == 150).float().mean() > 0.95)


def test_what_only_the_noise_ratio_finds_is_left_out_with_what_it_finds(images, monkeypatch):
    """Noise of .15 on twenty images.  To leave out whom the orbit ratio names, where it says nothing, would change nothing."""
    once = images[:N]
    noise = 0.15 * torch.randn(20, 1, 32, 32, generator=torch.Generator().manual_seed(3))
    tables = copy_tables(torch.cat([once, (once[:20] + noise).clamp(0, 1)]))
    rows = torch.arange(N, N + 20)
    first = leave_one_out(tables, rows, torch.arange(N + 20))
    only = (first.noise.score >= 3) & (first.orbit.score < 1.5)
    assert int(only.sum()) >= 10 and torch.equal(first.noise.source[only], rows[only] - N)
    another = torch.where(only, (rows + 30) % N, first.orbit.source)
    first = replace(first, orbit=replace(first.orbit, source=another))
    asked = []

    def heard(tables, rows, groups, *rest):
        asked.append(groups)
        return leave_one_out(tables, rows, groups, *rest)

    monkeypatch.setattr(module, "leave_one_out", heard)
    again, doubtful = module._without_duplicates(tables, rows, first)
    assert torch.equal(asked[0][rows[only]], rows[only] - N)
    assert torch.equal(asked[0][another[only]], another[only])
    assert not bool(doubtful.any()) and float(again.noise.score.max()) < 3


def test_candidates_that_do_not_exist_are_no_image(test, images):
    """−1 stands for none: it must not count as the last training image."""
    seen = test(images[N : N + 4])
    orbit = replace(seen.found.orbit, candidates=torch.full((4, 32), -1))
    local = replace(seen.found.local, source=torch.full((4,), -1))
    blend = replace(seen.found.blend, sources=torch.full((4, 2), -1))
    none = replace(
        seen,
        source=torch.full((4,), -1),
        found=replace(seen.found, orbit=orbit, local=local, blend=blend),
    )
    last = torch.full((4, 2), N - 1)
    whole = _row(PLANTED["exact"], none, last, N)
    assert not whole.shortlisted.any() and not whole.matched.any()
    assert not any(_row(PLANTED[name], none, last, N).matched.any() for name in ("blend", "collage"))


def test_clusters_find_planted_duplicates(images):
    once = images[:150]
    again = torch.cat([once[:5].flip(3), gaussian_blur(once[5:10], 0.5), once[10:15] * 0.9])
    test = copy_test(torch.cat([once, again]), queries=100)
    level = copy_level(sensitivity_card(test, seed=2, count=12, names=CLOSE))
    found = clusters(test, level)
    pairs = [tuple(members.tolist()) for members in grouped(found.groups)]
    planted = {(row, 150 + row) for row in range(15)}
    assert len(planted & set(pairs)) >= 13
    assert len(set(pairs) - planted) <= 2


def test_groups_are_connected_components_named_by_their_first():
    groups = merged(torch.arange(6), torch.tensor([1, 2]), torch.tensor([2, 5]))
    assert groups.tolist() == [0, 1, 1, 3, 4, 1]
    assert merged(groups, torch.tensor([0]), torch.tensor([5])).tolist() == [0, 0, 0, 3, 4, 0]
    assert [members.tolist() for members in grouped(groups)] == [[1, 2, 5]]


def test_equal_images_are_grouped_whatever_the_sign_of_zero():
    x = torch.zeros(3, 1, 4, 4)
    x[1] = -0.0
    x[2, 0, 0, 0] = 1
    assert equal_groups(x).tolist() == [0, 0, 2]


def test_sharpness_is_compared_ring_by_ring(images):
    held = images[N : N + M]
    assert unlike(images[:M], held) == (False, False)
    blurred = gaussian_blur(images[:M], 1.0)
    assert unlike(blurred, held) == (True, False)
    noise = 0.2 * torch.randn(M, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    assert unlike((images[:M] + noise).clamp(0, 1), held) == (True, True)


def test_rows_do_not_influence_each_other(test, images):
    together = test(images[N : N + 20]).whole
    np.testing.assert_allclose(
        np.concatenate([test(images[N + i : N + i + 1]).whole for i in range(20)]), together, atol=2e-3
    )


def test_the_same_seed_learns_the_same(images, test):
    again = copy_test(images[:N], queries=120)
    assert torch.equal(again.left_out.rows, test.left_out.rows)
    np.testing.assert_array_equal(again.left_out.whole, test.left_out.whole)


@pytest.mark.parametrize(
    ("x", "match"),
    [
        (torch.rand(33, 1, 32, 32), "33 different"),
        (torch.rand(50, 1, 28, 28), "32, 32"),
        (torch.rand(50, 1, 32, 32) * 255, "values from"),
        (torch.full((50, 1, 32, 32), torch.nan), "NaN"),
    ],
)
def test_bad_training_images_are_refused(x, match):
    with pytest.raises(InputError, match=match):
        copy_tables(x)


def test_samples_of_other_channels_are_refused(test):
    with pytest.raises(InputError, match="3 channels"):
        copy_scores(torch.rand(2, 3, 32, 32), test.tables)
