import hashlib

import numpy as np
import pytest
import torch

from byheart._checks import InputError
from byheart.data import Raw, fingerprint, heldout_size, prepared, split


def images(count=50, side=4, seed=0):
    values = np.random.default_rng(seed).integers(0, 256, (count, 1, side, side), dtype=np.uint8)
    return Raw(values, peak=255)


def test_training_units_have_mean_image_zero_and_global_rms_one():
    dataset = prepared("noise", images())
    assert dataset.images.dtype == torch.float32
    torch.testing.assert_close(dataset.images.mean(0), torch.zeros(1, 4, 4), rtol=0, atol=1e-6)
    torch.testing.assert_close(dataset.images.square().mean(), torch.tensor(1.0), rtol=1e-6, atol=0)
    assert dataset.images.square().mean(0).std() > 0.05  # one scale for all pixels, not one for each


def test_to_pixels_goes_back():
    raw = images()
    dataset = prepared("noise", raw)
    pixels = torch.from_numpy(raw.values.astype(np.float32) / 255)
    torch.testing.assert_close(dataset.to_pixels(dataset.images), pixels, rtol=0, atol=1e-6)
    assert dataset.shape == (1, 4, 4)
    assert len(dataset) == 50


def test_the_fingerprint_sees_type_shape_and_every_byte():
    values = np.arange(24, dtype=np.uint16).reshape(4, 6)
    known = fingerprint(values)
    assert known == hashlib.sha256(b"<u2(4, 6)" + values.astype("<u2").tobytes()).hexdigest()
    assert known == fingerprint(values.astype(">u2"))  # the same numbers on a big-endian machine
    assert known == fingerprint(np.asfortranarray(values))
    changed = values.copy()
    changed[3, 5] += 1
    others = [changed, values.reshape(6, 4), values.astype(np.uint32)]
    assert known not in {fingerprint(other) for other in others}


def test_a_split_covers_every_row_once():
    dataset = prepared("noise", images())
    parts = split(dataset, 30, seed=0, heldout=20)
    rows = torch.cat([parts.train_rows, parts.heldout_rows])
    assert sorted(rows.tolist()) == list(range(50))
    torch.testing.assert_close(parts.train, dataset.images[parts.train_rows], rtol=0, atol=0)
    torch.testing.assert_close(parts.heldout, dataset.images[parts.heldout_rows], rtol=0, atol=0)


def test_subsets_of_one_seed_are_nested_and_those_of_another_differ():
    dataset = prepared("noise", images())
    small, large, other = (split(dataset, n, seed=seed) for n, seed in [(10, 0), (20, 0), (20, 1)])
    assert small.train_rows.tolist() == large.train_rows[:10].tolist()
    assert set(large.train_rows.tolist()) != set(other.train_rows.tolist())
    assert large.heldout_rows.tolist() == other.heldout_rows.tolist()


def test_the_split_seed_chooses_who_is_held_out():
    dataset = prepared("noise", images())
    first, again, second = (split(dataset, 10, seed=0, split_seed=s).heldout_rows.tolist() for s in (0, 0, 1))
    assert first == again
    assert set(first) != set(second)


def test_sequential_subsets_are_blocks_in_file_order():
    dataset = prepared("noise", images())
    first, second = (split(dataset, 10, seed=seed, heldout=20, sequential=True) for seed in (0, 1))
    assert first.train_rows.tolist() == list(range(10))
    assert second.train_rows.tolist() == list(range(10, 20))
    assert first.heldout_rows.tolist() == list(range(30, 50))


def test_unstandardized_data_lose_the_scalar_mean_of_the_training_subset():
    raw = images()
    pixels = torch.from_numpy(raw.values).double() / 255
    parts = split(prepared("noise", raw, standardize=False), 10, seed=0, heldout=20, sequential=True)
    expected = pixels - pixels[:10].mean()
    torch.testing.assert_close(parts.train.double(), expected[:10], rtol=0, atol=1e-6)
    torch.testing.assert_close(parts.heldout.double(), expected[30:], rtol=0, atol=1e-6)
    assert parts.dataset.scale == 1
    torch.testing.assert_close(
        parts.dataset.to_pixels(parts.heldout).double(), pixels[30:], rtol=0, atol=1e-6
    )


def test_overlap_counts_heldout_images_that_are_also_trained_on():
    raw = images()
    raw.values[45:48] = raw.values[3]
    raw.values[49] = raw.values[48]  # twins on the same side do not count
    parts = split(prepared("noise", raw), 10, seed=0, heldout=10, sequential=True)
    assert parts.overlap == 3


@pytest.mark.parametrize(("count", "size"), [(5, 3), (100, 40), (1749, 699), (1750, 700), (60_000, 700)])
def test_two_fifths_are_held_out_from_3_to_700(count, size):
    assert heldout_size(count) == size


@pytest.mark.parametrize(
    ("count", "heldout"),
    [(50, 50), (50, 49), (50, 60), (50, 2), (50, 1), (50, 0), (50, -3), (4, None), (1, None)],
)
def test_impossible_heldout_sets_are_refused(count, heldout):
    with pytest.raises(InputError):
        heldout_size(count, heldout)


@pytest.mark.parametrize("n", [31, 50, 1000])
def test_n_larger_than_the_pool_is_refused(n):
    with pytest.raises(InputError, match="at most the 30 that are not held out"):
        split(prepared("noise", images()), n, seed=0, heldout=20)


@pytest.mark.parametrize("n", [1, 0, -5])
def test_one_training_image_is_refused(n):
    with pytest.raises(InputError, match="at least 2"):
        split(prepared("noise", images()), n, seed=0)


def test_a_block_beyond_the_pool_is_refused():
    with pytest.raises(InputError, match="block 3"):
        split(prepared("noise", images()), 10, seed=3, heldout=20, sequential=True)


@pytest.mark.parametrize("standardize", [True, False])
def test_images_that_are_all_the_same_are_refused(standardize):
    flat = Raw(np.full((10, 1, 4, 4), 7, np.uint8), peak=255)
    with pytest.raises(InputError, match="all the same"):
        prepared("flat", flat, standardize)


def test_a_single_image_is_refused():
    with pytest.raises(InputError, match="1 sample"):
        prepared("one", images(1))


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_values_that_float32_cannot_hold_are_refused(bad):
    values = np.random.default_rng(0).normal(size=(10, 3))
    values[4, 1] = bad
    with pytest.raises(InputError, match=r"first at index \(4, 1\)"):
        prepared("features", Raw(values))
