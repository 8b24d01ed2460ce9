"""byheart theory crossover: a forecast in numbers, a file of them, a figure, and refusals."""

import json

import numpy as np
import pytest

from byheart.cli import main


def said(capsys, *words):
    code = main(["theory", "crossover", *words])
    out = capsys.readouterr()
    return code, out.out, out.err


SMALL = ["--dimension", "30", "--components", "3", "--n", "50", "--samples", "100"]


def test_a_population_is_forecast(capsys, tmp_path):
    numbers, figure = tmp_path / "a.json", tmp_path / "a.png"
    code, out, err = said(capsys, *SMALL, "--json", str(numbers), "--figure", str(figure))
    assert code == 0 and not err
    assert "3 Gaussians in 30 dimensions, N = 50" in out and "K log K (1 + log d) = 15" in out
    assert "published  0.600  0.800" in out and "eps        1.000  1.000" in out
    assert figure.read_bytes()[:4] == b"\x89PNG"
    record = json.loads(numbers.read_text())
    assert record["n"] == 50 and record["replicates"] == 8 and len(record["models"]) == 20
    last = record["models"][-1]
    assert last["m"] == 50 and last["f_mem"] == 1 and last["variance"] == 0 and last["f_mem_low"] > 0.99
    edge = record["transition"]
    assert edge["m_pt_low"] < edge["m_pt"] < edge["m_pt_high"]
    assert 0.75 < edge["m_pt"] / 50 < 0.84
    assert edge["m_pt_one_run_low"] < edge["m_pt_low"]
    assert record["crossover"]["x0"]["C = 2"] == pytest.approx(0.830, abs=1e-3)


def test_the_same_seed_says_the_same(capsys):
    words = [*SMALL, "--models", "30", "40", "--restarts", "2"]
    first, again = said(capsys, *words), said(capsys, *words)
    assert first == again and said(capsys, *words, "--seed", "3")[1] != first[1]


def test_a_lower_threshold_moves_the_transition(capsys):
    outs = [said(capsys, *SMALL, "--models", "40", *more)[1] for more in ([], ["--threshold", "0.25"])]
    assert all("not between the sizes above" in out for out in outs)
    shares = [float(out.split("\n40 ")[1].split()[1]) for out in outs]
    assert shares[0] > shares[1] + 0.2


def test_own_data(capsys, tmp_path):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32))
    code, out, err = said(capsys, "--data", str(tmp_path / "x.npy"), "--components", "2", "--samples", "50")
    assert code == 0 and not err and "N = 60 of 8 numbers" in out and "published" in out
    out = said(capsys, "--data", str(tmp_path / "x.npy"), "--n", "20", "--models", "10", "20")[1]
    assert "N = 20 of 8 numbers" in out and "20 of 60, a fair draw" in out and "published" not in out


def test_a_named_data_set(capsys):
    code, out, _ = said(capsys, "--data", "digits", "--n", "100", "--models", "70", "90", "100")
    assert (
        code == 0 and "digits, N = 100 of 64 numbers" in out and "Half of the samples memorized from" in out
    )


def test_images_that_repeat_are_told(capsys, tmp_path):
    x = np.random.default_rng(0).normal(size=(30, 8)).astype(np.float32)
    np.save(tmp_path / "twice.npy", np.concatenate([x, x[:4]]))
    words = ["--data", str(tmp_path / "twice.npy"), "--models", "20", "30", "--samples", "20"]
    code, _, err = said(capsys, *words)
    assert code == 0 and err.count("4 of 34 points repeat") == 1 and "--distinct" in err
    assert said(capsys, *words, "--distinct")[2] == ""


@pytest.mark.parametrize(
    ("words", "need"),
    [
        (["--n", "10"], "K ≤ N"),
        (["--dimension", "0"], "at least 1"),
        (["--components", "0"], "at least 1"),
        (["--n", "50", "--models", "60"], "1 ≤ M ≤ N"),
        (["--models", "0"], "1 ≤ M ≤ N"),
        (["--threshold", "2"], "(0, 1]"),
        (["--restarts", "1"], "at least 2, 1"),
        (["--samples", "0"], "at least 2, 1 and 0"),
        (["--seed", "-1"], "at least 2, 1 and 0"),
        (["--distinct"], "the data"),
        (["--size", "8"], "the data"),
        (["--data", "digits", "--dimension", "4"], "one of them"),
        (["--data", "digits", "--n", "99999"], "to 1797"),
        (["--data", "nowhere"], "a folder of images"),
        (["--data", "digits", "--n", "20", "--components", "30"], "1 ≤ M ≤ N"),
        (["--figure", "x.pdf"], ".png"),
        (["--json", "nowhere/x.json"], "a folder that is there"),
    ],
)
def test_what_makes_no_sense_is_refused(capsys, tmp_path, monkeypatch, words, need):
    monkeypatch.chdir(tmp_path)
    code, _, err = said(capsys, *words)
    assert code == 1 and need in err and "remedy:" in err and not list(tmp_path.iterdir())
