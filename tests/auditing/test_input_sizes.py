import numpy as np
import pytest
import torch
from PIL import Image

from byheart._checks import InputError
from byheart.auditing.inputs import working_size
from byheart.auditing.inputs.size import framing, preparation


def images(height, width, channels=1, seed=0):
    return torch.rand(2, channels, height, width, generator=torch.Generator().manual_seed(seed))


def test_32_is_left_alone():
    x = images(32, 32, 3)
    assert torch.equal(working_size(x), x)


@pytest.mark.parametrize(("height", "width"), [(28, 28), (24, 31), (32, 25)])
@pytest.mark.parametrize("pad", ["edge", "zero"])
def test_24_to_32_is_padded_and_centered(height, width, pad):
    x = images(height, width)
    small = working_size(x, pad)
    top, left = (32 - height) // 2, (32 - width) // 2
    assert torch.equal(small[:, :, top : top + height, left : left + width], x)
    outside = torch.ones(32, 32, dtype=torch.bool)
    outside[top : top + height, left : left + width] = False
    if pad == "zero":
        assert (small[:, :, outside] == 0).all()
    else:
        nearest_row = (torch.arange(32) - top).clamp(0, height - 1)
        nearest_column = (torch.arange(32) - left).clamp(0, width - 1)
        assert torch.equal(small, x[:, :, nearest_row][..., nearest_column])


def test_8_is_enlarged_to_28_as_pillow_does_and_padded():
    x = images(8, 8)
    inner = working_size(x)[0, 0, 2:30, 2:30]
    pillow = Image.fromarray(x[0, 0].numpy()).resize((28, 28), Image.Resampling.BICUBIC)
    np.testing.assert_allclose(inner, np.asarray(pillow).clip(0, 1), atol=1e-6)


@pytest.mark.parametrize("side", [9, 16, 23])
def test_small_ones_are_enlarged_to_32_as_pillow_does(side):
    x = images(side, side)
    pillow = Image.fromarray(x[1, 0].numpy()).resize((32, 32), Image.Resampling.BICUBIC)
    np.testing.assert_allclose(working_size(x)[1, 0], np.asarray(pillow).clip(0, 1), atol=1e-6)


def test_large_ones_are_reduced_by_area():
    x = images(64, 64, 3)
    torch.testing.assert_close(working_size(x), torch.nn.functional.avg_pool2d(x, 2))
    odd = working_size(images(37, 37))
    torch.testing.assert_close(odd.mean((2, 3)), images(37, 37).mean((2, 3)))  # area keeps the mean


def test_the_centered_square_is_cut_out():
    x = images(64, 96)
    torch.testing.assert_close(working_size(x), working_size(x[..., 16:80]))
    x = images(100, 28)
    torch.testing.assert_close(working_size(x), working_size(x[:, :, 36:64]))


def test_a_copy_at_half_the_size_is_the_same_image():
    x = images(128, 128, 3)
    torch.testing.assert_close(working_size(torch.nn.functional.avg_pool2d(x, 2)), working_size(x))


@pytest.mark.parametrize(
    ("size", "words", "frame"),
    [
        ((32, 32), "taken as it is", 1),
        ((28, 28), "padded to 32×32 by repeating its border", 28 / 32),
        ((8, 8), "enlarged to 28×28 (bicubic) and padded to 32×32 by repeating its border", 28 / 32),
        ((16, 16), "enlarged to 32×32 (bicubic)", 1),
        ((64, 64), "reduced to 32×32 by area", 1),
        ((64, 80), "its centered square reduced to 32×32 by area", 1),
        ((28, 80), "its centered square padded to 32×32 by repeating its border", 28 / 32),
        ((32, 80), "its centered square taken as it is", 1),
    ],
)
def test_the_rule_in_words_and_its_scale(size, words, frame):
    assert preparation(*size, "edge") == words
    assert framing(*size) == frame


@pytest.mark.parametrize(
    ("x", "pad", "need"),
    [
        (torch.rand(2, 3, 32), "edge", "with sides of at least 8"),
        (torch.rand(2, 3, 7, 32), "edge", "with sides of at least 8"),
        (torch.rand(2, 3, 28, 28), "mirror", "'edge' or 'zero'"),
    ],
)
def test_refusals(x, pad, need):
    with pytest.raises(InputError, match=need):
        working_size(x, pad)
