import numpy as np
import pytest
from PIL import ImageDraw, ImageFont

from byheart._checks import InputError
from byheart.data import Data, glyphs, load
from byheart.data.glyphs import find_font, read_glyphs

needs_font = pytest.mark.skipif(find_font() is None, reason="needs Debian's fonts-noto-cjk")


@needs_font
def test_exactly_as_many_distinct_characters_as_asked():
    raw = read_glyphs(count=500)
    assert raw.values.shape == (500, 1, 32, 32)
    assert len({image.tobytes() for image in raw.values}) == 500
    assert raw.labels[0] == ord("一")
    assert (np.diff(raw.labels) > 0).all()


@needs_font
def test_fewer_characters_are_the_first_of_more():
    np.testing.assert_array_equal(read_glyphs(count=20).values, read_glyphs(count=50).values[:20])


@needs_font
def test_characters_drawn_alike_come_once(monkeypatch):
    alike = [0x670C, 0x670D, 0x80A6]  # Noto draws the first and the last with the same pixels
    monkeypatch.setattr(glyphs, "CHARACTERS", alike)
    assert read_glyphs(count=2).labels.tolist() == alike[:2]
    with pytest.raises(InputError, match="draws 2 distinct"):
        read_glyphs(count=3)


@needs_font
def test_characters_fill_the_image_at_any_size():
    for size in (16, 32, 64):
        ink = read_glyphs(size=size, count=200).values.max(0)[0] > 128
        rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
        for occupied in (rows, columns):  # centered, near the border, never cut
            assert 0 <= occupied[0] <= size / 8
            assert size * 7 / 8 - 1 <= occupied[-1] <= size - 1


@needs_font
def test_the_loaded_set_is_white_on_black():
    dataset = load(Data(name="glyphs", count=50, size=24))
    assert dataset.shape == (1, 24, 24)
    assert len(dataset) == 50
    pixels = dataset.to_pixels(dataset.images)
    assert pixels.min() > -1e-6
    assert pixels.max() < 1 + 1e-6
    assert pixels.median() < 0.5


def test_without_the_font_the_remedy_is_one_line(monkeypatch, tmp_path):
    assert find_font(tmp_path) is None
    monkeypatch.setattr(glyphs, "find_font", lambda: None)
    with pytest.raises(InputError, match="apt-get install fonts-noto-cjk"):
        read_glyphs(count=5)


def test_paths_that_are_no_font_are_refused(tmp_path):
    with pytest.raises(InputError, match="no file"):
        read_glyphs(tmp_path / "missing.ttf")
    (tmp_path / "text.ttf").write_text("not a font")
    with pytest.raises(InputError, match="no font"):
        read_glyphs(tmp_path / "text.ttf")


def test_characters_that_a_font_lacks_are_left_out(monkeypatch):
    """A font without any of them draws one box for all: not one distinct character, rather than one box."""

    def box(draw, xy, text, **options):
        draw.rectangle((4, 4, 20, 20), outline=255)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", box)
    monkeypatch.setattr(ImageFont, "truetype", lambda *args, **options: None)
    with pytest.raises(InputError, match="draws 0 distinct"):
        read_glyphs(__file__, count=2)
