"""Pictures that can be read in two ways: both ways are right, the default is one for all, and what was done is said."""

import io

import numpy as np
import pyarrow
import pytest
from PIL import Image
from pyarrow import parquet

from byheart._checks import InputError
from byheart.auditing.inputs import gather
from byheart.data import Data, load
from byheart.data.images import area_resized, squared
from byheart.data.pictures import open_picture
from byheart.data.reader.reading import USUAL, Reading, asked
from byheart.data.reader.whole import read_arrays, read_folder

TURNED = {  # mark -> the stored picture as a viewer shows it
    1: lambda x: x,
    2: lambda x: x[:, ::-1],
    3: lambda x: x[::-1, ::-1],
    4: lambda x: x[::-1],
    5: lambda x: x.swapaxes(0, 1),
    6: lambda x: np.rot90(x, -1),
    7: lambda x: np.rot90(x, 2).swapaxes(0, 1),
    8: lambda x: np.rot90(x),
}


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def encoded(image, mark=None, kind="PNG", **options):
    stream, exif = io.BytesIO(), Image.Exif()
    if mark is not None:
        exif[0x0112] = mark
        options["exif"] = exif
    (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(stream, kind, **options)
    return stream.getvalue()


def folder(path, contents):
    path.mkdir(parents=True, exist_ok=True)
    for row, content in enumerate(contents):
        (path / f"{row}.png").write_bytes(content)
    return path


# ------------------------------------------------------------------------------------------------------ rotation marks


@pytest.mark.parametrize("mark", TURNED)
def test_marks_turn_pictures_that_are_shown_and_not_those_as_stored(mark):
    array = noise(6, 4, 3)
    content = encoded(array, mark)
    shown, stored = open_picture(content, USUAL), open_picture(content, Reading(orientation="stored"))
    np.testing.assert_array_equal(shown.values, TURNED[mark](array).transpose(2, 0, 1))
    np.testing.assert_array_equal(stored.values, array.transpose(2, 0, 1))
    assert shown.marked == stored.marked == (mark != 1)


@pytest.mark.parametrize("mark", [0, 9, 65535])
def test_marks_that_mean_nothing_are_none(mark):
    array = noise(6, 4, 3)
    picture = open_picture(encoded(array, mark), USUAL)
    np.testing.assert_array_equal(picture.values, array.transpose(2, 0, 1))
    assert not picture.marked


@pytest.mark.parametrize("broken", [b"Exif\x00\x00MM\x00*\x00\x00\xff\xff", b"Exif\x00\x00rubbish"])
@pytest.mark.parametrize("orientation", ["shown", "stored"])
def test_broken_marks_are_none(broken, orientation):
    array = noise(4, 4, 3)
    picture = open_picture(encoded(array, exif=broken), Reading(orientation=orientation))
    np.testing.assert_array_equal(picture.values, array.transpose(2, 0, 1))
    assert not picture.marked


@pytest.mark.parametrize("orientation", ["shown", "stored"])
def test_tiff_is_turned_by_its_reader_whoever_asks(orientation):
    array = noise(6, 4, 3)
    picture = open_picture(encoded(array, 6, "TIFF"), Reading(orientation=orientation))
    np.testing.assert_array_equal(picture.values, np.rot90(array, -1).transpose(2, 0, 1))
    assert not picture.marked


# -------------------------------------------------------------------------------------------------------- transparency


def palette():
    image = Image.new("P", (2, 2), 1)
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((0, 0), 0)
    return image


ALPHA = np.array([[0, 255], [255, 255]], np.uint8)
SEEN_THROUGH = {  # content -> the hidden color of its transparent pixel, first row and column
    "RGBA": (encoded(np.dstack([np.full((2, 2, 3), 40, np.uint8), ALPHA])), 40),
    "LA": (encoded(np.dstack([np.full((2, 2), 40, np.uint8), ALPHA])), 40),
    "palette": (encoded(palette(), transparency=0), 10),
    "RGB with a transparent color": (
        encoded(np.array([[[7, 8, 9], [1, 1, 1]], [[1, 1, 1], [1, 1, 1]]], np.uint8), transparency=(7, 8, 9)),
        7,
    ),
}


@pytest.mark.parametrize("kind", SEEN_THROUGH)
def test_transparency_is_white_black_or_the_color_that_it_hides(kind):
    content, hidden = SEEN_THROUGH[kind]
    for transparency, value in (("white", 255), ("black", 0), ("hidden", hidden)):
        picture = open_picture(content, Reading(transparency=transparency))
        assert picture.values[0, 0, 0] == value
        assert picture.clear


def test_half_transparent_pixels_are_mixed_with_their_paper():
    content = encoded(np.full((2, 2, 4), 128, np.uint8))
    values = [
        int(open_picture(content, Reading(transparency=paper)).values[0, 0, 0])
        for paper in ("white", "black", "hidden")
    ]
    assert values == [191, 64, 128]


def test_an_alpha_channel_in_which_all_is_opaque_is_no_transparency():
    array = np.dstack([noise(3, 3, 3), np.full((3, 3), 255, np.uint8)])
    picture = open_picture(encoded(array), Reading(transparency="black"))
    assert not picture.clear
    np.testing.assert_array_equal(picture.values, array[..., :3].transpose(2, 0, 1))


def test_alpha_of_arrays_follows_the_reading(tmp_path):
    array = np.full((4, 5, 5, 4), 100, np.uint8)
    array[..., 3] = 0
    array[0, ..., :3] = 200
    np.save(tmp_path / "x.npy", array)
    for transparency, value in (("white", 255), ("black", 0), ("hidden", 100)):
        raw = read_arrays(tmp_path / "x.npy", channels=3, reading=Reading(transparency=transparency))
        assert (raw.values[1:] == value).all()
        assert "4 of 4 images are transparent in places" in raw.notes[0]


# ------------------------------------------------------------------------------------------------- images not square


@pytest.mark.parametrize("shape", [(8, 12), (12, 8), (10, 31)])
def test_squashing_keeps_the_whole_image(tmp_path, shape):
    rows, columns = np.indices(shape)
    ramp = (255 * (rows / shape[0] + columns / shape[1]) / 2).round().astype(np.uint8)
    path = folder(tmp_path / "x", [encoded(ramp), encoded(255 - ramp)])
    squashed = read_folder(path, size=4, reading=Reading(fit="squash"))
    areas = np.kron(ramp, np.ones((4, 4))).reshape(4, shape[0], 4, shape[1]).mean((1, 3))
    assert abs(squashed.values[0, 0] - areas).max() <= 0.5
    cut = read_folder(path, size=4)
    assert (squashed.values[0] != cut.values[0]).any()
    assert "2 of 2 images are not square and were squashed" in squashed.notes[0]
    assert "2 of 2 images are not square and were cut" in cut.notes[0]


@pytest.mark.parametrize("size", [4, 16])
def test_squashing_square_images_does_nothing(tmp_path, size):
    path = folder(tmp_path / "x", [encoded(noise(8, 8, seed=seed)) for seed in range(3)])
    kinds = [read_folder(path, size=size, reading=Reading(fit=fit)) for fit in ("cut", "squash")]
    np.testing.assert_array_equal(kinds[0].values, kinds[1].values)
    assert kinds[0].notes == kinds[1].notes == ()


def test_resizing_squares_by_area_keeps_means():
    image = noise(1, 9, 9).astype(float)
    np.testing.assert_allclose(area_resized(image, 3).mean(), image.mean())
    np.testing.assert_allclose(area_resized(noise(1, 6, 9).astype(float), 3).mean(), noise(1, 6, 9).mean())


# --------------------------------------------------------------------------------------------------------- white


MASKS = (noise(6, 8, 8) > 127).astype(np.uint8)
GREY = noise(6, 8, 8)


UNCERTAIN = {
    "masks": (MASKS, 1),
    "masks in 16 bits": (MASKS.astype(np.uint16), 1),
    "4 bits": (GREY // 16, 15),
    "bytes in 16 bits": (GREY.astype(np.uint16), 255),
    "10 bits": (GREY.astype(np.uint16) * 4, 1023),
    "12 bits": (GREY.astype(np.uint16) * 16, 4095),
    "14 bits": (GREY.astype(np.uint16) * 64, 16383),
    "masks in 64 bits": (MASKS.astype(np.int64), 1),
    "bytes in 32 bits": (GREY.astype(np.int32), 255),
    "12 bits with a sign": (GREY.astype(np.int16) * 16, 4095),
}


@pytest.mark.parametrize(("values", "white"), UNCERTAIN.values(), ids=UNCERTAIN)
def test_integers_of_uncertain_white_are_refused_and_the_likely_white_is_named(tmp_path, values, white):
    np.save(tmp_path / "x.npy", values)
    said = rf"white is uncertain.*--white {white} "
    with pytest.raises(InputError, match=said):
        load(Data(name="arrays", path=str(tmp_path / "x.npy")))
    with pytest.raises(InputError, match=said):
        gather(tmp_path / "x.npy", what="train")
    whole = load(Data(name="arrays", path=str(tmp_path / "x.npy"), white=white))
    pixels = whole.to_pixels(whole.images).numpy()[:, 0]
    np.testing.assert_allclose(pixels, values / white, atol=1e-6)
    assert f"White is {white:,}, as given." in whole.notes
    audited = gather(values, what="train", reading=Reading(white=white))
    np.testing.assert_allclose(audited.full(3)[0], values[3] / white, atol=1e-6)


def test_masks_with_their_white_are_what_bools_are(tmp_path):
    np.save(tmp_path / "bytes.npy", MASKS)
    np.save(tmp_path / "bools.npy", MASKS.astype(bool))
    masks, bools = (
        load(Data(name="arrays", path=str(tmp_path / f"{name}.npy"), size=4, white=white))
        for name, white in (("bytes", 1), ("bools", None))
    )
    assert abs(masks.to_pixels(masks.images) - bools.to_pixels(bools.images)).max() < 1 / 255
    assert masks.images.unique().numel() > 2  # grey once they are resized


def test_one_dark_image_does_not_make_a_set_uncertain(tmp_path):
    values = GREY.copy()
    values[2:] //= 64
    np.save(tmp_path / "x.npy", values)
    assert read_arrays(tmp_path / "x.npy").peak == 255
    path = folder(tmp_path / "files", [encoded(image) for image in values])
    assert read_folder(path).peak == 255


def test_pictures_of_12_bits_in_16_are_refused_unless_their_white_is_given(tmp_path):
    twelve = [encoded(image.astype(np.uint16) * 16) for image in GREY]
    path = folder(tmp_path / "x", twelve)
    with pytest.raises(InputError, match=r"--white 4095 .*--white 65535 if these images are that dark"):
        read_folder(path)
    raw = read_folder(path, reading=Reading(white=4095))
    np.testing.assert_array_equal(raw.values[:, 0], GREY.astype(np.uint16) * 16)
    assert raw.peak == 4095


def test_bytes_among_12_bits_keep_their_own_white(tmp_path):
    path = folder(tmp_path / "x", [encoded(GREY[0].astype(np.uint16) * 16), *map(encoded, GREY[1:])])
    with pytest.raises(InputError, match="--white 4095"):
        read_folder(path)
    raw = read_folder(path, reading=Reading(white=4095))
    np.testing.assert_allclose(raw.values[0, 0] / raw.peak, GREY[0].astype(int) * 16 / 4095, atol=1e-6)
    np.testing.assert_allclose(raw.values[1:, 0] / raw.peak, GREY[1:] / 255, atol=1e-6)


def test_dark_bytes_among_16_bits_are_not_judged_alone(tmp_path):
    path = folder(tmp_path / "x", [encoded(GREY[0].astype(np.uint16) * 257), *map(encoded, GREY[1:] // 8)])
    assert read_folder(path).peak == 65535


def test_masks_of_integers_in_parquet(tmp_path):
    parquet.write_table(pyarrow.table({"image": MASKS.astype(np.int64).tolist()}), tmp_path / "x.parquet")
    with pytest.raises(InputError, match="--white 1 "):
        load(Data(name="arrays", path=str(tmp_path / "x.parquet")))
    whole = load(Data(name="arrays", path=str(tmp_path / "x.parquet"), white=1))
    np.testing.assert_allclose(whole.to_pixels(whole.images)[:, 0], MASKS, atol=1e-6)


@pytest.mark.parametrize(
    ("values", "white", "said"),
    [
        (GREY / 255, 255, "integers, where a white is given"),
        (GREY.astype(np.uint16) * 16, 255, "values from 0 to white"),
        (GREY.astype(np.int64) - 3, 255, "values from 0 to white"),
        (GREY, 4095, "a white that uint8 can hold"),
        (MASKS.astype(bool), 255, "integers, where a white is given"),
        (GREY.reshape(6, 64).astype(np.float32), 255, "features are taken as they are"),
    ],
    ids=["floats", "above", "negative", "too small a type", "bool", "features"],
)
def test_a_white_that_contradicts_is_refused(tmp_path, values, white, said):
    np.save(tmp_path / "x.npy", values)
    with pytest.raises(InputError, match=said):
        load(Data(name="arrays", path=str(tmp_path / "x.npy"), white=white))


# ------------------------------------------------------------------------------------------------------ settings


def test_all_readers_of_a_folder_give_the_same_images_under_every_reading(tmp_path):
    contents = [
        encoded(np.dstack([noise(12, 9, 3, seed=seed), noise(12, 9, seed=seed + 50)]), 6) for seed in range(4)
    ]
    path = folder(tmp_path / "x", contents)
    for reading in (
        USUAL,
        Reading(orientation="stored"),
        Reading(fit="squash"),
        Reading(transparency="black"),
        Reading("stored", "squash", "hidden"),
    ):
        data = Data(name="folder", path=str(path), size=9, **reading.differing)
        whole = load(data)
        audited = gather(path, what="train", reading=reading)
        squares = np.stack([area_resized(squared(audited.full(row), reading.fit), 9) for row in range(4)])
        assert abs(whole.to_pixels(whole.images).numpy() - squares).max() < 1.5 / 255


def test_a_set_by_name_has_no_reading():
    with pytest.raises(InputError, match="orientation, white for digits"):
        load(Data(name="digits", orientation="stored", white=16))


@pytest.mark.parametrize(
    "settings",
    [{"orientation": "up"}, {"fit": "pad"}, {"transparency": "red"}, {"white": 0}],
)
def test_settings_that_mean_nothing_are_refused(settings):
    with pytest.raises(InputError, match=next(iter(settings))):
        Reading(**settings)
    with pytest.raises(InputError):
        Data(name="folder", path=".", **{name: value or -1 for name, value in settings.items()})


def test_what_was_not_given_is_not_asked():
    assert asked(None, "cut", None, None) == {"fit": "cut"}


@pytest.mark.parametrize("white", [4095.5, 4095.0, "4095", True])
def test_a_white_that_is_no_integer_is_refused(white):
    with pytest.raises(InputError, match="white"):
        Reading(white=white)
    assert Reading(white=np.uint16(4095)).white == 4095


@pytest.mark.parametrize(
    ("dtype", "high", "said"),
    [
        (np.int16, 20_000, "--white 32767 "),
        (np.uint64, 2**62 + 1, f"--white {2**63 - 1} "),
        (np.uint64, 2**64 - 2048, "scale them"),
    ],
)
def test_the_white_that_a_refusal_names_is_one_that_the_reader_takes(dtype, high, said):
    values = np.full((3, 8, 8), high, dtype)
    values[0] = 0
    with pytest.raises(InputError, match=said):
        gather(values, what="train")
    if "white" in said:
        gather(values, what="train", reading=Reading(white=int(said.split()[1])), alone=False)


@pytest.mark.parametrize("reading", [Reading(orientation="stored"), Reading(fit="squash"), Reading(white=9)])
def test_features_take_no_setting_of_pictures(tmp_path, reading):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(9, 4)))
    with pytest.raises(InputError, match=f"{next(iter(reading.differing))} .*for features"):
        read_arrays(tmp_path / "x.npy", reading=reading)


def test_parquet_without_a_row_is_refused(tmp_path):
    column = pyarrow.array([], pyarrow.list_(pyarrow.list_(pyarrow.uint8())))
    parquet.write_table(pyarrow.table({"image": column}), tmp_path / "x.parquet")
    with pytest.raises(InputError, match="without a single row"):
        read_arrays(tmp_path / "x.parquet")
