import numpy as np
import pyarrow
import pytest
from PIL import Image
from pyarrow import parquet

from byheart._checks import InputError
from byheart.data.reader.path import image_files
from byheart.data.reader.whole import read_arrays, read_folder


def pixels(*shape, dtype=np.uint8, seed=0):
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


def save(path, array, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **options)


@pytest.mark.parametrize("ending", ["png", "bmp", "tif", "tiff", "webp", "PNG"])
@pytest.mark.parametrize("shape", [(6, 6), (6, 6, 3)])
def test_lossless_files_come_back_byte_for_byte(tmp_path, ending, shape):
    if ending == "webp" and len(shape) == 2:
        shape = (6, 6, 3)  # WebP knows no grey
    arrays = [pixels(*shape, seed=seed) for seed in range(3)]
    for index, array in enumerate(arrays):
        save(tmp_path / f"{index}.{ending}", array, **({"lossless": True} if ending == "webp" else {}))
    raw = read_folder(tmp_path)
    expected = np.stack([a[None] if a.ndim == 2 else a.transpose(2, 0, 1) for a in arrays])
    np.testing.assert_array_equal(raw.values, expected)
    assert raw.peak == 255
    assert raw.values.dtype == np.uint8


def test_jpeg_is_read(tmp_path):
    save(tmp_path / "a.jpg", np.full((8, 8), 100, np.uint8))
    save(tmp_path / "b.JPEG", np.full((8, 8), 200, np.uint8))
    values = read_folder(tmp_path).values
    assert abs(values[0].astype(int) - 100).max() <= 2
    assert abs(values[1].astype(int) - 200).max() <= 2


def test_sixteen_bits_are_kept_and_bytes_among_them_keep_their_value(tmp_path):
    deep, shallow = pixels(6, 6, dtype=np.uint16), pixels(6, 6)
    save(tmp_path / "0.png", deep)
    save(tmp_path / "1.png", shallow)
    raw = read_folder(tmp_path)
    np.testing.assert_array_equal(raw.values[0, 0], deep)
    np.testing.assert_array_equal(raw.values[1, 0] / raw.peak, shallow / 255)


def test_transparent_pixels_become_white(tmp_path):
    array = np.zeros((4, 4, 4), np.uint8)
    array[:2, :, 3] = 255  # black above, nothing below
    save(tmp_path / "0.png", array)
    save(tmp_path / "1.png", array[..., :3])
    values = read_folder(tmp_path).values
    assert (values[0, :, :2] == 0).all()
    assert (values[0, :, 2:] == 255).all()


def test_palettes_and_cmyk_become_rgb(tmp_path):
    picture = Image.fromarray(np.full((4, 4, 3), (255, 0, 0), np.uint8))
    picture.convert("P").save(tmp_path / "0.png")
    picture.convert("CMYK").save(tmp_path / "1.tif")
    values = read_folder(tmp_path).values
    assert values[:, :, 0, 0].tolist() == [[255, 0, 0], [255, 0, 0]]


def test_photographs_are_turned_and_bombs_refused(tmp_path):
    array, exif = pixels(6, 6, 3), Image.Exif()
    exif[0x0112] = 6  # the camera was turned: the first row is the right side
    save(tmp_path / "0.png", array, exif=exif)
    save(tmp_path / "1.png", pixels(6, 6, 3, seed=1))
    np.testing.assert_array_equal(read_folder(tmp_path).values[0], np.rot90(array, -1).transpose(2, 0, 1))
    Image.new("1", (8000, 5001)).save(tmp_path / "2.png")
    with pytest.raises(InputError, match="over the limit"):
        read_folder(tmp_path, size=6)


def test_rows_of_parquet_are_read_and_named(tmp_path):
    arrays = [pixels(6, 6, seed=0), pixels(8, 8, seed=1)]
    for row, array in enumerate(arrays):
        save(tmp_path / f"{row}.png", array)
    cells = [{"bytes": (tmp_path / f"{row}.png").read_bytes(), "path": None} for row in range(2)]
    (tmp_path / "shards").mkdir()
    parquet.write_table(pyarrow.table({"image": cells}), tmp_path / "shards" / "a.parquet")
    with pytest.raises(InputError, match=r"row 0 \(grey, 6×6\), row 1 \(grey, 8×8\)"):
        read_folder(tmp_path / "shards")
    expected = read_folder(tmp_path, size=4).values
    np.testing.assert_array_equal(read_folder(tmp_path / "shards", size=4).values, expected)
    np.testing.assert_array_equal(read_arrays(tmp_path / "shards" / "a.parquet", 4).values, expected)


def test_natural_order_at_any_depth(tmp_path):
    names = ["10.png", "2.png", "b/1.png", "a10/x.png", "a9/x.png", "a9/deep/er/3.png", "01.png", "1.png"]
    for name in names:
        save(tmp_path / name, pixels(4, 4))
    found = [file.relative_to(tmp_path).as_posix() for file in image_files(tmp_path)[0]]
    order = ["01.png", "1.png", "2.png", "10.png", "a9/deep/er/3.png", "a9/x.png", "a10/x.png", "b/1.png"]
    assert found == order


def test_other_files_and_hidden_ones_are_no_images(tmp_path):
    save(tmp_path / "0.png", pixels(4, 4))
    (tmp_path / "notes.txt").write_text("not an image")
    (tmp_path / "._0.png").write_text("a resource fork")
    (tmp_path / ".thumbs").mkdir()
    (tmp_path / ".thumbs" / "0.png").write_text("junk")
    assert [file.name for file in image_files(tmp_path)[0]] == ["0.png"]


def test_files_that_cannot_be_read_are_all_listed(tmp_path):
    save(tmp_path / "0.png", pixels(40, 40))
    (tmp_path / "1.png").write_text("not an image")
    (tmp_path / "2.png").write_bytes((tmp_path / "0.png").read_bytes()[:200])
    (tmp_path / "3.png").write_bytes(b"")
    Image.fromarray(np.zeros((4, 4), np.float32)).save(tmp_path / "4.tif")
    with pytest.raises(InputError, match="4 of 5 images") as caught:
        read_folder(tmp_path)
    assert all(name in caught.value.got for name in ("1.png", "2.png", "3.png", "4.tif"))
    assert "0.png" not in caught.value.got


def test_empty_missing_and_odd_folders_are_refused(tmp_path):
    with pytest.raises(InputError, match="holds no images"):
        read_folder(tmp_path)
    with pytest.raises(InputError, match="no folder"):
        read_folder(tmp_path / "missing")
    save(tmp_path / "0.png", pixels(4, 4))
    with pytest.raises(InputError, match="no folder"):
        read_folder(tmp_path / "0.png")


def test_mixed_channels_name_two_files_unless_channels_are_given(tmp_path):
    save(tmp_path / "grey.png", pixels(4, 4))
    save(tmp_path / "rgb.png", pixels(4, 4, 3))
    with pytest.raises(InputError, match="channels") as caught:
        read_folder(tmp_path)
    assert "grey.png (grey" in caught.value.got
    assert "rgb.png (RGB" in caught.value.got
    assert read_folder(tmp_path, channels=1).values.shape == (2, 1, 4, 4)
    assert read_folder(tmp_path, channels=3).values.shape == (2, 3, 4, 4)


def test_mixed_sizes_name_two_files_unless_a_size_is_given(tmp_path):
    save(tmp_path / "0.png", pixels(6, 6))
    save(tmp_path / "1.png", pixels(6, 6))
    save(tmp_path / "2.png", pixels(12, 9))
    with pytest.raises(InputError, match="size") as caught:
        read_folder(tmp_path)
    assert "0.png (grey, 6×6)" in caught.value.got
    assert "2.png (grey, 9×12)" in caught.value.got
    assert read_folder(tmp_path, size=3).values.shape == (3, 1, 3, 3)


def test_images_that_are_not_square_need_a_size(tmp_path):
    save(tmp_path / "0.png", pixels(4, 6))
    with pytest.raises(InputError, match="6×4"):
        read_folder(tmp_path)
    assert read_folder(tmp_path, size=4).values.shape == (1, 1, 4, 4)
