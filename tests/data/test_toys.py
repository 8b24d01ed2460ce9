import numpy as np
import pytest
import torch

from byheart._checks import InputError
from byheart.data import Data, load
from byheart.data.toys import points_in_the_plane, square_images


def test_the_first_points_are_the_paper_s():
    # numpy's generator of 2024 and before: randn(20, 2) with seed 1
    assert np.array_equal(points_in_the_plane().values[:20], np.random.RandomState(1).randn(20, 2))
    assert points_in_the_plane().values[0].tolist() == pytest.approx([1.62434536, -0.61175641])


def test_the_first_squares_are_the_paper_s():
    images = square_images().values[:, 0] / 255.0
    assert images[0, 6:18, 6:18].all() and images[0].sum() == 144
    assert images[1, 40:54, 40:54].all() and images[1].sum() == 196
    assert np.linalg.norm(images[0] - images[1]) == pytest.approx(340**0.5)
    assert len({image.tobytes() for image in images}) == len(images) == 64


@pytest.mark.parametrize(
    ("name", "shape", "count"), [("s2_points", (2,), 520), ("s2_rectangles", (1, 64, 64), 64)]
)
def test_they_load_by_name(name, shape, count):
    raw = load(Data(name=name, standardize=False))
    assert raw.shape == shape and len(raw) == count and raw.images.dtype == torch.float32
    with pytest.raises(InputError, match="no path"):
        load(Data(name=name, path="somewhere"))
