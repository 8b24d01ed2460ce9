"""The benchmark of larger images: its copies are those of the planted ones, its correlations those of the audit's pairs."""

import importlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from byheart.auditing.inputs import gather, working_size
from byheart.auditing.pairs import _at_full_size, _residual, pose_of
from byheart.auditing.record import Pose
from byheart.data.glyphs import find_font, read_glyphs
from byheart.metrics.copying.copy_test import copy_test
from byheart.metrics.copying.distortions import gaussian_blur
from byheart.metrics.copying.local import HALVES
from byheart.metrics.copying.planted import PLANTED
from byheart.metrics.copying.spaces import filtered
from byheart.random import generator

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def images(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("full_size_images")


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("full_size")


def picture(side, seed=0):
    """A smooth pattern (1, side, side) of bytes in [0, 1]."""
    coarse = torch.rand(1, 1, 8, 8, generator=generator(seed))
    fine = torch.nn.functional.interpolate(coarse, size=side, mode="bicubic", align_corners=False)
    return (fine.clamp(0, 1) * 255).round()[0] / 255


def test_at_the_working_size_the_copies_are_the_planted_ones(images):
    steps = images.steps(32)
    assert list(steps)[: images.MAIN] == [name for name, kind in PLANTED.items() if kind.main]
    for name in list(steps)[: images.MAIN]:
        ours = theirs = picture(32)
        first, second = generator(3), generator(3)
        for mine, planted in zip(steps[name], PLANTED[name].steps, strict=True):
            ours, theirs = mine(ours, first, 1.0), planted(theirs, second, 1.0)
        torch.testing.assert_close(ours, theirs, atol=0, rtol=0)


@pytest.mark.parametrize("side", [64, 128])
def test_a_shift_at_full_size_is_that_shift_at_the_working_size(images, side):
    whole = picture(side)
    for name, pixels in (("shift-1", 1), ("shift-2", 2)):
        (step,) = images.steps(side)[name]
        moved = working_size(step(whole, generator(1), 0.0)[None])[0, 0]
        (planted,) = PLANTED[name].steps
        plain = planted(working_size(whole[None])[0], generator(1), 0.0)[0]
        inner = slice(pixels, -pixels)
        torch.testing.assert_close(moved[inner, inner], plain[inner, inner], atol=1e-6, rtol=0)


@pytest.mark.parametrize("pose", [Pose(), Pose(flip=True, angle=3.0, zoom=0.95, dx=1.3, dy=-0.4, blur=0.7)])
def test_correlations_are_those_of_the_audits_pairs(bench, pose):
    x, y = (torch.stack([picture(64, seed + row) for row in range(3)]) for seed in (0, 10))
    samples, train = gather(x, what="samples"), gather(y, what="train")
    turn = torch.tensor([[-1.0 if pose.flip else 1.0, pose.angle, pose.zoom, pose.dx, pose.dy]]).repeat(3, 1)
    theirs = [_at_full_size(samples, train, row, row, pose) for row in range(3)]
    ours = bench.correlation(x, y, turn, torch.full((3,), pose.blur))
    torch.testing.assert_close(ours, torch.tensor(theirs).float(), atol=1e-5, rtol=0)


@pytest.mark.parametrize("side", [64, 128])
def test_a_blurred_copy_is_compared_with_the_image_blurred(side):
    x = torch.rand(2, 1, side, side, generator=generator(0))
    blurred = gaussian_blur(x, 0.7 * side / 32)  # 0.7 pixels of the working size
    samples, train = gather(blurred, what="samples"), gather(x, what="train")
    assert _at_full_size(samples, train, 1, 1, Pose(blur=0.7)) == pytest.approx(1, abs=1e-4)
    assert _at_full_size(samples, train, 1, 1, Pose()) < 0.6


def test_a_noisy_copy_has_the_orbits_pose_where_that_is_of_the_same_image():
    pose = torch.tensor([[-1.0, 3.0, 0.95, 1.3, -0.4]]).repeat(2, 1)
    orbit = SimpleNamespace(source=torch.tensor([7, 8]), pose=pose, blur=torch.tensor([0.7, 0.7]))
    noise = SimpleNamespace(flip=torch.tensor([True, True]))
    found = SimpleNamespace(orbit=orbit, noise=noise)
    seen = SimpleNamespace(source=torch.tensor([7, 7]), by_noise=torch.tensor([True, True]), found=found)
    first, second = pose_of(seen, 0), pose_of(seen, 1)
    assert (first.flip, first.angle, first.blur) == (True, 3.0, pytest.approx(0.7))
    assert second == Pose(flip=True)


def test_a_half_leaves_what_its_own_window_leaves():
    train = torch.cat([working_size(picture(64, seed)[None]) for seed in range(40)])
    collage = train[3].clone()
    collage[:, :, 16:] = train[5][:, :, 16:]  # the right half is that of 5
    mixed = torch.stack([collage, 0.7 * train[9] + 0.3 * train[11]])
    test = copy_test(train, queries=40)
    found = SimpleNamespace(reference=SimpleNamespace(test=test), seen=test(mixed))
    local, samples = found.seen.found.local, gather(mixed, what="samples")
    for row, source, half in zip(range(2), local.source.tolist(), local.half.tolist(), strict=True):
        rows, columns = list(HALVES.values())[half]
        both = torch.stack([filtered(one, test.tables.spaces.half) for one in (mixed[row], train[source])])
        by_hand = 1 - np.corrcoef(both[:, :, rows, columns].flatten(1).numpy())[0, 1]
        assert _residual(found, samples, row, "local") == pytest.approx(by_hand, abs=1e-4)
    assert _residual(found, samples, 0, "whole") == pytest.approx(float(found.seen.found.orbit.residual[0]))


@pytest.mark.skipif(find_font() is None, reason="needs fonts-noto-cjk")
def test_copies_in_large_images_are_found_with_their_pose(bench):
    glyphs = torch.from_numpy(read_glyphs(size=64, count=160).values.copy())
    found = bench.measured(bench.shuffled(glyphs, 0), bench.Sizes(60, 100, planted=3, queries=50))
    kinds = {kind.name: kind for kind in found.kinds}
    for name in ("exact", "flip", "shift-1", "shift-2", "gain-0.8"):
        assert kinds[name].named.value == 1 and float(kinds[name].right.full.median()) > 0.98
    assert kinds["exact"].full.value == kinds["exact"].direct.value == 1
    assert kinds["shift-0.5"].direct is None
    assert float(found.wrong.full.median()) < 0.9 and len(found.worst.full) == 2
