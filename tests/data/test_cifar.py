import numpy as np
import pytest

from byheart._checks import InputError
from byheart.data.cifar import read_cifar10


def test_batches_follow_each_other(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (6, 3, 32, 32), dtype=np.uint8)
    labels = np.array([3, 1, 4, 1, 5, 9], np.uint8)
    records = np.concatenate([labels[:, None], images.reshape(6, -1)], 1)
    (tmp_path / "data_batch_2.bin").write_bytes(records[2:].tobytes())
    (tmp_path / "data_batch_1.bin").write_bytes(records[:2].tobytes())
    (tmp_path / "test_batch.bin").write_bytes(records[::-1].tobytes())
    raw = read_cifar10(tmp_path)
    np.testing.assert_array_equal(raw.values, images)
    np.testing.assert_array_equal(raw.labels, labels)


def test_the_pickled_version_is_refused_with_the_remedy(tmp_path):
    (tmp_path / "data_batch_1").write_bytes(b"\x80\x02}q\x00.")
    with pytest.raises(InputError, match=r"pickled version.*cifar-10-binary\.tar\.gz"):
        read_cifar10(tmp_path)


@pytest.mark.parametrize("length", [0, 100, 3074])
def test_files_that_are_missing_or_cut_short_are_refused(tmp_path, length):
    with pytest.raises(InputError, match=r"no data_batch_\*\.bin"):
        read_cifar10(tmp_path)
    (tmp_path / "data_batch_1.bin").write_bytes(bytes(length))
    with pytest.raises(InputError, match="3073"):
        read_cifar10(tmp_path)
