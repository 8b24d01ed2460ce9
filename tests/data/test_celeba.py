import numpy as np
import pytest
import torch
from PIL import Image

from byheart._checks import InputError
from byheart.data import Data, load, split
from byheart.data.celeba import read_celeba


@pytest.fixture
def faces(tmp_path):
    """Twelve pictures in CelebA's shape and naming; PNG inside, so that the pixels are known."""
    rng = np.random.default_rng(0)
    arrays = []
    for index in range(12):
        coarse = rng.integers(0, 256, (11, 9, 3), dtype=np.uint8)
        picture = Image.fromarray(coarse).resize((178, 218), Image.Resampling.BICUBIC)
        picture.save(tmp_path / f"{index + 1:06d}.jpg", format="PNG")
        arrays.append(np.asarray(picture))
    return tmp_path, torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2).double()


def published(faces):
    """Resize(32), CenterCrop(32), grey, by torch's antialiased bilinear interpolation: 39 rows, of which 4 … 35 stay."""
    small = torch.nn.functional.interpolate(faces, (39, 32), mode="bilinear", antialias=True)[:, :, 4:36]
    return (0.299 * small[:, 0] + 0.587 * small[:, 1] + 0.114 * small[:, 2])[:, None]


def test_faces_are_resized_cut_and_grey_as_published(faces):
    folder, arrays = faces
    values = torch.from_numpy(read_celeba(folder).values).double()
    assert values.shape == (12, 1, 32, 32)
    torch.testing.assert_close(values, published(arrays), rtol=0, atol=2)  # two roundings to bytes


def test_faces_of_another_size_and_in_color(faces):
    folder, _ = faces
    assert read_celeba(folder, size=16, channels=3).values.shape == (12, 3, 16, 16)


def test_the_published_configuration(faces):
    folder, arrays = faces
    spec = Data(
        name="celeba", path=str(folder), size=32, channels=1, heldout=4, standardize=False, sequential=True
    )
    parts = split(load(spec), 5, seed=0, heldout=spec.heldout, sequential=True)
    expected = published(arrays) / 255
    expected = expected - expected[:5].mean()
    torch.testing.assert_close(parts.train.double(), expected[:5], rtol=0, atol=2 / 255)
    torch.testing.assert_close(parts.heldout.double(), expected[8:], rtol=0, atol=2 / 255)
    torch.testing.assert_close(parts.train.mean(), torch.tensor(0.0), rtol=0, atol=1e-6)
    assert 0.1 < parts.train.std() < 0.3  # not divided by its spread


def test_jpegs_are_read_and_broken_ones_listed(tmp_path):
    Image.new("RGB", (178, 218), (10, 200, 30)).save(tmp_path / "000001.jpg")
    assert np.ptp(read_celeba(tmp_path).values) <= 1
    (tmp_path / "000002.jpg").write_bytes(b"\xff\xd8 broken")
    with pytest.raises(InputError, match=r"000002\.jpg"):
        read_celeba(tmp_path)
