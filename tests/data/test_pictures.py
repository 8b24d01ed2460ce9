import io
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from byheart._checks import printable
from byheart.data.pictures import MAX_PIXELS, Unreadable, read_picture


def noise(*shape, dtype=np.uint8, seed=0):
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


def encoded(image, kind="PNG", **options):
    stream = io.BytesIO()
    (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(stream, kind, **options)
    return stream.getvalue()


def png_header(width, height):
    """A PNG that claims a size and holds nothing: what a decompression bomb looks like before it is unpacked."""
    content = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunk = b"IHDR" + content
    return (
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", len(content)) + chunk + struct.pack(">I", zlib.crc32(chunk))
        + struct.pack(">I", 0) + b"IEND" + struct.pack(">I", zlib.crc32(b"IEND"))
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "WEBP"])
def test_lossless_color_comes_back_byte_for_byte(kind):
    array = noise(9, 7, 3)
    options = {"lossless": True} if kind == "WEBP" else {}
    np.testing.assert_array_equal(read_picture(encoded(array, kind, **options)), array.transpose(2, 0, 1))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_grey_of_8_and_16_bits_comes_back_exactly(kind, dtype):
    array = noise(9, 7, dtype=dtype)
    values = read_picture(encoded(array, kind))
    np.testing.assert_array_equal(values, array[None])
    assert values.dtype == dtype


def test_jpeg_in_color_and_grey(tmp_path):
    Image.fromarray(np.full((16, 8, 3), (200, 100, 50), np.uint8)).save(tmp_path / "a.jpg", quality=95)
    values = read_picture(tmp_path / "a.jpg").astype(int)
    assert values.shape == (3, 16, 8)
    assert abs(values - np.array([200, 100, 50])[:, None, None]).max() <= 3
    assert read_picture(encoded(np.full((8, 8), 90, np.uint8), "JPEG")).shape == (1, 8, 8)


def test_one_bit_palette_and_cmyk():
    red = Image.new("RGB", (4, 4), (255, 0, 0))
    assert read_picture(encoded(red.convert("P"))).tolist() == read_picture(encoded(red)).tolist()
    assert read_picture(encoded(red.convert("CMYK"), "TIFF"))[:, 0, 0].tolist() == [255, 0, 0]
    checks = Image.fromarray((np.indices((4, 4)).sum(0) % 2).astype(bool))
    assert read_picture(encoded(checks)).tolist() == [(255 * (np.indices((4, 4)).sum(0) % 2)).tolist()]


def test_transparency_is_laid_on_white():
    array = np.zeros((2, 2, 4), np.uint8)
    array[..., 3] = [[255, 0], [128, 255]]  # black: opaque, absent, half there
    assert read_picture(encoded(array))[1].tolist() == [[0, 255], [127, 0]]
    grey = np.dstack([np.zeros((2, 2), np.uint8), array[..., 3]])
    assert read_picture(encoded(grey))[0].tolist() == [[0, 255], [127, 0]]
    palette = Image.new("P", (2, 2), 0)
    assert (read_picture(encoded(palette, transparency=0)) == 255).all()


def test_a_photograph_is_turned_as_a_viewer_shows_it():
    array = noise(6, 4, 3)
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: the first row is the right side
    values = read_picture(encoded(array, exif=exif))
    np.testing.assert_array_equal(values, np.rot90(array, -1).transpose(2, 0, 1))


@pytest.mark.parametrize("bad_exif", [b"Exif\x00\x00MM\x00*\x00\x00\xff\xff", b"Exif\x00\x00rubbish"])
def test_broken_metadata_do_not_cost_the_picture(bad_exif):
    array = noise(4, 4, 3)
    np.testing.assert_array_equal(read_picture(encoded(array, exif=bad_exif)), array.transpose(2, 0, 1))


def test_the_first_of_several_frames():
    frames = [Image.fromarray(noise(4, 4, seed=seed)) for seed in range(3)]
    content = encoded(frames[0], "TIFF", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(read_picture(content)[0], np.asarray(frames[0]))


@pytest.mark.parametrize(
    ("width", "height", "said"),
    [
        (8000, 5001, "over the limit of 40,000,000"),
        (10_000, 10_000, "over the limit of 40,000,000"),  # above 89 million Pillow itself would warn
        (30_000, 30_000, "far over the limit"),  # and above 179 million refuse
    ],
)
def test_a_decompression_bomb_is_not_unpacked(width, height, said):
    assert width * height > MAX_PIXELS
    with pytest.raises(Unreadable, match=said):
        read_picture(png_header(width, height))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not an image"),
        (b"GIF89a but not really", "not an image|broken|truncated|bytes|unpack"),
        (encoded(noise(32, 32, 3))[:900], "truncated"),
        (encoded(np.zeros((4, 4), np.float32), "TIFF"), "32 bits a pixel, mode F"),
        (png_header(4, 4), "."),
    ],
    ids=["empty", "rubbish", "cut short", "32 bits", "no pixels"],
)
def test_what_cannot_be_read_says_why(content, said):
    with pytest.raises(Unreadable, match=said):
        read_picture(content)


def outcome(content):
    try:
        return f"an image of shape {read_picture(content).shape}"
    except Unreadable as error:
        return str(error)


def test_any_broken_byte_of_a_picture_gives_a_picture_or_a_reason():
    rng = np.random.default_rng(0)
    for kind in ("PNG", "JPEG", "WEBP", "BMP", "TIFF"):
        whole = encoded(noise(16, 16, 3), kind)
        for _ in range(60):
            broken = bytearray(whole)
            for place in rng.integers(0, len(whole), 4):
                broken[place] = rng.integers(256)
            assert outcome(bytes(broken)).isprintable()


def test_a_missing_file_a_folder_and_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    for path in (tmp_path / "none.png", tmp_path, tmp_path / "pipe.png"):
        with pytest.raises(Unreadable, match="no file"):
            read_picture(path)


def test_printable_keeps_letters_and_writes_control_characters_out():
    assert printable("Bild ñ 画 <b>.png") == "Bild ñ 画 <b>.png"
    assert printable("a\x1b[2J\n\u202eb\udcff") == "a\\x1b[2J\\n\\u202eb\\udcff"
