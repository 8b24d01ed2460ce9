"""Of a stack or an animation the first picture is read, and the others are counted and named."""

import io

import numpy as np
import pyarrow
import pytest
from PIL import Image, features
from pyarrow import parquet

from byheart._checks import InputError
from byheart.auditing.inputs import gather
from byheart.data.pictures import open_picture
from byheart.data.reader.reading import USUAL
from byheart.data.reader.whole import read_folder

PIXELS = np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3), dtype=np.uint8)
KINDS = ["TIFF", "GIF", "WEBP", "PNG", "AVIF"]


def stack(kind, count):
    if kind == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow cannot read AVIF")
    first, *others = [Image.fromarray(array) for array in PIXELS[:count]]
    options = {"lossless": True} if kind == "WEBP" else {}
    stream = io.BytesIO()
    first.save(stream, kind, save_all=True, append_images=others, **options)
    return stream.getvalue()


@pytest.mark.parametrize("kind", KINDS)
def test_frames_are_counted_and_the_first_one_is_as_it_is_alone(kind):
    several, alone = (open_picture(stack(kind, count), USUAL) for count in (5, 1))
    assert (several.frames, alone.frames) == (5, 1)
    with Image.open(io.BytesIO(stack(kind, 5))) as image:
        plain = np.asarray(image.convert("RGB")).transpose(2, 0, 1)
    np.testing.assert_array_equal(several.values, plain)


def test_whoever_has_walked_on_in_a_stack_has_chosen():
    with Image.open(io.BytesIO(stack("TIFF", 5))) as image:
        image.seek(2)
        gathered = gather([image, Image.fromarray(PIXELS[0])], what="train")
    assert gathered.notes == () and image.tell() == 2
    np.testing.assert_array_equal(gathered.full(1), PIXELS[0].transpose(2, 0, 1) / np.float32(255))


def test_both_readers_of_a_folder_say_how_many_are_left_out(tmp_path):
    for row, array in enumerate(PIXELS):
        Image.fromarray(array).save(tmp_path / f"{row}.png")
    (tmp_path / "9\x1b.tif").write_bytes(stack("TIFF", 5))
    (tmp_path / "10.gif").write_bytes(stack("GIF", 3))
    for notes in (read_folder(tmp_path).notes, gather(tmp_path, what="train").notes):
        (note,) = notes
        assert note.startswith(
            "Left out: 6 pictures behind the first in 2 of 10 files (9\\x1b.tif, 10.gif). Split"
        )


def test_pictures_in_tables_and_lists_are_counted_too(tmp_path):
    other = io.BytesIO()
    Image.fromarray(PIXELS[7]).save(other, "PNG")
    cells = [stack("GIF", 4), other.getvalue()]
    parquet.write_table(pyarrow.table({"image": cells}), tmp_path / "x.parquet")
    for source in (tmp_path / "x.parquet", cells, [Image.open(io.BytesIO(cell)) for cell in cells]):
        assert (
            gather(source, what="train")
            .notes[0]
            .startswith("Left out: 3 pictures behind the first in 1 of 2")
        )


def test_a_stack_with_a_broken_end_is_read_as_far_as_it_goes():
    whole, alone = stack("TIFF", 2), stack("TIFF", 1)
    picture = open_picture(whole[: len(alone) + 20], USUAL)
    assert picture.frames == 1
    np.testing.assert_array_equal(picture.values, PIXELS[0].transpose(2, 0, 1))


def test_columns_of_different_lengths_are_refused_by_their_names():
    table = {"a": [0.0] * 30, "b": np.arange(20.0)}
    with pytest.raises(InputError, match="different lengths: a 30, b 20"):
        gather(table, what="samples")
