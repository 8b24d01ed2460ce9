from base64 import b64decode
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from byheart.report.images import LARGEST, png_uri


def decoded(uri: str) -> np.ndarray:
    head, _, body = uri.partition(",")
    assert head == "data:image/png;base64"
    return np.asarray(Image.open(BytesIO(b64decode(body))))


@pytest.mark.parametrize("shape", [(8, 8), (5, 7, 3)], ids=["grey", "RGB"])
def test_pixels_survive(shape):
    image = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    np.testing.assert_array_equal(decoded(png_uri(image)), image)


def test_views_of_larger_arrays_survive():
    strip = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3)).astype(np.uint8)
    np.testing.assert_array_equal(decoded(png_uri(strip[1, ::2, ::-1])), strip[1, ::2, ::-1])


def test_large_images_are_shown_smaller():
    assert decoded(png_uri(np.zeros((256, 128, 3), np.uint8))).shape == (LARGEST, LARGEST // 2, 3)
