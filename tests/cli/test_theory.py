"""byheart theory: numbers on stdout, a figure on disk, refusals in three lines."""

import pytest

from byheart.cli import main


def said(capsys, *words):
    code = main(["theory", *words])
    out = capsys.readouterr()
    return code, out.out, out.err


def test_collapse_prints_and_draws(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["collapse", "--data", "digits", "--n", "60", "--clones", "20", "--root", "runs"]
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
    ],
)
def test_terminal_says_what_theory_says(capsys, words, expected):
    code, out, _ = said(capsys, "terminal", *words)
    assert code == 0 and expected in out


def test_terminal_chooses_a_strength_from_data(capsys):
    code, out, _ = said(capsys, "terminal", "--data", "digits")
    assert code == 0 and "predicts left-out images best: c = 0.0174" in out and "d = 64" in out


@pytest.mark.parametrize(
    ("words", "need"),
    [
        (["terminal"], "one of --strength"),
        (["terminal", "--kappa", "1", "--gamma", "2"], "one of --strength"),
        (["terminal", "--strength", "-1"], "strength"),
        (["terminal", "--kappa", "nan"], "a number"),
        (["terminal", "--gamma", "1", "--exponent", "30"], "up to 20"),
        (["terminal", "--strength", "1", "--exponent", "1"], "the regularizer"),
        (["terminal", "--kappa", "1", "--tolerance", "1"], "the regularizer"),
        (["terminal", "--strength", "1", "--dimension", "0"], "at least 1"),
        (["collapse", "--figure", "x.pdf"], ".png"),
        (["collapse", "--n", "1"], "greater than or equal to 2"),
        (["collapse", "--run", "nothing"], "run"),
        (["terminal", "--data", "digits", "--dimension", "3"], "that of the data"),
        (["collapse", "--data", "nowhere"], "a folder of images"),
        (["collapse", "--n", "99999"], "at most 1797"),
    ],
)
def test_what_makes_no_sense_is_refused(capsys, tmp_path, monkeypatch, words, need):
    monkeypatch.chdir(tmp_path)
    code, _, err = said(capsys, *words)
    assert code == 1 and need in err and "remedy:" in err and not list(tmp_path.iterdir())
