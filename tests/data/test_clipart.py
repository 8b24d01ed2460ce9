"""Clip art: on white, 32 pixels, what cannot be read left out."""

import numpy as np
import pytest
from PIL import Image

from byheart._checks import InputError
from byheart.data import clipart


@pytest.fixture
def place(tmp_path):
    Image.fromarray(np.full((64, 32, 3), 10, np.uint8)).save(tmp_path / "b.png")
    drawing = np.zeros((40, 40, 4), np.uint8)
    drawing[10:30, 10:30] = (255, 0, 0, 255)
    (tmp_path / "deep").mkdir()
    Image.fromarray(drawing).save(tmp_path / "deep" / "a.png")
    (tmp_path / "c.png").write_bytes(b"no picture")
    return tmp_path


def test_drawings_stand_on_white_in_the_middle(place):
    found = clipart.read_clipart(place)
    assert found.values.shape == (2, 3, 32, 32) and found.values.dtype == np.uint8 and found.peak == 255
    tall, red = found.values
    assert (tall[:, :, :8] == 255).all() and (tall[:, :, 24:] == 255).all() and (tall[:, :, 8:24] == 10).all()
    assert (red[:, 0, 0] == 255).all() and red[:, 16, 16].tolist() == [255, 0, 0]


def test_small_drawings_are_not_enlarged(tmp_path):
    Image.fromarray(np.zeros((10, 10), np.uint8)).save(tmp_path / "small.png")
    (image,) = clipart.read_clipart(tmp_path).values
    assert int((image == 0).sum()) == 3 * 100


def test_large_files_are_left_out(place, monkeypatch):
    monkeypatch.setattr(clipart, "_HUGE", 64 * 32 - 1)
    clipart.read_clipart.cache_clear()
    assert len(clipart.read_clipart(place).values) == 1


def test_an_empty_place_is_refused_with_the_remedy(tmp_path):
    with pytest.raises(InputError, match="apt-get install openclipart-png"):
        clipart.read_clipart(tmp_path / "nowhere")


def test_what_pillow_takes_for_a_bomb_is_left_out(place, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 400)
    clipart.read_clipart.cache_clear()
    with pytest.raises(InputError, match="no clip art"):
        clipart.read_clipart(place)
