"""byheart theory: numbers on stdout, a figure on disk, refusals in three lines."""

from pathlib import Path

import numpy as np
import pytest

from byheart.cli import main
from byheart.experiments.runs.execute import execute
from byheart.experiments.runs.run import parse_run


def said(capsys, *words):
    code = main(["theory", *words])
    out = capsys.readouterr()
    return code, out.out, out.err


def test_collapse_prints_and_draws(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").mkdir()  # no folder takes the place of the set that is read by default
    words = ["collapse", "--n", "60", "--clones", "20", "--root", "runs"]
    code, out, _ = said(capsys, *words)
    assert code == 0 and "60 samples of 64 pixels in [0, 1]" in out
    for fact in (
        "r_c, data alone",
        "r_c, spectrum",
        "last switch",
        "own weight",
        "clones agree",
        "Jacobian trace",
    ):
        assert fact in out
    (figure,) = tmp_path.glob("runs/*/collapse.png")
    assert figure.read_bytes()[:4] == b"\x89PNG" and str(figure.relative_to(tmp_path)) in out
    again = said(capsys, *words, "--figure", "own.png")[1]
    assert again.splitlines()[:-1] == out.splitlines()[:-1] and (tmp_path / "own.png").exists()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--strength", "1e-3"], "share within 0.01 of a training point: 0.0488"),
        (["--kappa", "2", "--dimension", "2"], "a share of 0.865 is captured"),
        (["--gamma", "3"], "still memorizes, only slower"),
        (["--gamma", "0.1", "--exponent", "1"], "stops short of the data"),
        (["--gamma", "0.1", "--exponent", "0.001"], "stops short of the data"),
    ],
)
def test_terminal_says_what_theory_says(capsys, words, expected):
    code, out, _ = said(capsys, "terminal", *words)
    assert code == 0 and expected in out


def test_terminal_chooses_a_strength_from_data(capsys):
    code, out, _ = said(capsys, "terminal", "--data", "digits")
    assert code == 0 and "c = 0.237, a floor" in out and "c = 0.0174, a floor" in out and "64 numbers" in out


@pytest.mark.parametrize(
    ("words", "need"),
    [
        (["terminal"], "one of --strength"),
        (["terminal", "--kappa", "1", "--gamma", "2"], "one of --strength"),
        (["terminal", "--strength", "-1"], "a number"),
        (["terminal", "--kappa", "nan"], "a number"),
        (["terminal", "--gamma", "0"], "a number"),
        (["terminal", "--gamma", "1", "--exponent", "30"], "to 20"),
        (["terminal", "--gamma", "1", "--exponent", "-1"], "from 0"),
        (["terminal", "--strength", "1", "--exponent", "1"], "alone"),
        (["terminal", "--kappa", "1", "--tolerance", "1"], "alone"),
        (["terminal", "--data", "digits", "--dimension", "3"], "alone"),
        (["terminal", "--strength", "1", "--dimension", "0"], "from 1"),
        (["collapse", "--n", "0"], "greater than or equal to 2"),
        (["collapse", "--figure", "x.pdf"], ".png"),
        (["collapse", "--n", "1"], "greater than or equal to 2"),
        (["collapse", "--run", "nothing"], "run"),
        (["collapse", "--data", "nowhere"], "a folder of images"),
        (["collapse", "--n", "99999"], "at most 1797"),
    ],
)
def test_what_makes_no_sense_is_refused(capsys, tmp_path, monkeypatch, words, need):
    monkeypatch.chdir(tmp_path)
    code, _, err = said(capsys, *words)
    assert code == 1 and need in err and "remedy:" in err and not list(tmp_path.iterdir())


def test_images_that_repeat_are_refused_before_a_run_begins(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    images = np.random.default_rng(0).integers(0, 256, (8, 1, 5, 5), dtype=np.uint8)
    np.save("twice.npy", np.concatenate([images, images[:3]]))
    code, _, err = said(capsys, "collapse", "--data", "twice.npy")
    assert code == 1 and "3 points that repeat" in err and "--distinct" in err and not Path("runs").exists()
    assert said(capsys, "collapse", "--data", "twice.npy", "--distinct", "--clones", "10")[0] == 0


def test_a_trained_run_adds_its_bound(capsys, tmp_path):
    run = parse_run(
        {
            "n": 40,
            "model": {"kind": "mlp", "width": 16, "blocks": 1},
            "training": {"steps": 4, "batch": 8},
            "plan": {"samples": 8, "grid": {"steps": 3}},
            "schedule": {"first": 4, "count": 1},
        }
    )
    trained = execute(run, tmp_path)
    words = ["collapse", "--run", trained.id, "--root", str(tmp_path), "--clones", "10"]
    code, out, _ = said(capsys, *words)
    assert code == 0 and "40 samples" in out and "I-MMSE" in out and "at most" in out
    code, _, err = said(capsys, *words, "--n", "20")
    assert code == 1 and "--run with --n" in err
