"""byheart sample, from closed forms."""

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

from byheart.cli import main
from byheart.data.dataset import split
from byheart.data.named import load
from byheart.data.spec import Data


def sample(*arguments, out) -> int:
    return main(["sample", "--closed-form", "empirical", "--n", "40", *arguments, "--out", str(out)])


def test_the_empirical_denoiser_copies_the_chosen_training_images(tmp_path):
    assert sample("--count", "6", "--subset", "3", out=tmp_path / "s.npz") == 0
    samples = np.load(tmp_path / "s.npz")["samples"]
    digits = split(load(Data(name="digits")), 40, seed=3)
    train = digits.dataset.to_pixels(digits.train).numpy()
    apart = np.abs(samples[:, None] - train[None]).max(axis=(2, 3, 4))
    assert samples.shape == (6, 1, 8, 8)
    assert apart.min(axis=1).max() < 1e-5


def test_a_sample_depends_on_its_seed_only(tmp_path):
    assert sample("--count", "5", out=tmp_path / "a.safetensors") == 0
    assert sample("--count", "2", "--first-seed", "3", out=tmp_path / "b.safetensors") == 0
    first, second = (load_file(tmp_path / f"{name}.safetensors")["samples"] for name in "ab")
    np.testing.assert_allclose(second, first[3:], atol=1e-5)


def test_a_picture_shows_every_sample_once(tmp_path):
    assert sample("--count", "7", out=tmp_path / "s.png") == 0
    assert sample("--count", "7", out=tmp_path / "s.npz") == 0
    sheet = np.asarray(Image.open(tmp_path / "s.png"))
    assert sheet.shape == (3 * 9 - 1, 3 * 9 - 1, 3)
    fourth = np.load(tmp_path / "s.npz")["samples"][3, 0]
    np.testing.assert_array_equal(sheet[9:17, 0:8, 0], np.round(np.clip(fourth, 0, 1) * 255))


def test_solver_and_steps_matter(tmp_path):
    names = {"euler": [], "heun": ["--solver", "heun"], "fewer": ["--steps", "4"]}
    for name, arguments in names.items():
        command = ["sample", "--closed-form", "smoothed", "--count", "3", *arguments]
        assert main([*command, "--out", str(tmp_path / f"{name}.npz")]) == 0
    euler, heun, fewer = (np.load(tmp_path / f"{name}.npz")["samples"] for name in names)
    assert np.abs(euler - heun).max() > 1e-3
    assert np.abs(euler - fewer).max() > 1e-3


@pytest.mark.parametrize(
    ("arguments", "got"),
    [
        ([], "neither --run nor --closed-form"),
        (["--run", "x", "--closed-form", "empirical"], "both --run and --closed-form"),
        (["--run", "absent"], "run 'absent', which no run has"),
        (["--closed-form", "empirical", "--out", "s.jpeg"], "--out s.jpeg"),
        (["--closed-form", "partial"], "no --memorized"),
        (["--closed-form", "smooth"], "--closed-form smooth"),
        (["--closed-form", "smoothed", "--std", "-1"], "--std = -1.0"),
        (
            ["--closed-form", "empirical", "--out", "nowhere/s.png"],
            "--out nowhere/s.png, in a folder that does",
        ),
        (["--closed-form", "empirical", "--std", "0.1"], "--std beside --closed-form empirical"),
        (["--closed-form", "gaussian", "--memorized", "3"], "--memorized beside --closed-form gaussian"),
        (["--closed-form", "smoothed", "--memorized", "3"], "--memorized beside --closed-form smoothed"),
        (["--closed-form", "partial", "--std", "0.2"], "--std beside --closed-form partial"),
        (["--closed-form", "empirical", "--root", "runs"], "--root beside --closed-form empirical"),
        (["--run", "x", "--n", "8", "--data", "digits"], "--data, --n beside --run"),
        (["--run", "x", "--subset", "0"], "--subset beside --run"),
        (["--run", "x", "--std", "0.1"], "--std beside --run"),
        (["--closed-form", "empirical", "--n", "5000"], ""),
        (["--closed-form", "empirical", "--steps", "0"], ""),
        (["--closed-form", "empirical", "--data", "mixture"], "samples of shape (50,)"),
    ],
    ids=str,
)
def test_bad_requests_are_explained(arguments, got, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["sample", *arguments]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith(f"error: got {got}")
    assert [line.partition(":")[0] for line in lines] == ["error", "need", "remedy"]
    assert list(tmp_path.iterdir()) == []
