"""Features in batches and in a cache: the same table, and no file is ever believed that is not whole."""

from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch.testing import assert_close

from byheart._checks import InputError
from byheart.features import encoding
from byheart.features.encoders import encoder
from byheart.features.encoding import CacheWarning, encode

IMAGES = torch.rand(23, 1, 8, 8, generator=torch.Generator().manual_seed(0))


class Counting:
    """An encoder that counts the images it saw."""

    name, fingerprint = "counting", "a" * 64

    def __init__(self) -> None:
        self.seen: list[int] = []

    def __call__(self, images):
        self.seen.append(len(images))
        return images.flatten(1)[:, :5] * 2


@pytest.mark.parametrize("batch", [1, 5, 23, 24])
def test_the_batch_size_does_not_matter(batch):
    net = torch.nn.Sequential(
        torch.nn.Conv2d(1, 6, 3), torch.nn.BatchNorm2d(6), torch.nn.Flatten(), torch.nn.Linear(216, 7)
    )
    whole = encode(IMAGES, encoder(net), batch=100)
    assert_close(encode(IMAGES, encoder(net), batch=batch), whole, atol=1e-6, rtol=1e-5)
    assert whole.shape == (23, 7)


def test_images_stream_and_rows_keep_their_order():
    counting = Counting()
    assert torch.equal(encode(IMAGES, counting, batch=10), IMAGES.flatten(1)[:, :5] * 2)
    assert counting.seen == [10, 10, 3]


def test_the_second_time_nothing_is_computed(tmp_path: Path):
    first, second = Counting(), Counting()
    kept = encode(IMAGES, first, cache=tmp_path / "features")
    again = encode(IMAGES.clone(), second, cache=tmp_path / "features", batch=7)
    assert torch.equal(kept, again)
    assert (first.seen, second.seen) == ([23], [])
    assert len(list((tmp_path / "features").iterdir())) == 1


@pytest.mark.parametrize("change", ["image", "order", "type", "encoder"])
def test_other_images_or_another_encoder_are_other_features(change, tmp_path: Path):
    counting = Counting()
    encode(IMAGES, counting, cache=tmp_path)
    images = IMAGES.clone()
    if change == "image":
        images[7, 0, 3, 3] += 1e-3
    if change == "order":
        images = images.flip(0)
    if change == "type":
        images = images.double()
    if change == "encoder":
        counting.fingerprint = "b" * 64
    counting_seen = len(counting.seen)
    if change == "type":
        counting.__class__ = type(
            "Single", (Counting,), {"__call__": lambda self, x: Counting.__call__(self, x.float())}
        )
    encode(images, counting, cache=tmp_path)
    assert len(counting.seen) > counting_seen
    assert len(list(tmp_path.iterdir())) == 2


def damages() -> dict:
    def cut(path):
        path.write_bytes(path.read_bytes()[:-9])

    def empty(path):
        path.write_bytes(b"")

    def flip(path):
        content = bytearray(path.read_bytes())
        content[-2] ^= 1  # one bit of one feature
        path.write_bytes(content)

    def foreign(path):
        safetensors.torch.save_file({"features": torch.rand(23, 5)}, path)

    def of_others(path):  # whole, but of other images: what a name cut short could collide with
        with safetensors.safe_open(path, "pt") as file:
            said, features = file.metadata(), file.get_tensor("features")
        safetensors.torch.save_file({"features": features}, path, {**said, "images": "0" * 64})

    return {"cut": cut, "empty": empty, "flip": flip, "foreign": foreign, "of others": of_others}


@pytest.mark.parametrize("damage", damages().values(), ids=damages())
def test_a_damaged_file_is_made_anew_with_a_warning(damage, tmp_path: Path):
    right = encode(IMAGES, Counting(), cache=tmp_path)
    (path,) = tmp_path.iterdir()
    damage(path)
    again = Counting()
    with pytest.warns(CacheWarning, match=f"{path.name} is damaged and is made anew"):
        assert torch.equal(encode(IMAGES, again, cache=tmp_path), right)
    assert again.seen == [23]
    third = Counting()
    assert torch.equal(encode(IMAGES, third, cache=tmp_path), right)  # and is whole again
    assert third.seen == []


@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_a_write_that_is_cut_off_leaves_no_file(moment, tmp_path: Path, monkeypatch):
    def die(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(f"byheart._records.os.{moment}", die)
    with pytest.raises(KeyboardInterrupt):
        encode(IMAGES, Counting(), cache=tmp_path)
    monkeypatch.undo()
    assert list(tmp_path.glob("*.safetensors")) == []
    counting = Counting()
    encode(IMAGES, counting, cache=tmp_path)
    assert counting.seen == [23]


def test_half_a_file_of_a_killed_writer_is_not_read(tmp_path: Path):
    encode(IMAGES, Counting(), cache=tmp_path)
    (path,) = tmp_path.iterdir()
    path.rename(tmp_path / f".{path.name}.x7")  # where write_atomic writes before it renames
    counting = Counting()
    encode(IMAGES, counting, cache=tmp_path)
    assert counting.seen == [23]


def test_a_function_is_never_cached(tmp_path: Path):
    function = encoder(lambda x: x.flatten(1))
    assert encode(IMAGES, function).shape == (23, 64)
    with pytest.raises(InputError, match="an encoder with a fingerprint"):
        encode(IMAGES, function, cache=tmp_path)


def test_a_file_is_no_cache(tmp_path: Path):
    (tmp_path / "x").write_text("")
    with pytest.raises(InputError, match="which is no folder"):
        encode(IMAGES, Counting(), cache=tmp_path / "x")


@pytest.mark.parametrize(
    ("images", "batch", "said"),
    [
        (IMAGES[:, 0], 4, r"images\[:, None\]"),
        (IMAGES[:0], 4, "n ≥ 1"),
        (IMAGES, 0, "one image a batch"),
        (torch.cat([IMAGES, IMAGES[:1] + 1]), 4, r"values in \[0, 1\]"),
        (torch.cat([IMAGES, IMAGES[:1] * float("nan")]), 4, "NaN"),
    ],
    ids=["three axes", "none", "no batch", "range", "nan"],
)
def test_images_that_are_refused(images, batch, said):
    with pytest.raises(InputError, match=said):
        encode(images, Counting(), batch=batch)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda x: x.flatten(1).double(), "float32"),
        (lambda x: x.flatten(1)[:, : len(x)], r"\(3, 10\)"),
        (lambda x: x.flatten(1).log() * 0, "NaN"),
        (lambda x: x, "one row an image"),
    ],
    ids=["double", "width changes", "nan", "maps"],
)
def test_features_that_are_refused(function, said):
    counting = Counting()
    counting.__class__ = type("Bad", (Counting,), {"__call__": lambda self, x: function(x)})
    images = IMAGES.clone()
    images[0] = 0  # whose logarithm is infinite
    with pytest.raises(InputError, match=said):
        encode(images, counting, batch=10)


def test_the_cache_names_what_is_inside(tmp_path: Path):
    features = encode(IMAGES, Counting(), cache=tmp_path)
    (path,) = tmp_path.iterdir()
    with safetensors.safe_open(path, "pt") as file:
        said = file.metadata()
    assert said["name"] == "counting"
    assert said["encoder"] == "a" * 64
    assert said["format"] == encoding._FORMAT
    assert path.name == f"{said['images'][:20]}-{'a' * 20}.safetensors"
    assert features.dtype == torch.float32
