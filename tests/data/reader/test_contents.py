"""Every file below a folder is read, or is counted and named as left out."""

import os
import shutil
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from PIL import Image, features
from pyarrow import parquet

from byheart import dedup
from byheart._checks import InputError
from byheart.auditing.inputs import gather
from byheart.data.named import load
from byheart.data.reader.contents import contents, image_endings
from byheart.data.reader.path import from_path, image_files
from byheart.data.reader.whole import read_folder
from byheart.data.spec import Data, TemplateData
from byheart.experiments.kinds.shared.split import data_fingerprint

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 16, 16, 3), dtype=np.uint8)


def save(folder, rows, ending=".png", kind="PNG"):
    folder.mkdir(parents=True, exist_ok=True)
    for row in rows:
        Image.fromarray(PIXELS[row]).save(folder / f"{row}{ending}", kind)
    return folder


def names(folder):
    return list(from_path(folder).names)


def notes(folder):
    return from_path(folder).notes


@pytest.mark.parametrize(
    ("ending", "kind"),
    [
        (".jfif", "JPEG"),
        (".jpe", "JPEG"),
        (".gif", "GIF"),
        (".avif", "AVIF"),
        (".ppm", "PPM"),
        (".jp2", "JPEG2000"),
        (".JFIF", "JPEG"),
        (".tga", "TGA"),
        (".apng", "PNG"),
        (".dib", "DIB"),
    ],
)
def test_what_pillow_reads_is_an_image(tmp_path, ending, kind):
    if kind == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow cannot read AVIF")
    save(save(tmp_path, range(2)), [2], ending, kind)
    assert names(tmp_path) == ["0.png", "1.png", f"2{ending}"] and notes(tmp_path) == ()
    assert abs(read_folder(tmp_path).values[2].mean() - PIXELS[2].mean()) < 8


def test_endings_that_this_pillow_cannot_read_are_left_out_aloud(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "registered_extensions", lambda: {".png": "PNG"})
    image_endings.cache_clear()
    try:
        save(save(tmp_path, range(2)), [2], ".jfif", "JPEG")
        assert names(tmp_path) == ["0.png", "1.png"]
        assert notes(tmp_path)[0].startswith("Left out: 1 .jfif (2.jfif).")
    finally:
        image_endings.cache_clear()


def test_other_files_are_counted_by_ending_and_named_once(tmp_path):
    save(tmp_path / "a", range(2))
    for row in range(12):
        (tmp_path / "a" / f"{row}.HEIC").write_bytes(b"")
    for name in ("labels.csv", "more.tar", "LICENSE", "x.npy", "y.parquet", "z.zip", "b.mat"):
        (tmp_path / name).write_bytes(b"")
    (note,) = notes(tmp_path)
    assert note.startswith(
        "Left out: 12 .heic (a/0.HEIC, a/1.HEIC, a/2.HEIC, …), 1 without an ending (LICENSE), "
    )
    assert "3 with 3 other endings" in note and "Convert or unpack" in note and note.count("heic") == 1


def test_what_systems_leave_behind_is_not_worth_a_word_and_other_hidden_names_are_counted(tmp_path):
    save(tmp_path, range(2))
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._0.png"):
        (tmp_path / name).write_bytes(b"")
    assert notes(tmp_path) == ()
    save(tmp_path / ".cache", [3])
    shutil.copy(tmp_path / "0.png", tmp_path / ".1.png")
    assert notes(tmp_path) == ("Left out, since their names begin with a dot: 2 (.1.png, .cache).",)


def test_links_to_folders_are_followed(tmp_path):
    store = save(tmp_path / "store" / "deep", range(2))
    train = save(tmp_path / "train" / "a", [2]).parent
    (train / "b").symlink_to(store.parent)
    assert names(train) == ["a/2.png", "b/deep/0.png", "b/deep/1.png"] and notes(train) == ()
    assert len(gather(train, what="train")) == 3


def test_circles_and_second_ways_are_walked_once(tmp_path):
    train = save(tmp_path / "train" / "a", range(3)).parent
    (train / "a" / "self").symlink_to(train / "a")
    (train / "up").symlink_to(tmp_path)
    (train / "b").symlink_to(train / "a")
    (train / "c").symlink_to("c")  # leads nowhere
    assert names(train) == ["a/0.png", "a/1.png", "a/2.png"]
    left, circles = notes(train)
    assert "without an ending (c)" in left
    assert circles.endswith("or hold this folder itself: 3 (a/self, b, up).")


def test_links_among_what_links_lead_to_are_walked_once(tmp_path):
    store = save(tmp_path / "store" / "inner", range(2)).parent
    (store / "back").symlink_to(store)
    train = save(tmp_path / "train", [2])
    (train / "a").symlink_to(store / "inner")
    (train / "b").symlink_to(store)
    assert names(train) == ["2.png", "a/0.png", "a/1.png"]
    assert notes(train)[0].endswith(": 2 (b/back, b/inner).")


def test_a_link_to_a_file_is_an_image_of_its_own(tmp_path):
    """Stores that keep equal files once, such as the Hub's, link every name to the one file."""
    blob = save(tmp_path / "blobs", [0]) / "0.png"
    train = save(tmp_path / "train", [1])
    for name in ("2.png", "3.png"):
        (train / name).symlink_to(blob)
    assert names(train) == ["1.png", "2.png", "3.png"] and notes(train) == ()


def test_a_folder_that_may_not_be_looked_into_is_named(tmp_path, monkeypatch):
    def scandir(path):
        if Path(path).name == "closed":
            raise PermissionError
        return listed(path)

    listed = os.scandir
    closed = save(save(tmp_path, range(2)) / "closed", [3])
    monkeypatch.setattr(os, "scandir", scandir)
    assert notes(tmp_path) == ("Left out, since this user may not look into them: 1 (closed).",)
    with pytest.raises(InputError, match="may not be looked into"):
        contents(closed)


def test_parquet_beside_images_is_named_and_what_lies_beside_parquet_too(tmp_path):
    images = save(tmp_path / "both", range(2))
    table = pyarrow.table({"features": PIXELS[:4].reshape(4, -1).astype(np.float32).tolist()})
    parquet.write_table(table, images / "a.parquet")
    assert notes(images)[0].startswith("Left out: 1 .parquet (a.parquet).")
    shards = tmp_path / "shards"
    shards.mkdir()
    parquet.write_table(table, shards / "A.PARQUET")
    (shards / "README.md").write_text("")
    assert len(names(shards)) == 4 and notes(shards)[0].startswith("Left out: 1 .md (README.md).")


def test_a_folder_of_arrays_is_refused_with_the_file_to_give(tmp_path):
    np.save(tmp_path / "x.npy", PIXELS)
    (tmp_path / "x.npy").rename(tmp_path / "X.NPY")
    with pytest.raises(InputError, match=r"holds no images, but 1 \.npy") as caught:
        from_path(tmp_path)
    assert caught.value.remedy == f"give the file itself: {tmp_path / 'X.NPY'}"


def test_names_are_safe_on_a_terminal(tmp_path):
    save(tmp_path, range(2))
    (tmp_path / "b\x1b[31m\n.txt").write_text("")
    (tmp_path / "c.\x1b[2J").write_text("")
    (note,) = notes(tmp_path)
    assert note.isprintable() and "b\\x1b[31m\\n.txt" in note
    hostile = tmp_path / "no\x1b[31m"
    hostile.mkdir()
    for path in (hostile, hostile / "missing"):
        with pytest.raises(InputError) as caught:
            image_files(path)
        assert caught.value.got.isprintable()


def test_all_who_read_folders_pass_it_on(tmp_path):
    folder = save(tmp_path, range(40))
    (folder / "notes.txt").write_text("")
    expected = "Left out: 1 .txt (notes.txt)."
    for data in (
        Data(name="folder", path=str(folder)),
        Data(name="celeba", path=str(folder)),
        Data(name="templates", path=str(folder), templates=TemplateData(components=2, count=8)),
    ):
        assert load(data).notes[0].startswith(expected), data.name
    assert any(expected in warning for warning in dedup(folder, planted=4, queries=50).warnings)


def test_data_that_links_lead_to_are_read_again_when_they_change(tmp_path):
    store = save(tmp_path / "store", range(6))
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "a").symlink_to(store)
    data = Data(name="folder", path=str(tmp_path / "train"))
    before = data_fingerprint(data)
    Image.fromarray(PIXELS[30]).save(store / "0.png")
    os.utime(store / "0.png", ns=(1, 1))
    assert data_fingerprint(data) != before
