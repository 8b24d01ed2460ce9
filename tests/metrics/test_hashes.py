"""Hashes against independent forms, the search against all pairs, and the duplicates they list."""

import numpy as np
import pytest
import torch
from scipy.fft import dctn

from byheart._checks import InputError
from byheart.metrics.copying.classical import (
    dhash,
    duplicate_table,
    exact_duplicates,
    hamming_nearest,
    near_duplicates,
    phash,
)
from byheart.metrics.copying.classical import duplicates as module
from byheart.random import generator


def images(count, channels=1, seed=0):
    """Smooth random images: noise through a wide average, stretched to [0, 1]."""
    noise = torch.randn(count, channels, 40, 40, generator=generator(seed))
    smooth = torch.nn.functional.avg_pool2d(noise, 9, stride=1)
    return (smooth / 0.4 + 0.5).clamp(0, 1)


def bits(hashes):
    return np.unpackbits(hashes.astype(">u8").view(np.uint8).reshape(len(hashes), 8), axis=1).astype(bool)


def test_phash_is_that_of_scipy_s_cosine_transform():
    x = images(20)
    for image, found in zip(x[:, 0].double().numpy(), bits(phash(x)), strict=True):
        low = dctn(image, type=2)[:8, :8]  # imagehash: two dct of type 2, no norm, above the median
        assert np.array_equal(found.reshape(8, 8), low > np.median(low))


def test_dhash_compares_area_means_with_the_left_neighbor():
    x = images(10)
    # 32 rows into 8: means of 4.  32 columns into 9: column j from ⌊32 j/9⌋ to ⌈32 (j + 1)/9⌉.
    rows = x[:, 0].reshape(10, 8, 4, 32).mean(2)
    edges = [(32 * j // 9, -(-32 * (j + 1) // 9)) for j in range(9)]
    small = torch.stack([rows[..., low:high].mean(-1) for low, high in edges], -1)
    assert np.array_equal(bits(dhash(x)).reshape(10, 8, 8), (small[..., 1:] > small[..., :-1]).numpy())
    ramp = torch.linspace(0, 1, 32).expand(1, 1, 32, 32)
    assert dhash(ramp).tolist() == [2**64 - 1]
    assert dhash(ramp.flip(-1)).tolist() == [0]


def test_color_is_hashed_by_its_luminance():
    grey = images(5)
    assert np.array_equal(phash(grey), phash(grey.expand(-1, 3, -1, -1)))
    color = images(5, channels=3, seed=1)
    luminance = (0.299 * color[:, :1].double() + 0.587 * color[:, 1:2] + 0.114 * color[:, 2:]).clamp(0, 1)
    assert np.array_equal(dhash(color), dhash(luminance))


@pytest.mark.parametrize("pairs", [7, 1 << 21])
def test_the_search_is_that_over_all_pairs(monkeypatch, pairs):
    monkeypatch.setattr(module, "_PAIRS", pairs)
    draws = np.random.default_rng(0)
    reference = draws.integers(0, 2**64, 50, dtype=np.uint64)
    reference[31] = reference[12]  # the first of equals is named
    queries = np.concatenate(
        [reference[[12, 40]] ^ np.uint64(1 << 63), draws.integers(0, 2**64, 30, dtype=np.uint64)]
    )
    distance, index = hamming_nearest(queries, reference)
    every = (bits(queries)[:, None] != bits(reference)).sum(2)
    assert distance.tolist() == every.min(1).tolist()
    assert index.tolist() == every.argmin(1).tolist()
    assert distance[:2].tolist() == [1, 1] and index[:2].tolist() == [12, 40]


def test_copies_flips_and_dimmed_copies_are_found_by_both_hashes():
    train = images(300)
    for kind in ("dhash", "phash"):
        for samples, flipped in (
            (train[:60], False),
            (train[:60].flip(-1), True),
            (0.8 * train[:60] + 0.05, False),
        ):
            found = near_duplicates(samples, train, kind)
            assert found.index.tolist() == list(range(60))
            assert int(found.distance.max()) <= 1
            assert found.flipped.tolist() == [flipped] * 60
        fresh = near_duplicates(images(60, seed=9), train, kind)
        assert int(fresh.distance.min()) > module.RADIUS


def test_exact_duplicates_are_equal_in_every_value():
    train = images(30)
    train[21] = train[4]
    samples = torch.cat([train[[21, 7]], train[:1] + 1e-6, train[:1].flip(-1)])
    assert exact_duplicates(samples, train).tolist() == [4, 7, -1, -1]
    whole = (255 * train).byte()
    assert exact_duplicates(whole[[7, 0]], whole).tolist() == [7, 0]
    zero = torch.zeros(1, 3)
    assert exact_duplicates(-zero, zero).tolist() == [0]  # −0 is 0
    assert (
        exact_duplicates(train[:, :, ::2].transpose(2, 3), train[:, :, ::2].transpose(2, 3)).tolist()[21] == 4
    )


def test_the_table_of_duplicates():
    train, heldout = images(200), images(100, seed=5)
    samples = torch.cat([train[:10], train[10:30].flip(-1), images(70, seed=6)])
    heldout[0] = train[50]
    rows = {score.name: score for score in duplicate_table(samples, train, heldout)}
    assert {name: score.value for name, score in rows.items()} == {
        "exact duplicates": 0.1,
        "dHash duplicates": 0.3,
        "pHash duplicates": 0.3,
    }
    assert [score.reference for score in rows.values()] == [0.01, 0.01, 0.01]
    assert all(score.low < score.value < score.high and score.count == 100 for score in rows.values())
    assert "2 of the hash's 64" in rows["pHash duplicates"].definition


def test_the_radius_counts_itself():
    train, samples = images(100), images(40, seed=7)
    distance = near_duplicates(samples, train, "phash").distance
    radius = int(distance.sort().values[20])  # some sample is exactly so far
    row = duplicate_table(samples, train, train[:5], radius)[2]
    assert row.name == "pHash duplicates" and row.reference == 1.0
    assert row.value == float((distance <= radius).double().mean())


def test_what_is_no_image_is_refused():
    x = images(3)
    with pytest.raises(InputError, match="32"):
        near_duplicates(x[..., :28, :28], x[..., :28, :28])
    with pytest.raises(InputError, match="NaN"):
        phash(x / 0)
    with pytest.raises(InputError, match="one shape and one dtype"):
        exact_duplicates(x, x.double())
    with pytest.raises(InputError, match="one shape and one dtype"):
        exact_duplicates(x, x[:, :, 1:])
    with pytest.raises(InputError, match="at least one"):
        hamming_nearest(dhash(x), dhash(x)[:0])
