"""Endings in capitals are the endings, and what is not read of a file is named."""

import numpy as np
import pyarrow
import pytest
import torch
from pyarrow import parquet
from safetensors.numpy import save_file

from byheart.auditing.dedup import dedup
from byheart.auditing.inputs import check_together, gather
from byheart.auditing.stored.train import Searching, opened
from byheart.cli.options import the_data
from byheart.cli.sample import _check_request
from byheart.data.named import load
from byheart.data.reader.path import from_path
from byheart.features.shards import numbered, write_shards

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 16, 16, 3), dtype=np.uint8)
FEATURES = PIXELS.reshape(40, -1).astype(np.float32)


def npy(path):
    with path.open("wb") as file:
        np.save(file, FEATURES)


def npz(path):
    with path.open("wb") as file:
        np.savez(file, features=FEATURES)


def safetensors(path):
    save_file({"features": FEATURES}, path)


def parquet_file(path):
    parquet.write_table(pyarrow.table({"features": FEATURES.tolist()}), path)


@pytest.mark.parametrize("write", [npy, npz, safetensors, parquet_file])
def test_capitals_are_small_letters(tmp_path, write):
    ending = write.__name__.removesuffix("_file")
    for name in (f"X.{ending.upper()}", f"y.{ending.capitalize()}"):
        write(tmp_path / name)
        data = the_data(str(tmp_path / name))
        assert data.name == "arrays" and load(data).shape == (768,)
        np.testing.assert_allclose(gather(str(tmp_path / name), what="train").values, FEATURES, rtol=1e-6)


def test_samples_may_be_written_to_an_ending_in_capitals(tmp_path):
    _check_request("x", None, tmp_path / "OUT.NPZ")


@pytest.mark.parametrize(
    ("arrays", "notes"),
    [
        (
            {"images": PIXELS, "masks": PIXELS},
            ("Left out: the arrays masks, for another one is called like samples.",),
        ),
        (
            {"train": PIXELS, "te\x1bst": PIXELS},
            ("Left out: the arrays te\\x1bst, for another one is called like samples.",),
        ),
        ({"images": PIXELS, "labels": np.arange(40)}, ()),
        ({"anything": PIXELS}, ()),
    ],
)
def test_other_arrays_of_a_file_are_named(tmp_path, arrays, notes):
    np.savez(tmp_path / "x.npz", **arrays)
    assert from_path(tmp_path / "x.npz").notes == notes
    assert gather(tmp_path / "x.npz", what="train").notes == notes


def test_other_columns_of_a_table_are_named(tmp_path):
    table = pyarrow.table({"label": [1] * 40, "features": FEATURES.tolist(), "more": FEATURES.tolist()})
    parquet.write_table(table, tmp_path / "x.parquet")
    for path in (tmp_path / "x.parquet", tmp_path):
        assert from_path(path).notes == (
            "Left out: the columns more, for another one is called like samples.",
        )


def test_what_lies_beside_shards_is_named(tmp_path):
    images = np.random.default_rng(1).integers(0, 256, (40, 1, 32, 32), dtype=np.uint8)
    write_shards(tmp_path / "shards", numbered(torch.from_numpy(images).split(20)), rows=20)
    assert opened(tmp_path / "shards", Searching(), print).notes == ()
    (tmp_path / "shards" / "1.png").write_bytes(b"")
    expected = "Left out: 1 .png (1.png)."
    stored = opened(tmp_path / "shards", Searching(), print)
    assert stored.notes[0].startswith(expected)
    samples = gather(np.random.default_rng(2).integers(0, 256, (9, 32, 32), dtype=np.uint8), what="samples")
    assert any(expected in warning for warning in check_together(samples, stored.beginning()))
    assert any(expected in warning for warning in dedup(tmp_path / "shards", planted=4, queries=50).warnings)
