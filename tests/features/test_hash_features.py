"""Hashes: bits by hand and by scipy's cosine transform, mirror laws, and what must not change a bit."""

import numpy as np
import pytest
import torch
from scipy.fft import dctn
from torch.testing import assert_close

from byheart._checks import InputError
from byheart.data.named import load
from byheart.data.spec import Data
from byheart.features.hashes import dhash, phash
from byheart.metrics.copying import classical


@pytest.fixture(scope="module")
def images():
    data = load(Data(name="digits"))
    return data.to_pixels(data.images[:200]).clamp(0, 1)


def test_dhash_compares_neighbors_in_a_row():
    x = torch.rand(4, 1, 8, 9)  # at this size nothing is resampled
    by_hand = [
        [float(x[b, 0, r, c] < x[b, 0, r, c + 1]) for r in range(8) for c in range(8)] for b in range(4)
    ]
    assert torch.equal(dhash(x), torch.tensor(by_hand))


def test_phash_is_the_cosine_transform_above_its_median():
    x = torch.rand(4, 1, 32, 32, dtype=torch.float64)
    waves = dctn(x[:, 0].numpy(), axes=(1, 2))[:, :8, :8].reshape(4, -1)
    by_scipy = (waves > np.median(waves, axis=1, keepdims=True)).astype(np.float32)
    assert torch.equal(phash(x), torch.from_numpy(by_scipy))
    assert phash(x).sum(1).tolist() == [32] * 4  # the median is between two of them


@pytest.mark.parametrize("channels", [1, 3])
def test_of_32_pixels_the_bits_are_those_of_the_duplicates_that_are_listed(channels):
    x = torch.rand(50, channels, 32, 32, generator=torch.Generator().manual_seed(0))
    for ours, theirs in ((dhash(x), classical.dhash(x)), (phash(x), classical.phash(x))):
        bytes_of = theirs.astype(">u8").view(np.uint8).reshape(len(x), 8)
        assert torch.equal(ours, torch.from_numpy(np.unpackbits(bytes_of, axis=1)).float())


@pytest.mark.parametrize("hashed", [dhash, phash])
def test_mirrored_is_the_hash_of_the_mirror_image(images, hashed):
    assert torch.equal(hashed(images, mirrored=True), hashed(images.flip(-1)))
    differ = (hashed(images, mirrored=True) - hashed(images)).abs().sum(1)
    assert differ.mean() > 10  # not the same bits in another order


def test_a_mirrored_dhash_is_reversed_and_inverted():
    x = torch.rand(5, 1, 8, 9)
    assert torch.equal(dhash(x, mirrored=True), 1 - dhash(x).reshape(5, 8, 8).flip(2).flatten(1))


@pytest.mark.parametrize("hashed", [dhash, phash])
def test_brightness_and_contrast_change_nothing(images, hashed):
    assert torch.equal(hashed(0.5 * images + 0.25), hashed(images))


@pytest.mark.parametrize("hashed", [dhash, phash])
@pytest.mark.parametrize("side", [8, 28, 37])
def test_a_blank_image_has_no_bit_but_its_mean(hashed, side):
    bits = hashed(torch.full((1, 1, side, side), 0.7))  # rounding in the averages must not become bits
    assert bits[:, 1:].sum() == 0 and bits[0, 0] == float(hashed is phash)


def test_squared_distance_counts_differing_bits(images):
    bits = dhash(images[:2])
    assert_close((bits[0] - bits[1]).square().sum(), (bits[0] != bits[1]).sum().float())


def test_rgb_is_hashed_by_its_luminance():
    x = torch.rand(3, 3, 16, 16)
    grey = torch.einsum("bchw,c->bhw", x.double(), torch.tensor([0.299, 0.587, 0.114]).double())[:, None]
    assert torch.equal(dhash(x), dhash(grey))


@pytest.mark.parametrize("hashed", [dhash, phash])
def test_bad_images_are_refused(hashed):
    with pytest.raises(InputError, match="divide bytes by 255"):
        hashed(torch.zeros(1, 1, 8, 8, dtype=torch.uint8))
