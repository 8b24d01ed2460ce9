import numpy as np
import pytest
from PIL import Image

from byheart._checks import InputError
from byheart.data.images import area_resized, cut_square, fitted, opaque, recolored
from byheart.data.raw import Raw


def pixels(*shape, dtype=np.uint8, seed=0):
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


def test_alpha_is_laid_on_white_and_rounded():
    black = np.zeros((1, 4, 1, 3), np.uint8)
    black[0, 3, 0] = [255, 0, 128]  # opaque, absent, half there
    assert opaque(black, 255)[0, :, 0].tolist() == [[0, 255, 127]] * 3
    assert opaque(black[:, 2:], 255)[0, :, 0].tolist() == [[0, 255, 127]]
    assert (opaque(black[:, :3], 255) == 0).all()
    assert fitted(Raw(black.repeat(3, 2), 255), None, 1).values[0, 0, 0].tolist() == [0, 255, 127]


@pytest.mark.parametrize(("before", "after"), [(28, 16), (12, 4), (6, 9), (5, 1), (8, 3), (7, 7)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float64])
def test_every_new_pixel_is_the_mean_of_the_area_it_covers(before, after, dtype):
    images = (np.random.default_rng(0).random((2, 1, before, before)) * 250).astype(dtype)
    # The same thing the long way: blow up to a common multiple, then average whole blocks.
    fine = images.repeat(after, -2).repeat(after, -1).astype(np.float64)
    expected = fine.reshape(2, 1, after, before, after, before).mean((3, 5))
    expected = np.floor(expected + 0.5) if dtype != np.float64 else expected
    resized = area_resized(images, after)
    assert resized.dtype == dtype
    np.testing.assert_allclose(resized, expected, rtol=1e-12)


def test_resizing_in_parts_changes_nothing(monkeypatch):
    images = pixels(7, 3, 10, 10)
    whole = area_resized(images, 4)
    monkeypatch.setattr("byheart.data.images.CHUNK", 150)
    np.testing.assert_array_equal(area_resized(images, 4), whole)


def test_the_square_is_cut_from_the_middle():
    rows = np.arange(9)[:, None] * np.ones(4)
    np.testing.assert_array_equal(cut_square(rows)[:, 0], [2, 3, 4, 5])
    np.testing.assert_array_equal(cut_square(rows.T)[0], [2, 3, 4, 5])


def test_grey_is_luminance_and_rgb_of_grey_repeats_it():
    images = pixels(2, 3, 4, 4)
    grey = recolored(images, 1)
    expected = 0.299 * images[:, 0] + 0.587 * images[:, 1] + 0.114 * images[:, 2]
    assert abs(grey[:, 0] - expected).max() <= 0.5 + 1e-9
    by_pillow = np.asarray(Image.fromarray(images[0].transpose(1, 2, 0)).convert("L")).astype(int)
    assert abs(grey[0, 0] - by_pillow).max() <= 1
    np.testing.assert_array_equal(recolored(grey, 3)[:, 2], grey[:, 0])


def test_grey_repeated_and_taken_back_is_unchanged():
    grey = pixels(2, 1, 4, 4)
    np.testing.assert_array_equal(recolored(recolored(grey, 3), 1), grey)


def test_features_have_no_size():
    with pytest.raises(InputError, match="features"):
        fitted(Raw(np.zeros((5, 3))), 8, None)
