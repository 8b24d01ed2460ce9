"""A table is read by its columns, a data set by its rows, and what is neither is refused."""

import collections

import numpy as np
import pyarrow
import pytest
import torch
from PIL import Image
from pyarrow import parquet

from byheart._checks import InputError
from byheart.auditing.inputs import gather
from byheart.data.reader.columns import columns_of, is_column

RANDOM = np.random.default_rng(0)
FEATURES = RANDOM.normal(size=(20, 24))
PIXELS = RANDOM.integers(0, 256, (20, 16, 16, 3), dtype=np.uint8)


class Column:
    """A column as pandas and polars have it: items by an index of its own, which begins anywhere."""

    def __init__(self, values, name="", first=100):
        self.values, self.name, self.first = values, name, first

    def __len__(self):
        return len(self.values)

    def __getitem__(self, key):
        return {self.first + row: value for row, value in enumerate(self.values)}[key]

    def to_numpy(self):
        if isinstance(self.values, np.ndarray) and self.values.ndim == 1:
            return self.values
        cells = np.empty(len(self.values), object)
        cells[:] = list(self.values)
        return cells


class Places:
    def __init__(self, frame):
        self.frame = frame

    def __getitem__(self, key):
        rows, at = key
        assert rows == slice(None)
        return self.frame.kept[at]


class PandasFrame:
    """A table as pandas has it: frame[0] is a column, and so is frame.iloc[:, 0]."""

    def __init__(self, columns):
        self.columns, self.kept = list(columns), [Column(values) for values in columns.values()]

    def __len__(self):
        return len(self.kept[0])

    def __getitem__(self, key):
        return self.kept[self.columns.index(key)]

    @property
    def iloc(self):
        return Places(self)


class PolarsFrame:
    """A table as polars has it."""

    def __init__(self, columns):
        self.kept = [Column(values, name) for name, values in columns.items()]

    def __len__(self):
        return len(self.kept[0])

    def __getitem__(self, key):
        return next(column for column in self.kept if column.name == key)

    def get_columns(self):
        return self.kept


def arrow(columns):
    return pyarrow.table({key: as_arrow(values) for key, values in columns.items()})


def as_arrow(values):
    if isinstance(values, np.ndarray) and values.ndim > 1:
        return pyarrow.array(list(values.reshape(len(values), -1)))
    return pyarrow.array(values)


def mapping(columns):
    return columns


TABLES = pytest.mark.parametrize("table", [PandasFrame, PolarsFrame, arrow, mapping])


def numbers(x=FEATURES):
    return {str(at): np.ascontiguousarray(x[:, at]) for at in range(x.shape[1])}


@TABLES
@pytest.mark.parametrize("width", [24, 5])
def test_a_table_of_numbers_has_a_vector_in_every_row(table, width):
    rows = gather(table(numbers(FEATURES[:, :width])), what="train")
    np.testing.assert_array_equal(rows.values, FEATURES[:, :width].astype(np.float32))
    assert rows.notes == ()


@TABLES
def test_a_column_of_labels_is_left_out_aloud(table):
    rows = gather(table({"Label": np.arange(20), **numbers()}), what="train")
    assert rows.shape == (24,)
    assert rows.notes == ("Left out, since it is called like labels: Label.",)
    assert gather(table({"x": FEATURES[:, 0], "y": FEATURES[:, 1]}), what="train").shape == (2,)


@TABLES
def test_the_column_of_vectors_is_chosen_among_others(table):
    columns = {"caption": ["a"] * 20, "embedding": FEATURES, "label": np.arange(20)}
    np.testing.assert_array_equal(gather(table(columns), what="train").values, FEATURES.astype(np.float32))


@TABLES
def test_of_two_that_could_be_images_the_one_that_is_called_so_is_chosen(table):
    columns = {"mask": FEATURES, "features": FEATURES + 1}
    np.testing.assert_array_equal(
        gather(table(columns), what="train").values, (FEATURES + 1).astype(np.float32)
    )
    with pytest.raises(InputError, match="with the columns mask, other" if table is not mapping else "mask"):
        gather(table({"mask": FEATURES, "other": FEATURES}), what="train")


@TABLES
def test_a_table_of_words_and_numbers_is_refused(table):
    with pytest.raises(InputError, match="keep the column that is meant"):
        gather(table({"name": ["a"] * 20, **numbers()}), what="train")


@pytest.mark.parametrize("table", [PandasFrame, PolarsFrame, mapping])
def test_pictures_in_a_column(table, tmp_path):
    pictures = [Image.fromarray(array) for array in PIXELS]
    expected = gather(PIXELS, what="train").small
    assert torch.equal(
        gather(table({"label": np.arange(20), "photo": pictures}), what="train").small, expected
    )
    paths = [str(tmp_path / f"{row}.png") for row in range(20)]
    for picture, path in zip(pictures, paths, strict=True):
        picture.save(path)
    table = table({"caption": ["a"] * 20, "image": paths})
    assert torch.equal(gather(table, what="train").small, expected)


def test_pictures_and_pixels_of_pyarrow_equal_those_of_parquet(tmp_path):
    cells = []
    for row, array in enumerate(PIXELS):
        Image.fromarray(array).save(tmp_path / f"{row}.png")
        cells.append({"bytes": (tmp_path / f"{row}.png").read_bytes(), "path": None})
    for table in (
        pyarrow.table({"image": cells, "label": list(range(20))}),
        pyarrow.table(
            {
                "image": pyarrow.array(
                    PIXELS.tolist(), pyarrow.list_(pyarrow.list_(pyarrow.list_(pyarrow.uint8())))
                )
            }
        ),
    ):
        table = pyarrow.concat_tables([table.slice(0, 7), table.slice(7)])  # two chunks
        parquet.write_table(table, tmp_path / "x.parquet")
        expected = gather(tmp_path / "x.parquet", what="train").small
        assert torch.equal(gather(table, what="train").small, expected)
        assert torch.equal(gather(table.column("image"), what="train").small, expected)
        assert torch.equal(gather(table.combine_chunks().to_batches()[0], what="train").small, expected)


def test_one_column_is_read_in_order_whatever_its_index_says():
    for first in (0, 5, -3):
        column = Column(list(FEATURES), first=first)
        assert is_column(column)
        np.testing.assert_array_equal(gather(column, what="train").values, FEATURES.astype(np.float32))


def test_arrays_of_arrays_as_nested_lists_are_stored_in_data_frames():
    def nested(image):
        rows = np.empty(len(image), object)
        rows[:] = [np.array(row) for row in image]
        return rows

    column = Column([nested(image) for image in PIXELS[..., 0]])
    assert torch.equal(gather(column, what="train").small, gather(PIXELS[..., 0], what="train").small)


def test_parts_of_a_data_set_are_no_columns():
    for parts in (
        {"train": PIXELS, "test": PIXELS},
        {"train": PIXELS, "test": PIXELS[:3]},
        {"train": PandasFrame(numbers()), "test": PandasFrame(numbers())},
        {},
    ):
        with pytest.raises(InputError) as caught:
            gather(parts, what="train")
        assert "dataset['train']" in caught.value.remedy
    assert columns_of(PIXELS) is columns_of([1, 2]) is columns_of("text") is None


def test_rows_of_data_sets_stay_rows():
    """A data set of the Hub knows the names of its columns, too, and gives a row for a number."""

    class Hub(list):
        column_names = ["image"]

    assert torch.equal(
        gather(Hub({"image": array} for array in PIXELS), what="train").small,
        gather(PIXELS, what="train").small,
    )
    rows = [collections.UserDict(image=array) for array in PIXELS]
    assert len(gather(rows, what="train")) == 20


class ByName:
    """A data set that has a length, and items by other keys than numbers."""

    def __init__(self, error):
        self.error = error

    def __len__(self):
        return 5

    def __getitem__(self, key):
        raise self.error


@pytest.mark.parametrize("error", [KeyError("\x1b[31m"), IndexError(3)])
def test_a_data_set_that_does_not_know_its_items_is_blamed(error):
    with pytest.raises(InputError, match=f"the data set itself raises {type(error).__name__}") as caught:
        gather(ByName(error), what="train")
    assert caught.value.got.isprintable() and "list the items first" in caught.value.remedy


class Endless(torch.utils.data.IterableDataset):
    def __len__(self):
        return 20

    def __iter__(self):
        return iter(PIXELS)


class WithoutLength(list):
    def __len__(self):
        raise TypeError("no length")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({1, 2}, "a set has no order"),
        (frozenset("ab"), "a set has no order"),
        (b"bytes", "numpy.frombuffer"),
        (bytearray(9), "numpy.frombuffer"),
        ({"a": 1}.values(), "itertools.islice"),
        (zip(PIXELS, PIXELS, strict=True), "itertools.islice"),
        (Endless(), "itertools.islice"),
        (WithoutLength(), "without a length"),
        (range(9), "need one image"),
        (np.ma.masked_greater(PIXELS[..., 0], 100), "fill them"),
        ([object(), object()], "need one image"),
    ],
)
def test_what_is_no_sequence_of_samples_is_refused(source, said):
    with pytest.raises(InputError, match=said):
        gather(source, what="train")


def test_an_array_without_masked_values_and_a_matrix_are_arrays():
    assert torch.equal(gather(np.ma.array(PIXELS), what="train").small, gather(PIXELS, what="train").small)
    assert gather(FEATURES.view(np.matrix), what="train").shape == (24,)


def test_columns_of_one_name_are_told_apart_by_their_place():
    table = PandasFrame(numbers())
    table.columns = ["a"] * 24
    np.testing.assert_array_equal(gather(table, what="train").values, FEATURES.astype(np.float32))


def test_a_list_of_channels_is_all_of_them():
    channels = gather([list(image.transpose(2, 0, 1)) for image in PIXELS], what="train")
    np.testing.assert_array_equal(channels.small, gather(PIXELS, what="train").small)
    tensors = gather([list(torch.from_numpy(image.transpose(2, 0, 1))) for image in PIXELS], what="train")
    np.testing.assert_array_equal(tensors.small, channels.small)


@pytest.mark.parametrize(
    "label",
    [3, None, "cat", np.int64(3), torch.tensor([3]), np.arange(40), {"boxes": []}, [{"box": [0, 1, 2, 3]}]],
    ids=str,
)
def test_the_label_beside_an_image_is_no_image(label):
    expected = gather(PIXELS, what="train").small
    for image in (PIXELS, [Image.fromarray(image) for image in PIXELS]):
        np.testing.assert_array_equal(gather([(x, label) for x in image], what="train").small, expected)
        np.testing.assert_array_equal(gather([[x, label] for x in image], what="train").small, expected)


@pytest.mark.parametrize(
    "item",
    [
        (PIXELS[0], PIXELS[1]),
        tuple(PIXELS[0].transpose(2, 0, 1)),
        [PIXELS[0, :, :, 0], PIXELS[0, :8, :, 0]],
        (Image.fromarray(PIXELS[0]), Image.fromarray(PIXELS[1])),
    ],
    ids=["two images", "channels", "sizes", "pictures"],
)
def test_items_of_several_images_are_refused(item):
    with pytest.raises(InputError, match="that begins with"):
        gather([item] * 20, what="train")


@pytest.mark.parametrize("kind", ["U", "S"])
def test_paths_in_an_array_of_strings(tmp_path, kind):
    for row, image in enumerate(PIXELS):
        Image.fromarray(image).save(tmp_path / f"{row}.png")
    paths = np.array([str(tmp_path / f"{row}.png") for row in range(len(PIXELS))]).astype(kind)
    expected = gather(PIXELS, what="train").small
    for source in (paths, {"image": paths, "label": np.arange(len(paths))}):
        np.testing.assert_array_equal(gather(source, what="train").small, expected)
