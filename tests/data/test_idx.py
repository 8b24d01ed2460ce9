import gzip

import numpy as np
import pytest

from byheart._checks import InputError
from byheart.data.idx import read_idx, read_mnist

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 4, 4), dtype=np.uint8)
LABELS = np.arange(5, dtype=np.uint8)


def idx(array):
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_plain_and_gzipped_files_are_the_same(tmp_path, pack):
    file = tmp_path / "anything"
    file.write_bytes(pack(idx(IMAGES)))
    np.testing.assert_array_equal(read_idx(file), IMAGES)


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_a_folder_gives_images_with_their_labels(tmp_path, ending):
    pack = gzip.compress if ending else bytes
    (tmp_path / f"train-images-idx3-ubyte{ending}").write_bytes(pack(idx(IMAGES)))
    (tmp_path / f"train-labels-idx1-ubyte{ending}").write_bytes(pack(idx(LABELS)))
    (tmp_path / f"t10k-images-idx3-ubyte{ending}").write_bytes(pack(idx(IMAGES[::-1])))
    raw = read_mnist(tmp_path)
    np.testing.assert_array_equal(raw.values, IMAGES[:, None])
    np.testing.assert_array_equal(raw.labels, LABELS)
    assert raw.peak == 255


def test_the_file_itself_will_do_and_labels_may_be_missing(tmp_path):
    file = tmp_path / "t10k-images-idx3-ubyte"
    file.write_bytes(idx(IMAGES))
    raw = read_mnist(file)
    np.testing.assert_array_equal(raw.values[:, 0], IMAGES)
    assert raw.labels is None


BROKEN = {
    "cut short": idx(IMAGES)[:-1],
    "too long": idx(IMAGES) + b"\0",
    "no header": b"",
    "half a header": idx(IMAGES)[:9],
    "sizes of nothing": bytes([0, 0, 8, 3, 0, 0]),
    "floats": bytes([0, 0, 13, 1]) + idx(IMAGES)[4:],
    "a picture": b"\x89PNG" + idx(IMAGES),
    "half a gzip": gzip.compress(idx(IMAGES))[:-12],
    "a broken gzip": b"\x1f\x8b" + b"\xff" * 40,
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_broken_files_are_refused(tmp_path, content):
    file = tmp_path / "train-images-idx3-ubyte"
    file.write_bytes(content)
    with pytest.raises(InputError, match=file.name):
        read_idx(file)


def test_missing_files_and_labels_that_do_not_fit_are_refused(tmp_path):
    with pytest.raises(InputError, match="MNIST's files"):
        read_mnist(tmp_path)
    with pytest.raises(InputError, match="MNIST's files"):
        read_mnist(tmp_path / "nowhere")
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(IMAGES))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(LABELS[:3]))
    with pytest.raises(InputError, match="one label for each image"):
        read_mnist(tmp_path)
    with pytest.raises(InputError, match=r"\(n, h, w\)"):
        read_mnist(tmp_path / "train-labels-idx1-ubyte")
