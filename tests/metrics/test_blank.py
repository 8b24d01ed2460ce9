"""Which images are blank: beside the others of their set, whatever its units, and however many are."""

import pytest
import torch

from byheart.data.named import load
from byheart.data.spec import Data
from byheart.metrics.copying.blank import contrast, least_contrast, usual_contrast
from byheart.random import generator


@pytest.fixture(scope="module")
def digits():
    """(200, 1, 32, 32) in [0, 1]."""
    found = load(Data(name="digits", distinct=True))
    return torch.nn.functional.interpolate(found.to_pixels(found.images[:200]).float().clamp(0, 1), 32)


def pages(count, level=0.98, noise=0.004):
    """Scans of empty paper: a grey value, and the noise of a sensor."""
    return (level + noise * torch.randn(count, 1, 32, 32, generator=generator(1))).clamp(0, 1)


def blank(images):
    found = contrast(images)
    return found < least_contrast(found)


def test_contrast_is_that_about_the_mean_of_each_channel_inside_the_border(digits):
    inner = digits[:3, :, 1:31, 1:31]
    assert contrast(digits[:3]) == pytest.approx(inner.flatten(1).std(1, correction=0))
    colors = torch.tensor([0.1, 0.5, 0.9]).view(1, 3, 1, 1).expand(2, 3, 32, 32).clone()
    colors[1, :, 0] = 1  # a frame is not what an image shows
    assert contrast(colors).abs().max() < 1e-6


def test_no_digit_is_blank(digits):
    assert not blank(digits).any() and not blank(1 - digits).any()


def test_drawings_of_thin_lines_are_not_blank_among_themselves():
    lines = torch.ones(60, 1, 32, 32)
    for row in range(60):
        lines[row, 0, 1 + row % 30, : 4 + row % 20] = 0.9
    assert not blank(lines).any()


def test_nights_are_not_blank_beside_days(digits):
    assert not blank(torch.cat([digits[:40], 0.08 * digits[40:]])).any()


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_pages_are_blank_however_many_there_are(digits, share):
    count = round(share * 100)
    found = blank(torch.cat([digits[: 100 - count], pages(count)]))
    assert found.tolist() == [False] * (100 - count) + [True] * count


def test_the_rule_knows_no_units(digits):
    images = torch.cat([digits[:90], pages(10)])
    assert torch.equal(blank(images), blank(0.3 + 0.2 * images))


def test_images_of_one_grey_value_are_blank_even_among_themselves():
    swatches = torch.linspace(0, 1, 50).view(50, 1, 1, 1).expand(50, 3, 32, 32)
    assert blank(swatches).all() and usual_contrast(contrast(swatches)) == pytest.approx(0, abs=1e-6)


def test_the_rule_asks_each_image_by_itself(digits):
    images = torch.cat([digits[:50], pages(20)])
    order = torch.randperm(70, generator=generator(2))
    assert torch.equal(contrast(images)[order], contrast(images[order]))
    assert torch.equal(contrast(images)[60:], contrast(images[60:]))
