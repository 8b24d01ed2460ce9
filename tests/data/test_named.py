import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from byheart._checks import InputError
from byheart.data import Data, MixtureData, available, load, named, split
from byheart.data.spec import NAMES


def test_digits_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits

    theirs, ours = load_digits(), load(Data())
    pixels = torch.from_numpy(theirs.images / 16).float()[:, None]
    torch.testing.assert_close(ours.to_pixels(ours.images), pixels, rtol=0, atol=1e-6)
    assert ours.labels is not None
    assert ours.labels.tolist() == theirs.target.tolist()
    assert ours.shape == (1, 8, 8)


def test_digits_have_the_published_scale_and_pool():
    """S3's CPU protocol: global RMS .2708 of the pixels, 700 held out, a pool of 1,097, |x|² = 64 on average."""
    dataset = load(Data())
    assert round(dataset.scale, 4) == 0.2708
    torch.testing.assert_close(
        dataset.images.flatten(1).square().sum(1).mean(), torch.tensor(64.0), rtol=1e-5, atol=0
    )
    parts = split(dataset, 1097, seed=0)
    assert len(parts.heldout) == 700
    with pytest.raises(InputError):
        split(dataset, 1098, seed=0)


def test_no_digit_is_in_both_parts():
    assert split(load(Data()), 1097, seed=0).overlap == 0


def test_the_digits_and_their_split_never_change():
    dataset = load(Data())
    assert dataset.fingerprint == "04b7e6d8b23b1f79a558a09914acb541c801bca13df2df5ffb618f39937485d6"
    assert split(dataset, 5, seed=1).train_rows.tolist() == [1415, 1534, 1789, 1371, 1426]


def test_loading_twice_gives_the_same_bits():
    for spec in (Data(), Data(name="mixture", mixture=MixtureData(count=50))):
        first, second = load(spec), load(spec)
        assert torch.equal(first.images, second.images)
        assert first.fingerprint == second.fingerprint


def test_digits_can_be_smaller_fewer_and_colored():
    dataset = load(Data(size=4, channels=3, count=100))
    assert dataset.images.shape == (100, 3, 4, 4)
    assert dataset.labels is not None
    assert len(dataset.labels) == 100
    whole = load(Data(size=4, channels=3))
    assert dataset.fingerprint != whole.fingerprint


def test_more_than_there_are_is_refused():
    with pytest.raises(InputError, match="at most 1797"):
        load(Data(count=1798))


needs_fashion = pytest.mark.skipif(
    named.idx.find_idx(named.FASHION_MNIST) is None, reason="needs Debian's dataset-fashion-mnist"
)


@needs_fashion
def test_fashion_mnist_is_the_train_file_at_16_by_area():
    dataset = load(Data(name="fashion_mnist", size=16))
    assert dataset.images.shape == (60_000, 1, 16, 16)
    assert dataset.fingerprint == "8a14a1c197238148f0d3713bc4a36144b7442d2ba6295d351639642dd0fafe97"
    assert dataset.labels is not None
    assert dataset.labels.bincount().tolist() == [6000] * 10
    mean = dataset.center.mean().item()
    assert abs(mean - 0.2860) < 5e-4  # the mean pixel of Fashion-MNIST, which area means keep


def test_a_folder_by_name(tmp_path):
    for index in range(6):
        Image.fromarray(np.full((4, 4, 3), 40 * index, np.uint8)).save(tmp_path / f"{index}.png")
    dataset = load(Data(name="folder", path=str(tmp_path), size=2, channels=1))
    assert dataset.images.shape == (6, 1, 2, 2)
    torch.testing.assert_close(
        dataset.to_pixels(dataset.images)[:, 0, 0, 0], torch.arange(6) * 40 / 255, rtol=0, atol=1e-6
    )


def test_arrays_by_name(tmp_path):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(20, 7)))
    assert load(Data(name="arrays", path=str(tmp_path / "x.npy"))).shape == (7,)


@pytest.mark.parametrize("name", ["mnist", "cifar10", "celeba", "folder", "arrays"])
def test_data_of_the_user_need_a_path(name, tmp_path):
    with pytest.raises(InputError, match="without a path"):
        load(Data(name=name))
    with pytest.raises(InputError):
        load(Data(name=name, path=str(tmp_path / "nowhere")))


def test_missing_packages_come_with_their_remedy(monkeypatch, tmp_path):
    monkeypatch.setattr(named, "FASHION_MNIST", tmp_path)
    with pytest.raises(InputError, match="apt-get install dataset-fashion-mnist"):
        load(Data(name="fashion_mnist"))
    monkeypatch.setattr(named.digits, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install scikit-learn"):
        load(Data())
    present = {info.name: info.present for info in available()}
    assert not present["fashion_mnist"]
    assert not present["digits"]


def test_settings_that_would_be_ignored_are_refused(tmp_path):
    with pytest.raises(InputError, match="a path for digits"):
        load(Data(path=str(tmp_path)))
    with pytest.raises(InputError, match="mixture for digits"):
        load(Data(mixture=MixtureData()))
    with pytest.raises(InputError, match="features"):
        load(Data(name="mixture", size=8))


def test_unknown_names_list_the_known_ones():
    with pytest.raises(InputError, match="one of digits, fashion_mnist"):
        Data(name="digit")


@pytest.mark.parametrize("settings", [{"size": 0}, {"channels": 2}, {"count": -1}, {"splitseed": 1}])
def test_settings_that_make_no_sense_are_refused(settings):
    with pytest.raises(InputError):
        Data(**settings)


def test_every_name_is_available_and_loadable():
    infos = available()
    assert sorted(info.name for info in infos) == sorted(NAMES)
    for info in infos:
        assert info.present or info.remedy
        assert info.present == (info.where is not None)


def test_what_is_said_of_digits_is_true():
    info = next(info for info in available() if info.name == "digits")
    dataset = load(Data())
    assert (info.shape, info.count) == (dataset.shape, len(dataset))


def test_looking_around_needs_no_torch():
    code = (
        "import sys; from byheart.data import available, Data; available(); Data();"
        "print(*{'torch', 'scipy', 'sklearn', 'matplotlib', 'PIL'} & set(sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == ""


def test_distinct_keeps_the_first_of_equal_images(tmp_path):
    values = np.random.default_rng(0).random((6, 2, 2)).astype(np.float32)
    values[1, 0, 0] = 0.0
    values[3], values[5] = values[1], values[1]
    values[5, 0, 0] = -0.0
    np.savez(tmp_path / "x.npz", images=values, labels=np.arange(6))
    settings = {"name": "arrays", "path": str(tmp_path / "x.npz")}
    every, once = load(Data(**settings)), load(Data(**settings, distinct=True))
    assert (len(every), len(once)) == (6, 4)
    assert once.labels.tolist() == [0, 1, 2, 4]
    pixels = once.to_pixels(once.images)[:, 0]
    torch.testing.assert_close(pixels, torch.from_numpy(values[[0, 1, 2, 4]]))


def test_clip_art_by_name(tmp_path, monkeypatch):
    for index in range(6):
        Image.fromarray(np.full((40, 40, 3), 40 * index, np.uint8)).save(tmp_path / f"{index}.png")
    dataset = load(Data(name="clipart", path=str(tmp_path), channels=1, size=8))
    assert dataset.images.shape == (6, 1, 8, 8)
    torch.testing.assert_close(
        dataset.to_pixels(dataset.images)[:, 0, 0, 0], torch.arange(6) * 40 / 255, rtol=0, atol=1e-6
    )
    monkeypatch.setattr(named.clipart, "PLACE", tmp_path)
    assert load(Data(name="clipart")).images.shape == (6, 3, 32, 32)
    monkeypatch.setattr(named.clipart, "PLACE", tmp_path / "nowhere")
    assert not next(info for info in available() if info.name == "clipart").present
    with pytest.raises(InputError, match="apt-get install openclipart-png"):
        load(Data(name="clipart"))


def test_the_table_reads_every_name_that_a_specification_takes():
    assert set(named.SETS) == set(NAMES)
    assert [info.name for info in available()] == list(named.SETS)


def test_a_home_folder_is_meant_by_a_tilde(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("fashion_mnist", "glyphs"):
        with pytest.raises(InputError) as refusal:
            load(Data(name=name, path="~/nowhere"))
        assert str(tmp_path) in str(refusal.value)
