import tracemalloc

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_tensors

from byheart._checks import InputError
from byheart.data.images import fitted
from byheart.data.reader.whole import read_arrays

BYTES = np.random.default_rng(0).integers(0, 256, (6, 3, 5, 5), dtype=np.uint8)


def written(path, **arrays):
    """A file of arrays, in the format that its ending names."""
    if path.suffix == ".npy":
        np.save(path, *arrays.values())
    elif path.suffix == ".npz":
        np.savez(path, **arrays)
    else:
        save_file(arrays, path)
    return path


@pytest.mark.parametrize("ending", ["npy", "npz", "safetensors"])
def test_every_format_gives_the_same_values(tmp_path, ending):
    raw = read_arrays(written(tmp_path / f"x.{ending}", images=BYTES))
    np.testing.assert_array_equal(raw.values, BYTES)
    assert raw.peak == 255


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (BYTES, BYTES),
        (BYTES.transpose(0, 2, 3, 1), BYTES),
        (BYTES[:, 0], BYTES[:, :1]),
        (BYTES[:, :1].transpose(0, 2, 3, 1), BYTES[:, :1]),
        (BYTES[:, :2], BYTES[:, :2]),
    ],
    ids=["nchw", "nhwc", "nhw", "nhw1", "n2hw"],
)
def test_channels_come_first(tmp_path, stored, expected):
    np.testing.assert_array_equal(read_arrays(written(tmp_path / "x.npy", x=stored)).values, expected)


@pytest.mark.parametrize(
    ("dtype", "high", "peak"),
    [
        (np.uint8, 200, 255),
        (np.uint8, 64, 255),
        (np.uint16, 16384, 65535),
    ],
)
def test_integers_are_divided_by_the_largest_of_their_type(tmp_path, dtype, high, peak):
    values = np.zeros((4, 2, 2), dtype)
    values[0, 0, 0] = high
    raw = read_arrays(written(tmp_path / "x.npy", x=values))
    assert raw.peak == peak
    assert raw.values.max() == high
    assert raw.values.dtype == dtype


def test_masks_are_black_and_white_and_grey_once_they_are_resized(tmp_path):
    mask = np.zeros((3, 4, 4), bool)
    mask[:, 0, 0] = True
    path = written(tmp_path / "x.npy", x=mask)
    raw = read_arrays(path)
    np.testing.assert_array_equal(raw.values / raw.peak, mask[:, None])
    assert (read_arrays(path, size=2).values[:, 0, 0, 0] == 64).all()  # a quarter of white


def test_arrays_that_are_only_to_be_cut_are_mapped_not_read(tmp_path):
    values = np.random.default_rng(0).integers(0, 256, (500, 3, 64, 64), dtype=np.uint8)  # 6 MB
    path = written(tmp_path / "x.npy", x=values)
    tracemalloc.start()
    raw = read_arrays(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1e6
    np.testing.assert_array_equal(raw.values, values)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_from_minus_one_become_zero_to_one(tmp_path, dtype):
    values = np.linspace(-1, 1, 32, dtype=dtype).reshape(2, 4, 4)
    raw = read_arrays(written(tmp_path / "x.npy", x=values))
    np.testing.assert_allclose(raw.values[:, 0], (values + 1) / 2, atol=1e-3)
    assert raw.values.dtype == np.float32
    assert raw.peak == 1


def test_floats_in_zero_to_one_stay(tmp_path):
    values = np.linspace(0, 1, 32).reshape(2, 4, 4)
    np.testing.assert_allclose(
        read_arrays(written(tmp_path / "x.npy", x=values)).values[:, 0], values, atol=1e-7
    )


def test_bfloat16_is_read(tmp_path):
    save_tensors({"x": torch.linspace(0, 1, 32).reshape(2, 4, 4).bfloat16()}, tmp_path / "x.safetensors")
    assert read_arrays(tmp_path / "x.safetensors").values.dtype == np.float32


def test_features_are_taken_as_they_are(tmp_path):
    values = np.random.default_rng(0).normal(5, 100, (8, 3))
    raw = read_arrays(written(tmp_path / "x.npy", x=values))
    np.testing.assert_allclose(raw.values, values, rtol=1e-6)
    assert raw.peak == 1


def test_labels_lie_beside_the_images(tmp_path):
    raw = read_arrays(written(tmp_path / "x.npz", samples=BYTES, labels=np.arange(6)))
    assert raw.labels.tolist() == list(range(6))


def test_resizing_and_recoloring_arrays(tmp_path):
    raw = read_arrays(written(tmp_path / "x.npy", x=BYTES))
    assert fitted(raw, 4, 1).values.shape == (6, 1, 4, 4)
    wide = read_arrays(written(tmp_path / "x.npy", x=BYTES[:, 0, :3]))
    assert fitted(wide, 2, None).values.shape == (6, 1, 2, 2)
    with pytest.raises(InputError, match="5×3"):
        fitted(wide, None, None)


def spoiled(value):
    values = np.full((4, 4, 4), 0.5)
    values[2, 1, 0] = value
    return values


REFUSED = {
    "floats beyond one": ({"x": spoiled(3.0)}, r"\[0, 1\] or \[−1, 1\]"),
    "negative integers": ({"x": np.full((4, 4, 4), -1)}, "white is uncertain"),
    "integers of unknown white": ({"x": np.full((4, 4, 4), 16)}, "white is uncertain"),
    "bytes of zeros and ones": ({"x": BYTES // 128}, "white is uncertain"),
    "bytes in 16 bits": ({"x": BYTES.astype(np.uint16)}, "white is uncertain"),
    "NaN": ({"x": spoiled(np.nan)}, r"NaN or infinite \(first in row 2\)"),
    "infinity": ({"x": spoiled(-np.inf)}, "NaN or infinite"),
    "NaN features": ({"x": np.full((3, 2), np.nan)}, "NaN or infinite"),
    "complex numbers": ({"x": np.ones((4, 4, 4), complex)}, "complex"),
    "words": ({"x": np.array([["a", "b"]])}, "real numbers"),
    "one dimension": ({"x": np.ones(4)}, "the arrays x"),
    "five dimensions": ({"x": np.ones((1, 1, 1, 1, 1))}, r"\(n, h, w\) grey images"),
    "nothing": ({"x": np.ones((0, 4, 4))}, r"shape \(0, 4, 4\)"),
    "five channels": ({"x": np.ones((5, 8, 8, 5))}, "1 to 4 channels"),
    "channels at either end": ({"x": BYTES[..., :3]}, "1 to 4 channels"),
    "two unnamed arrays": ({"a": BYTES, "b": BYTES}, "the arrays a, b"),
    "two named arrays": ({"images": BYTES, "samples": BYTES}, "the arrays images, samples"),
    "labels only": ({"labels": np.arange(3)}, "the arrays labels"),
    "labels that are too few": ({"x": BYTES, "labels": np.arange(3)}, r"\(6,\) integers"),
    "labels that are no integers": ({"x": BYTES, "labels": np.ones(6)}, r"\(6,\) integers"),
}


@pytest.mark.parametrize(("arrays", "message"), REFUSED.values(), ids=REFUSED)
def test_arrays_that_are_no_data_are_refused(tmp_path, arrays, message):
    with pytest.raises(InputError, match=message):
        read_arrays(written(tmp_path / "x.npz", **arrays))


@pytest.mark.parametrize("ending", ["npy", "npz"])
def test_python_objects_are_never_unpickled(tmp_path, ending):
    path = tmp_path / f"x.{ending}"
    written(path, x=np.array([{"a": 1}, None], dtype=object))
    with pytest.raises(InputError, match="never unpickled"):
        read_arrays(path)


@pytest.mark.parametrize("ending", ["npy", "npz", "safetensors"])
@pytest.mark.parametrize("content", [b"", b"junk" * 30, "half"])
def test_broken_files_of_arrays_are_refused(tmp_path, ending, content):
    path = written(tmp_path / f"x.{ending}", images=BYTES)
    path.write_bytes(path.read_bytes()[:-250] if content == "half" else content)
    with pytest.raises(InputError, match="cannot be read"):
        read_arrays(path)


def test_an_archive_that_is_none_is_refused(tmp_path):
    written(tmp_path / "x.npy", x=BYTES).rename(tmp_path / "x.npz")
    with pytest.raises(InputError, match="no archive"):
        read_arrays(tmp_path / "x.npz")


def test_other_files_are_refused(tmp_path):
    (tmp_path / "x.pt").touch()
    with pytest.raises(InputError, match="another kind"):
        read_arrays(tmp_path / "x.pt")
    with pytest.raises(InputError, match="nothing lies"):
        read_arrays(tmp_path / "missing.npy")
    with pytest.raises(InputError, match="a folder"):
        read_arrays(tmp_path)
