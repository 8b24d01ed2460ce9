import io

import numpy as np
import pyarrow
import pytest
from PIL import Image
from pyarrow import parquet

from byheart._checks import InputError
from byheart.data.pictures import Unreadable, values_of
from byheart.data.tables import read_table


def write(path, columns, rows=4):
    parquet.write_table(pyarrow.table(columns), path, row_group_size=rows)
    return path


def png(array):
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "PNG")
    return stream.getvalue()


PICTURES = np.random.default_rng(0).integers(0, 255, (7, 6, 5, 3), dtype=np.uint8)


def everything(table, batch=3):
    rows = [row for block in table.blocks(batch) for row in block]
    return [row if isinstance(row, Unreadable) else values_of(row) for row in rows]


@pytest.mark.parametrize("form", ["hub", "binary"])
def test_pictures_in_their_bytes(tmp_path, form):
    cells = [png(array) for array in PICTURES]
    column = [{"bytes": cell, "path": None} for cell in cells] if form == "hub" else cells
    table = read_table([write(tmp_path / "a.parquet", {"label": list(range(7)), "image": column})])
    assert (len(table), table.column) == (7, "image")
    for row, value in enumerate(everything(table)):
        np.testing.assert_array_equal(value, PICTURES[row].transpose(2, 0, 1))
        np.testing.assert_array_equal(table[row], value)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8, np.int64])
@pytest.mark.parametrize("fixed", [True, False])
def test_lists_of_numbers_keep_their_values_and_type(tmp_path, dtype, fixed):
    values = np.arange(7 * 5).reshape(7, 5).astype(dtype)
    kind = pyarrow.list_(pyarrow.from_numpy_dtype(dtype), 5 if fixed else -1)
    file = write(tmp_path / "a.parquet", {"x": pyarrow.array(list(values), kind), "name": list("abcdefg")})
    table = read_table([file])
    blocks = list(table.blocks(3))
    assert [block.dtype for block in blocks] == [np.dtype(dtype)] * len(blocks)
    np.testing.assert_array_equal(np.concatenate(blocks), values)
    np.testing.assert_array_equal(table[-1], values[-1])


@pytest.mark.parametrize("depth", [2, 3])
def test_nested_lists_are_images(tmp_path, depth):
    values = PICTURES if depth == 3 else PICTURES[..., 0]
    table = read_table([write(tmp_path / "a.parquet", {"image": values.tolist()})])
    np.testing.assert_array_equal(np.stack(everything(table)), values)


def test_images_of_several_sizes(tmp_path):
    table = read_table([write(tmp_path / "a.parquet", {"image": [[[1.0, 2.0]], [[3.0], [4.0]]]})])
    assert [row.tolist() for row in everything(table)] == [[[1.0, 2.0]], [[3.0], [4.0]]]


def test_shards_follow_each_other(tmp_path):
    values = np.arange(60.0).reshape(20, 3)
    cuts = ((0, 9), (9, 10), (10, 20))
    files = [write(tmp_path / f"{a}.parquet", {"x": list(values[a:b])}) for a, b in cuts]
    table = read_table(files)
    np.testing.assert_array_equal(np.stack(everything(table, 4)), values)
    np.testing.assert_array_equal(np.stack([table[row] for row in range(20)]), values)
    np.testing.assert_array_equal(np.stack(table[8:12]), values[8:12])
    with pytest.raises(IndexError):
        table[20]


def test_a_row_far_inside_a_group_of_rows(tmp_path):
    values = np.arange(6000.0).reshape(3000, 2)
    table = read_table([write(tmp_path / "a.parquet", {"x": list(values)}, rows=2600)])
    for row in (0, 1023, 1024, 2599, 2600, 2999):
        assert table[row].tolist() == values[row].tolist()


def test_a_row_without_a_picture_says_so(tmp_path):
    cells = [
        {"bytes": png(PICTURES[0]), "path": "a.png"},
        {"bytes": None, "path": "b\n.png"},
        {"bytes": b"rubbish", "path": None},
        None,
    ]
    table = read_table([write(tmp_path / "a.parquet", {"image": cells})])
    good, *bad = everything(table)
    assert isinstance(good, np.ndarray)
    assert [str(row) for row in bad] == ["only a path, b\\n.png, and no bytes", "not an image", "empty"]
    with pytest.raises(Unreadable, match="not an image"):
        table[2]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_images_of_several_sizes_keep_the_type_of_their_numbers(tmp_path, dtype):
    images = [np.arange(side * side).reshape(side, side).astype(dtype) for side in (9, 12)]
    column = pyarrow.array(
        [image.tolist() for image in images], pyarrow.list_(pyarrow.list_(pyarrow.from_numpy_dtype(dtype)))
    )
    for row, image in zip(
        everything(read_table([write(tmp_path / "a.parquet", {"x": column})])), images, strict=True
    ):
        assert row.dtype == dtype
        np.testing.assert_array_equal(row, image)


def test_gaps_in_lists_are_no_numbers(tmp_path):
    table = read_table([write(tmp_path / "a.parquet", {"x": [[1.0, 2.0], None, [3.0, None]]})])
    good, missing, gap = everything(table)
    assert good.tolist() == [1.0, 2.0]
    assert isinstance(missing, Unreadable)
    assert np.isnan(gap[1])


def test_which_column(tmp_path):
    lists = [[1.0, 2.0]] * 3
    file = write(tmp_path / "a.parquet", {"a": lists, "b": lists, "name": ["x", "y", "z"]})
    with pytest.raises(InputError, match=r"columns a, b, name.*say which"):
        read_table([file])
    assert read_table([file], column="b").column == "b"
    with pytest.raises(InputError, match="column='name'"):
        read_table([file], column="name")
    assert read_table([write(tmp_path / "b.parquet", {"a": lists, "features": lists})]).column == "features"
    with pytest.raises(InputError, match="one column of image bytes or of lists"):
        read_table([write(tmp_path / "c.parquet", {"name": ["x"]})])


def test_broken_and_missing_files(tmp_path):
    whole = write(tmp_path / "a.parquet", {"x": [[1.0, 2.0]] * 100}).read_bytes()
    (tmp_path / "b.parquet").write_bytes(whole[: len(whole) // 2])
    for name in ("b.parquet", "none.parquet"):
        with pytest.raises(InputError, match="whole Parquet file"):
            read_table([tmp_path / name])
    with pytest.raises(InputError, match="no Parquet file"):
        read_table([])
