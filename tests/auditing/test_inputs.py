import os
import tracemalloc

import numpy as np
import pyarrow
import pytest
import torch
from PIL import Image
from pyarrow import parquet
from safetensors.torch import save_file

from byheart._checks import InputError
from byheart.auditing.inputs import Images, Rows, gather, working_size
from byheart.data.dataset import prepared
from byheart.data.named import load
from byheart.data.raw import Raw
from byheart.data.spec import Data
from byheart.data.tables import read_table


def noise(*shape, dtype=np.uint8, seed=0):
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


def save(folder, arrays, ending="png"):
    folder.mkdir(parents=True, exist_ok=True)
    for row, array in enumerate(arrays):
        Image.fromarray(array).save(folder / f"{row}.{ending}")
    return folder


def grey_values(array):
    return torch.from_numpy(array.astype(np.float32)) / 255


COLOR = noise(6, 32, 32, 3)
EXPECTED = grey_values(COLOR.transpose(0, 3, 1, 2))


class Listing:
    """A data set with a length and items, as torch and the Hub's library have them."""

    def __init__(self, items):
        self.items = list(items)

    def __len__(self):
        return len(self.items)

    def __getitem__(self, row):
        item = self.items[row]
        if isinstance(item, Exception):
            raise item
        return item


# ---------------------------------------------------------------------------------------------- one image, many ways in


def as_folder(path):
    return save(path / "images", COLOR)


def as_npy(path):
    np.save(path / "x.npy", COLOR)
    return path / "x.npy"


def as_npz(path):
    np.savez(path / "x.npz", images=COLOR.transpose(0, 3, 1, 2), labels=np.arange(6))
    return str(path / "x.npz")


def as_safetensors(path):
    save_file({"images": torch.from_numpy(COLOR)}, path / "x.safetensors")
    return path / "x.safetensors"


def as_parquet(path):
    folder, path = as_folder(path), path / "shards"
    path.mkdir()
    cells = [{"bytes": (folder / f"{row}.png").read_bytes(), "path": None} for row in range(6)]
    for at in (0, 4):
        parquet.write_table(
            pyarrow.table({"image": cells[at : at + 4]}), path / f"{at}.parquet", row_group_size=2
        )
    return [path / "0.parquet", path / "4.parquet"]


WAYS = {
    "folder": as_folder,
    "npy": as_npy,
    "npz": as_npz,
    "safetensors": as_safetensors,
    "one parquet table": lambda path: read_table(as_parquet(path)),
    "folder of parquet": lambda path: as_parquet(path)[0].parent,
    "array": lambda path: COLOR,
    "array of 16 bits": lambda path: COLOR.astype(np.uint16) * 257,
    "tensor in [0, 1]": lambda path: EXPECTED.double(),
    "tensor in [−1, 1]": lambda path: EXPECTED.double() * 2 - 1,
    "paths": lambda path: [str(file) for file in sorted(as_folder(path).iterdir())],
    "tensors": lambda path: Listing(EXPECTED),
    "(tensor, label)": lambda path: torch.utils.data.TensorDataset(EXPECTED, torch.arange(6)),
    "(picture, label)": lambda path: Listing([(Image.fromarray(array), 3) for array in COLOR]),
    "[picture, label]": lambda path: Listing([[Image.fromarray(array), 3] for array in COLOR]),
    "dictionaries": lambda path: Listing([{"label": 1, "image": Image.fromarray(array)} for array in COLOR]),
    "dictionaries with another key": lambda path: Listing([{"label": 1, "photo": array} for array in COLOR]),
    "nested lists": lambda path: Listing([{"image": array.tolist()} for array in COLOR / 255]),
    "encoded": lambda path: Listing(
        [
            {"image": {"bytes": (as_folder(path) / f"{row}.png").read_bytes(), "path": None}}
            for row in range(6)
        ]
    ),
    "a subset": lambda path: torch.utils.data.Subset(torch.utils.data.TensorDataset(EXPECTED), range(6)),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_in_gives_the_same_images(tmp_path, way):
    images = gather(WAYS[way](tmp_path), what="train")
    assert isinstance(images, Images)
    torch.testing.assert_close(images.small, EXPECTED, rtol=0, atol=1e-7 if "tensor" in way else 0)
    assert (len(images), images.shape, images.resized, images.unreadable) == (
        6,
        (3, 32, 32),
        "taken as it is",
        (),
    )
    np.testing.assert_allclose(images.full(4), EXPECTED[4], atol=1e-7)


def test_the_fingerprint_is_that_of_the_values(tmp_path):
    first, again = gather(as_folder(tmp_path), what="train"), gather(COLOR, what="samples")
    assert first.fingerprint == again.fingerprint
    assert gather(COLOR[::-1].copy(), what="train").fingerprint != first.fingerprint


def test_three_dimensions_are_grey_images_and_two_are_features():
    grey = noise(5, 32, 40)
    images = gather(grey, what="train")
    assert images.shape == (1, 32, 40)
    assert torch.equal(images.small[:, 0], grey_values(grey[:, :, 4:36]))
    rows = gather(np.arange(20.0).reshape(5, 4), what="train")
    assert isinstance(rows, Rows)
    assert (rows.shape, rows.values.dtype, rows.names[3]) == ((4,), torch.float32, "row 3")


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("last", [False, True])
def test_one_to_four_channels_at_either_end(channels, last):
    array = noise(4, channels, 40, 40)
    images = gather(array.transpose(0, 2, 3, 1) if last else array, what="train")
    torch.testing.assert_close(images.small, working_size(grey_values(array)))


def test_asked_channels_and_alpha_on_white():
    array = noise(4, 4, 64, 64)
    unit = grey_values(array)
    on_white = unit[:, :3] * unit[:, 3:] + 1 - unit[:, 3:]
    images = gather(array, what="train", channels=3)
    torch.testing.assert_close(images.small, working_size(on_white))
    torch.testing.assert_close(torch.from_numpy(images.full(1)), on_white[1])
    grey = gather(array[:, :3], what="train", channels=1)
    weights = torch.tensor([0.299, 0.587, 0.114])
    torch.testing.assert_close(
        grey.small[:, 0], torch.einsum("nchw,c->nhw", working_size(unit[:, :3]), weights)
    )
    assert grey.full(0).shape == (1, 64, 64)
    assert grey.resized == "reduced to 32×32 by area; 4 of 4 brought to 1 channel"


def test_mixed_sizes_depths_and_grey_among_colored(tmp_path):
    deep, small, color = noise(32, 32, dtype=np.uint16), noise(28, 28, seed=1), noise(64, 80, 3, seed=2)
    for name, array in {"a.png": deep, "b/c.png": small, "b/d.bmp": color}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(array).save(tmp_path / name)
    images = gather(tmp_path, what="train")
    assert tuple(images.names) == ("a.png", "b/c.png", "b/d.bmp")
    torch.testing.assert_close(
        images.small[0], torch.from_numpy(deep.astype(np.float32) / 65535).expand(3, 32, 32)
    )
    torch.testing.assert_close(
        images.small[1:2], working_size(grey_values(small)[None, None]).expand(1, 3, 32, 32)
    )
    torch.testing.assert_close(images.small[2:], working_size(grey_values(color.transpose(2, 0, 1))[None]))
    assert "1 of 3 padded to 32×32 by repeating its border" in images.resized
    assert "2 of 3 repeated to 3 channels" in images.resized
    assert images.full(2).shape == (3, 64, 80)
    assert images.full(1).shape == (3, 28, 28)


def test_zero_padding_is_black_in_either_range():
    x = torch.rand(5, 1, 28, 28)
    for source in (x, x * 2 - 1):
        small = gather(source, what="train", pad="zero").small
        assert small[:, :, 0].abs().max() == 0
        torch.testing.assert_close(small[:, :, 2:30, 2:30], x)


def test_count_draws_rows_by_the_seed_and_names_them():
    array = noise(200, 32, 32)
    first, again, other = (gather(array, what="train", count=20, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(first.small, again.small)
    assert list(first.names) != list(other.names)
    rows = [int(name.removeprefix("row ")) for name in first.names]
    assert rows == sorted(set(rows))
    assert torch.equal(first.small[:, 0], grey_values(array[rows]))
    np.testing.assert_array_equal(first.full(7)[0], grey_values(array[rows[7]]))


def test_count_draws_rows_of_features_too(tmp_path):
    values = np.arange(6000.0).reshape(3000, 2)
    parquet.write_table(pyarrow.table({"features": list(values)}), tmp_path / "a.parquet")
    for source in (tmp_path / "a.parquet", values, values.astype(np.float32)):
        rows = gather(source, what="train", count=50)
        named = [int(name.removeprefix("row ")) for name in rows.names]
        assert len(set(named)) == 50
        assert rows.values.tolist() == values[named].tolist()


# -------------------------------------------------------------------------------------------------------- sets by name


def test_slices_of_named_sets_share_no_image_and_make_up_the_set():
    parts = [gather(f"digits:{cut}", what="train") for cut in ("0-1000", "1000-1500", "1500-")]
    assert [len(part) for part in parts] == [1000, 500, 297]
    names = [name for part in parts for name in part.names]
    assert len(set(names)) == 1797
    pixels = load(Data(name="digits", distinct=True, standardize=False)).images
    row = int(parts[1].names[7].removeprefix("row "))
    assert torch.equal(parts[1].small[7], working_size(pixels[row : row + 1])[0])
    whole = gather("digits", what="train")
    assert torch.equal(whole.small, torch.cat([part.small for part in parts]))


def test_slices_are_alike_in_distribution():
    """In file order the first and the last digits come from other writers; shuffled, their mean images agree."""
    low, high = (gather(f"digits:{cut}", what="train").small for cut in ("0-900", "900-1797"))
    error = (low.var(0) / len(low) + high.var(0) / len(high)).sqrt()
    z = ((low.mean(0) - high.mean(0)) / error.clamp_min(1e-6)).abs()
    assert z.max() < 5


def test_a_data_set_of_the_library_comes_in_pixels():
    array = noise(9, 1, 28, 28)
    dataset = prepared("mine", Raw(array, 255))
    assert dataset.images.min() < -1
    torch.testing.assert_close(gather(dataset, what="train").small, gather(array, what="train").small)


@pytest.mark.parametrize("text", ["digits:5-5", "digits:1000-2000", "digits:7-3"])
def test_slices_outside_the_set(text):
    with pytest.raises(InputError, match="A < B ≤ 1797"):
        gather(text, what="train")


# ------------------------------------------------------------------------------------------------------------ bad inputs


def refusal(source, **options):
    with pytest.raises(InputError) as caught:
        gather(source, what="train", **options)
    assert caught.value.got.isprintable()
    return str(caught.value)


def test_empty_and_missing_folders(tmp_path):
    assert "holds no images" in refusal(tmp_path)
    assert "where nothing lies" in refusal(tmp_path / "none")
    assert "did you mean digits?" in refusal("digit:0-50")
    assert "give the folder that holds the images" in refusal(save(tmp_path, COLOR) / "0.png")
    (tmp_path / "notes.txt").write_text("")
    assert "a file of another kind" in refusal(tmp_path / "notes.txt")


def test_one_image_alone_and_all_the_same(tmp_path):
    assert "one alone" in refusal(save(tmp_path, COLOR[:1]))
    assert "6 that are all the same" in refusal(np.repeat(COLOR[:1], 6, 0))
    assert "all the same" in refusal(np.ones((3000, 4)))
    gather(np.append(np.ones((3000, 4)), [[1, 1, 1, 2]], 0), what="train")


def test_unreadable_files_are_listed_and_counted(tmp_path):
    save(tmp_path, noise(60, 32, 32))
    whole = (tmp_path / "7.png").read_bytes()
    (tmp_path / "7.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "31.png").write_bytes(b"rubbish")
    Image.new("L", (3, 3)).save(tmp_path / "50.png")
    images = gather(tmp_path, what="train")
    assert len(images) == 57
    assert [name for name, _ in images.unreadable] == ["7.png", "31.png", "50.png"]
    assert [reason for _, reason in images.unreadable][1:] == ["not an image", "3×3 pixels, below 8"]
    assert "truncated" in images.unreadable[0][1]
    assert images.names[7] == "8.png"
    np.testing.assert_array_equal(images.full(29), images.small[29])  # 29 is 30.png, 30 is 32.png
    np.testing.assert_array_equal(images.full(30), images.small[30])


def test_too_many_unreadable_files(tmp_path):
    save(tmp_path, noise(19, 32, 32))
    (tmp_path / "bad.png").write_bytes(b"rubbish")
    assert len(gather(tmp_path, what="train").unreadable) == 1  # 5 % of 20
    (tmp_path / "b\x1bd.png").write_bytes(b"rubbish")
    said = refusal(tmp_path)
    assert "2 of 21 cannot be read" in said
    assert "b\\x1bd.png (not an image)" in said
    for file in tmp_path.iterdir():
        file.write_bytes(b"rubbish")
    assert "21 of 21 cannot be read" in refusal(tmp_path)


def test_a_decompression_bomb_among_images_is_listed(tmp_path):
    save(tmp_path, noise(30, 32, 32))
    Image.new("1", (8000, 5001)).save(tmp_path / "bomb.png")
    assert gather(tmp_path, what="train").unreadable == (
        ("bomb.png", "8000×5001 pixels, over the limit of 40,000,000"),
    )


def test_items_that_cannot_be_read_are_listed_and_faults_of_code_pass():
    items = [torch.rand(1, 32, 32) for _ in range(40)]
    items[3] = OSError("cut\nshort")
    assert gather(Listing(items), what="train").unreadable == (("row 3", "cut\\nshort"),)
    items[3] = TypeError("a fault")
    with pytest.raises(TypeError, match="a fault"):
        gather(Listing(items), what="train")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("shape", [(4000, 1, 32, 32), (4000, 5)])
def test_values_that_are_not_finite(bad, shape):
    array = np.random.default_rng(0).random(shape)
    array[3131, 0] = bad
    said = refusal(array)
    assert "NaN or infinite (first in row 3131)" in said
    assert "row 3131" in refusal(Listing(array))


def test_mapped_features_are_looked_through(tmp_path):
    values = np.ones((300_000, 4), np.float32)
    values[290_001, 2] = np.nan
    np.save(tmp_path / "x.npy", values)
    assert "first in row 290001" in refusal(tmp_path / "x.npy")


def test_numbers_that_float32_cannot_hold():
    assert "NaN or infinite" in refusal(np.array([[1.0, 2.0], [1e300, 0.0]]))


AMBIGUOUS = {
    "bytes as floats": noise(5, 32, 32).astype(np.float32),
    "bytes as integers": noise(5, 32, 32).astype(np.int64),
    "standardized": np.random.default_rng(0).normal(size=(5, 32, 32)),
    "overshoot": np.linspace(-1, 1.02, 5 * 1024).reshape(5, 32, 32),
    "masks as bytes": noise(5, 32, 32) // 128,
    "bytes in 16 bits": noise(5, 32, 32).astype(np.uint16),
}


@pytest.mark.parametrize("case", AMBIGUOUS)
def test_ambiguous_ranges(case):
    assert "of which the white is uncertain" in refusal(AMBIGUOUS[case])
    assert "of which the white is uncertain" in refusal(Listing(AMBIGUOUS[case]))


def test_certain_ranges():
    mask = noise(5, 32, 32) > 127
    assert gather(mask, what="train").small.unique().tolist() == [0, 1]
    bright = torch.rand(5, 1, 32, 32) / 2 + 0.5  # no value below 0: [0, 1], as the module says
    assert torch.equal(gather(bright, what="train").small, bright)
    late = torch.rand(1100, 1, 32, 32)
    late[-1] -= 0.5  # the whole array decides, not its first block
    torch.testing.assert_close(gather(late, what="train").small, (late + 1) / 2)


def test_a_sequence_that_contradicts_its_beginning():
    items = [torch.rand(1, 32, 32) for _ in range(1100)]
    items[-1] = items[-1] - 0.5
    assert "after others in [0, 1]" in refusal(Listing(items))


def test_mixtures_of_channels():
    items = [torch.rand(3, 32, 32), torch.rand(4, 32, 32)]
    assert "--channels" in refusal(Listing(items))
    assert gather(Listing(items), what="train", channels=3).small.shape == (2, 3, 32, 32)
    assert "1 (grey) or 3 (RGB)" in refusal(COLOR, channels=2)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (np.zeros(7), "of shape (7,)"),
        (np.zeros((2, 3, 4, 5, 6)), "of shape (2, 3, 4, 5, 6)"),
        (np.zeros((5, 7, 32, 32)), "1 to 4 channels"),
        (np.zeros((5, 3, 32, 3)), "1 to 4 channels"),
        (np.zeros((5, 1, 7, 7)), "7×7 pixels, below 8"),
        (np.zeros((0, 3)), "of shape (0, 3)"),
        (np.array([["a", "b"], ["c", "d"]]), "real numbers"),
        (np.zeros((5, 32, 32), complex), "real numbers"),
        ([], "holds nothing"),
        ([np.zeros((2, 3, 8, 8))] * 3, "without a batch dimension"),
        ([{"a": np.zeros((8, 8)), "b": np.zeros((8, 8))}] * 3, "keys a, b"),
        ([np.zeros(3), np.zeros(4)], "vectors of one length"),
        ([np.zeros((9, 9)), np.ones(9)], "images, and row 1 of shape (9,)"),
        ([np.ones(9), np.zeros((9, 9))], "vectors of one length"),
        ([None, None], "2 of 2 cannot be read: row 0 (empty)"),
        ([np.zeros(3), OSError("gone")], "row 1 unreadable (gone)"),
        ({"train": COLOR, "test": COLOR}, "dataset['train']"),
        (torch.utils.data.DataLoader([1, 2]), "loader.dataset"),
        ((x for x in COLOR), "itertools.islice"),
        (17, "int"),
        (lambda n, generator: COLOR, "only samples are drawn from a model"),
    ],
)
def test_what_is_no_set(source, said):
    if isinstance(source, list) and any(isinstance(item, Exception) for item in source):
        source = Listing(source)
    assert said in refusal(source)


def test_counts():
    assert "from 2 to 6" in refusal(COLOR, count=7)
    assert "from 2 to 6" in refusal(COLOR, count=0)
    assert "one alone" in refusal(COLOR, count=1)


def test_files_of_arrays_that_cannot_be_read(tmp_path):
    np.save(tmp_path / "objects.npy", np.array([{}, []], dtype=object), allow_pickle=True)
    assert "never unpickled" in refusal(tmp_path / "objects.npy")
    for name in ("a.npy", "a.npz", "a.safetensors", "a.parquet"):
        (tmp_path / name).write_bytes(b"rubbish")
        assert "cannot be read" in refusal(tmp_path / name)
    np.savez(tmp_path / "two.npz", a=COLOR, b=COLOR)
    assert "arrays a, b" in refusal(tmp_path / "two.npz")
    np.savez(tmp_path / "named.npz", a=COLOR, images=COLOR)
    assert len(gather(tmp_path / "named.npz", what="train")) == 6


NASTY = ["<img src=x onerror=alert(1)>.png", "a\x1b[2Jb.png", "new\nline.png", "\u202egnp.exe.png"]


def test_names_are_kept_as_data(tmp_path):
    for name, array in zip(NASTY, COLOR, strict=False):
        Image.fromarray(array).save(tmp_path / name)
    assert sorted(gather(tmp_path, what="train").names) == sorted(NASTY)


def test_names_that_are_no_text_can_be_written(tmp_path):
    save(tmp_path, COLOR)
    (tmp_path / "0.png").rename(tmp_path / os.fsdecode(b"\xff.png"))
    images = gather(tmp_path, what="train")
    assert "\ufffd.png" in [name.encode().decode() for name in images.names]


def test_refusals_are_safe_on_a_terminal(tmp_path):
    folder = tmp_path / "a\x1b[2Jb"
    folder.mkdir()
    for path in (folder, folder / "none", folder / "x.npy"):
        assert "\\x1b[2J" in refusal(path)  # refusal() looks that all of it can be printed


# ---------------------------------------------------------------------------------------------------------------- memory


def peak_of(source, **options):
    """Largest amount of memory allocated at once by reading, and what was read."""
    tracemalloc.start()
    result = gather(source, what="train", **options)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak, result


def test_features_in_a_file_are_mapped_not_read(tmp_path):
    values = np.random.default_rng(0).standard_normal((100_000, 64), np.float32)  # 26 MB
    np.save(tmp_path / "x.npy", values)
    peak, rows = peak_of(tmp_path / "x.npy")
    assert peak < 8e6  # no part of it grows with the rows: of 10⁶ too
    assert rows.values[65_536].tolist() == values[65_536].tolist()
    np.save(tmp_path / "y.npy", values.astype(np.float64))
    peak, rows = peak_of(tmp_path / "y.npy")
    assert peak < values.nbytes + 30e6
    assert torch.equal(rows.values, torch.from_numpy(values))


def test_images_take_their_result_and_one_block(tmp_path):
    np.save(tmp_path / "x.npy", noise(3000, 48, 48, 3))
    peak, images = peak_of(tmp_path / "x.npy")
    assert peak < images.small.nbytes + 60e6
    assert images.small.nbytes == 3000 * 3 * 1024 * 4


def test_large_pictures_are_not_held_together(tmp_path):
    save(tmp_path, noise(12, 1000, 1000, 3), "bmp")
    peak, _ = peak_of(tmp_path)
    assert peak < 80e6  # a picture in float64 is 24 MB; the twelve would be 288 MB
