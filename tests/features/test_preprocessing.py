"""Preprocessing: the numbers that a network sees, and what is refused before it sees any."""

import pytest
import torch
from torch.testing import assert_close

from byheart._checks import InputError
from byheart.features.preprocessing import Preprocessing


def test_the_default_changes_nothing():
    x = torch.rand(2, 1, 5, 7)
    assert torch.equal(Preprocessing()(x), x)


def test_scale_is_peak_then_mean_then_std():
    x = torch.rand(2, 3, 4, 4)
    seen = Preprocessing(peak=255, mean=(127,), std=(128,))(x)
    assert_close(seen, (255 * x - 127) / 128)
    seen = Preprocessing(mean=(0.1, 0.2, 0.3), std=(1, 2, 4))(x)
    assert_close(seen[:, 2], (x[:, 2] - 0.3) / 4)


def test_grey_is_repeated_and_rgb_weighed():
    grey, rgb = torch.rand(2, 1, 3, 3), torch.tensor([1.0, 0.0, 0.0]).reshape(1, 3, 1, 1).expand(1, 3, 2, 2)
    assert torch.equal(Preprocessing(channels=3)(grey), grey.repeat(1, 3, 1, 1))
    assert_close(Preprocessing(channels=1)(rgb), torch.full((1, 1, 2, 2), 0.299))


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_resizing_is_pillow_s(interpolation):
    # An independent antialiased resampler, on floats: Pillow's, whose filters are those of torch with antialias.
    from PIL import Image

    x = torch.rand(23, 23, generator=torch.Generator().manual_seed(0))
    method = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}[interpolation]
    theirs = torch.tensor(list(Image.fromarray(x.numpy()).resize((9, 9), method).get_flattened_data()))
    ours = Preprocessing(size=9, interpolation=interpolation)(x[None, None])
    assert_close(ours.flatten(), theirs.float().clamp(0, 1), atol=1e-5, rtol=0)


def test_without_antialias_is_another_resizing_and_the_name_says_so():
    x = torch.rand(1, 1, 32, 32)
    plain = Preprocessing(size=8, antialias=False)
    assert (plain(x) - Preprocessing(size=8)(x)).abs().max() > 0.1
    assert str(plain) == "8×8 bilinear without antialias"
    assert str(Preprocessing(size=8, channels=3, mean=(0.5,))) == "RGB, 8×8 bilinear, mean 0.5"


def test_bicubic_stays_in_range():
    edge = (torch.arange(16) > 7).float().expand(1, 1, 16, 16)
    assert Preprocessing(size=48, interpolation="bicubic")(edge).aminmax() == (0, 1)


def test_settings_are_read_from_words():
    read = Preprocessing(size="288", channels="3", mean="0.1,0.2,0.3", std="2", antialias="false")
    assert read == Preprocessing(size=288, channels=3, mean=(0.1, 0.2, 0.3), std=(2.0,), antialias=False)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"size": 0}, "size"),
        ({"size": "big"}, "size"),
        ({"channels": 2}, "grey"),
        ({"std": (0.0,)}, "above 0"),
        ({"mean": (0.1, 0.2)}, "one a channel"),
        ({"channels": 1, "mean": (0.1, 0.2, 0.3)}, "one a channel"),
        ({"interpolation": "lanczos"}, "bilinear"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings, said):
    with pytest.raises(InputError, match=said):
        Preprocessing(**settings)


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (torch.rand(3, 8, 8), "channels"),
        (torch.rand(0, 1, 8, 8), "at least one image"),
        (torch.rand(1, 4, 8, 8), "1 or 3 channels"),
        (torch.zeros(1, 1, 8, 8, dtype=torch.uint8), "divide bytes by 255"),
        (torch.full((1, 1, 2, 2), 1.01), r"values in \[0, 1\]"),
        (torch.full((1, 1, 2, 2), -0.5), r"\(x \+ 1\) / 2"),
        (torch.full((1, 1, 2, 2), float("nan")), "NaN"),
    ],
    ids=["three axes", "none", "four channels", "bytes", "above", "below", "nan"],
)
def test_images_that_do_not_fit_are_refused(images, said):
    with pytest.raises(InputError, match=said):
        Preprocessing()(images)
