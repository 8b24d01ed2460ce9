import numpy as np
import onset_rows
import pytest

from byheart._checks import InputError
from byheart.studies.onset.content import GEN, MEM, Strip

IMAGES, NEAREST, RATIOS = np.zeros((2, 3, 4, 4), np.uint8), np.zeros((2, 4, 4), np.uint8), np.ones((2, 3))


@pytest.mark.parametrize(
    ("images", "nearest", "ratios"),
    [
        (IMAGES.astype(float), NEAREST, RATIOS),
        (IMAGES[:, :2], NEAREST, RATIOS),
        (IMAGES, NEAREST[:1], RATIOS),
        (IMAGES, NEAREST, RATIOS.T),
        (IMAGES[0], NEAREST, RATIOS),
        (np.zeros((2, 3, 4, 4, 2), np.uint8), np.zeros((2, 4, 4, 2), np.uint8), RATIOS),
    ],
    ids=["float", "steps", "samples", "ratios", "no samples", "two channels"],
)
def test_strips_that_do_not_fit_are_refused(images, nearest, ratios):
    Strip(64, 0, [1, 2, 3], IMAGES, NEAREST, RATIOS)
    with pytest.raises(InputError, match="uint8 images"):
        Strip(64, 0, [1, 2, 3], images, nearest, ratios)


def test_content_finds_its_times():
    page = onset_rows.content()
    assert page.sizes() == [32, 64, 128, 256]
    assert [len(page.times(MEM)), len(page.times(MEM, 64)), len(page.times("tau_x@1"))] == [8, 2, 0]
    assert page.exponent(MEM).definition == MEM
    assert onset_rows.content(sizes=(64,)).exponent(GEN) is None
