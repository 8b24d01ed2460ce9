"""Faint sets: what fills a small part of the range is stretched, all sets alike."""

import numpy as np
import pytest
import torch

from byheart.auditing.blanks import told
from byheart.auditing.dedup import dedup
from byheart.auditing.inputs import gather
from byheart.auditing.inputs.window import stretched, windowed
from byheart.auditing.pairs import picture
from byheart.auditing.sets import Sets
from byheart.data.named import load
from byheart.data.spec import Data

SMALL = {"planted": 4, "queries": 50}


@pytest.fixture(scope="module")
def digits():
    """(n, 32, 32) in [0, 1], different ones."""
    found = load(Data(name="digits", distinct=True))
    order = torch.randperm(len(found.images), generator=torch.Generator().manual_seed(8))[:200]
    small = found.to_pixels(found.images[order])[:, 0].float().clamp(0, 1).numpy()
    return np.kron(small, np.ones((1, 4, 4), np.float32))


def sets(samples, train, heldout=None):
    named = {"samples": samples, "train": train, "heldout": heldout}
    return Sets(**{what: None if x is None else gather(x, what=what) for what, x in named.items()})


@pytest.mark.parametrize(("low", "part"), [(0.4, 0.05), (0.0, 1 / 17), (0.93, 0.07)])
def test_faint_sets_are_compared_as_bright_ones(digits, low, part):
    faint = [low + part * one for one in (digits[:20], digits[20:80], digits[80:120])]
    found = told(sets(*faint))
    for one, bright in zip(found.sets.images, (digits[:20], digits[20:80], digits[80:120]), strict=True):
        assert np.abs(one.small[:, 0].numpy() - bright).max() < 1e-4
        assert one.window == pytest.approx((low, low + part), abs=1e-6)
    (words,) = found.warnings
    assert f"between {low:.3g} and {low + part:.3g}" in words and "stretched" in words


def test_different_faint_images_are_no_duplicates(digits):
    bright, faint = (dedup(x, **SMALL) for x in (digits[:60], 0.4 + 0.05 * digits[:60]))
    assert faint.distinct == bright.distinct == 60
    assert faint.threshold == pytest.approx(bright.threshold, rel=0.02)


def test_sets_that_fill_a_quarter_of_the_range_stay_as_they_are(digits):
    given = [gather(x, what="train") for x in (0.26 * digits[:20], 0.1 * digits[:20])]
    assert stretched(given)[0] is given[0] and stretched(given)[1] is given[1]
    assert torch.equal(windowed(given[0].small, (0.0, 1.0)), given[0].small)


def test_one_window_serves_all_sets(digits):
    found = told(sets(0.2 + 0.05 * digits[:20], 0.1 + 0.05 * digits[20:80]))
    assert {one.window for one in found.sets.images if one is not None} == {found.sets.train.window}
    assert found.sets.train.window == pytest.approx((0.1, 0.25))


def test_samples_of_another_range_than_faint_training_images_are_warned_of(digits):
    found = told(sets(digits[:20], 0.06 * digits[20:80]))
    assert found.sets.train.window == (0.0, 1.0)
    assert any(
        "fill 0.06 of the range from black to white, the samples 1" in words for words in found.warnings
    )


def test_faint_images_beside_a_few_bright_pixels_are_warned_of(digits):
    stars = 0.04 * digits[:80]
    stars[:, 0, 0] = 1
    found = told(sets(stars[:20], stars[20:]))
    assert any("usual contrast is" in words for words in found.warnings)
    assert any("usual contrast is" in words for words in dedup(stars[:50], **SMALL).warnings)
    assert not told(sets(digits[:20], digits[20:80])).warnings


def test_pictures_of_faint_images_are_stretched_at_every_size(digits):
    large = np.kron(0.4 + 0.05 * digits[:3], np.ones((1, 2, 2), np.float32))
    small, whole = (stretched([gather(x, what="train")])[0] for x in (0.4 + 0.05 * digits[:3], large))
    assert whole.shape == (1, 64, 64) and len(picture(whole, 0)) > 100
    assert picture(small, 0) != picture(gather(0.4 + 0.05 * digits[:3], what="train"), 0)
