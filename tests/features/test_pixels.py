"""Features by area averaging: what is kept, what the name says, what is refused."""

import pytest
import torch
from torch.testing import assert_close

from byheart._checks import InputError
from byheart.features import downsampled, flatten, pixel_features, pixel_name


def test_small_images_stay_as_they_are():
    x = torch.rand(3, 1, 8, 8)
    assert torch.equal(pixel_features(x), x.flatten(1))
    assert pixel_name((1, 8, 8)) == "pixels 1×8×8"


@pytest.mark.parametrize(
    ("shape", "size", "name"),
    [
        ((1, 28, 28), 256, "pixels 1×16×16 (area, from 1×28×28)"),
        ((1, 32, 32), 256, "pixels 1×16×16 (area, from 1×32×32)"),
        ((3, 32, 32), 243, "pixels 3×9×9 (area, from 3×32×32)"),
        ((3, 1, 900), 255, "pixels 3×1×85 (area, from 3×1×900)"),
    ],
)
def test_large_images_shrink_below_the_limit_and_the_name_says_so(shape, size, name):
    assert pixel_features(torch.rand(2, *shape)).shape == (2, size)
    assert pixel_name(shape) == name


def test_every_pixel_weighs_the_same_where_the_factor_is_whole():
    x = torch.rand(4, 3, 8, 8)
    by_hand = x.reshape(4, 3, 4, 2, 4, 2).mean((3, 5))
    assert_close(downsampled(x, (4, 4)), by_hand)
    assert_close(pixel_features(x, limit=48), by_hand.flatten(1))


def test_constant_images_stay_constant():
    assert_close(pixel_features(torch.full((2, 1, 30, 20), 0.7)), torch.full((2, 19 * 13), 0.7))


def test_vectors_are_never_cut():
    x = torch.rand(2, 1000)
    assert torch.equal(pixel_features(x), x)
    assert pixel_name((1000,)) == "pixels 1000"


@pytest.mark.parametrize(
    "x", [torch.rand(5), torch.rand(0, 3), torch.tensor(1.0)], ids=["flat", "empty", "number"]
)
def test_flatten_refuses_what_has_no_rows(x):
    with pytest.raises(InputError, match="one sample a row"):
        flatten(x)


@pytest.mark.parametrize("size", [(0, 4), (9, 4), (4, 9)])
def test_downsampling_never_enlarges(size):
    with pytest.raises(InputError, match="at least that large"):
        downsampled(torch.rand(2, 1, 8, 8), size)


def test_a_limit_below_the_channels_is_refused():
    with pytest.raises(InputError, match="one value a channel"):
        pixel_features(torch.rand(2, 3, 8, 8), limit=2)
