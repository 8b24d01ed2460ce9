"""byheart theory crossover: a forecast in numbers, a file of them, a figure, and refusals."""

import json
import warnings
from typing import get_args

import numpy as np
import pytest
from PIL import Image

from byheart.cli import main
from byheart.studies.s1_crossover.forecast import figure as crossover_figure
from byheart.studies.s1_crossover.forecast.compute import Start
from byheart.theory import transition
from byheart.theory.lloyd import RepeatedPointsWarning


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
    with Image.open(figure) as picture:
        assert picture.format == "PNG" and picture.size == (3 * 704, 512)
    record = json.loads(numbers.read_text())
    assert record["n"] == 50 and record["replicates"] == 8 and len(record["models"]) == 20
    last = record["models"][-1]
    assert last["m"] == 50 and last["f_mem"] == 1 and last["variance"] == 0 and last["f_mem_low"] > 0.99
    edge = record["transition"]
    assert edge["m_pt_low"] < edge["m_pt"] < edge["m_pt_high"]
    assert 0.75 < edge["m_pt"] / 50 < 0.84
    assert edge["m_pt_one_run_low"] < edge["m_pt_low"]
    assert record["crossover"]["x0"]["C = 2"] == pytest.approx(0.830, abs=1e-3)
    assert record["start"] == "training" and record["snr"] == 6.704
    assert last["excess"] == last["excess_stored"] == pytest.approx(0, abs=1e-12)
    middle = record["models"][
        9
    ]  # stored points by their formula, C near 1.4; the model below the true denoiser
    assert middle["m"] == 25 and middle["excess_stored"] == pytest.approx(1.4 * 0.5 * 30, rel=0.15)
    assert 0 < middle["excess_low"] < middle["excess"] < 30 / 7.704


def test_the_same_seed_says_the_same(capsys):
    words = [*SMALL, "--models", "30", "40", "--restarts", "2"]
    first, again = said(capsys, *words), said(capsys, *words)
    assert first == again and said(capsys, *words, "--seed", "3")[1] != first[1]


def test_a_lower_threshold_moves_the_transition(capsys):
    outs = [said(capsys, *SMALL, "--models", "40", *more)[1] for more in ([], ["--threshold", "0.25"])]
    assert all("not between the sizes above" in out for out in outs)
    shares = [float(out.split("\n40 ")[1].split()[1]) for out in outs]
    assert shares[0] > shares[1] + 0.2


def test_the_start_decides(capsys, tmp_path):
    found = {}
    for start in get_args(Start):
        numbers = tmp_path / f"{start}.json"
        code, out, err = said(
            capsys, *SMALL, "--start", start, "--models", "40", "46", "50", "--json", str(numbers)
        )
        assert code == 0 and not err
        assert ("do not know where" in out) == (start != "training") and ("N/2" in out) == (start == "pairs")
        found[start] = [row["f_mem"] for row in json.loads(numbers.read_text())["models"]]
    assert found["gaussian"][0] < 0.02 and found["population"][0] < 0.02
    assert 0.4 < found["training"][0] < found["pairs"][0]
    assert found["gaussian"][2] < 0.5 and found["training"][2] == found["pairs"][2] == 1
    assert get_args(Start) == transition.STARTS


def test_pairs_begin_at_half_of_the_points(capsys):
    out = said(capsys, *SMALL, "--start", "pairs", "--restarts", "2")[1]
    assert "\n25 " in out and "\n22 " not in out and "nearest pairs as averages" in out
    words = ["--data", "digits", "--n", "40", "--models", "30", "--restarts", "2", "--start", "pairs"]
    assert "by their samples alone" in said(capsys, *words)[1]


def test_one_component_has_no_theorem_to_lack(capsys):
    out = said(capsys, *SMALL, "--components", "1", "--models", "40", "--restarts", "2")[1]
    assert "1 Gaussians in 30" in out and "K log K" not in out


def test_lines_of_the_figure(capsys, monkeypatch, tmp_path):
    kept = []
    monkeypatch.setattr(crossover_figure, "_side_by_side", lambda panels: kept.append(panels) or b"")
    said(capsys, *SMALL, "--models", "30", "40", "50", "--figure", str(tmp_path / "a.png"))
    words = ["--data", "digits", "--n", "50", "--models", "30", "40", "50", "--restarts", "2"]
    said(capsys, *words, "--figure", str(tmp_path / "b.png"))
    said(capsys, *SMALL, "--models", "50", "--figure", str(tmp_path / "c.png"))
    _, losses, phases = ({line.label: line for line in panel.lines} for panel in kept[0])
    assert losses["population"].y == pytest.approx([30 / 7.704] * 2)
    assert losses["stored, C = 1"].y == pytest.approx([12, 6])
    assert losses["stored, C = 2"].y == pytest.approx([24, 12])
    for name in ("stored, measured", "models, by k-means"):
        line = losses[name]
        assert list(line.x) == [0.6, 0.8]  # all stored lose nothing: no place on a logarithmic axis
        assert all(a < b < c for a, b, c in zip(line.low, line.y, line.high, strict=True))
    assert losses["stored, finite C"].y == pytest.approx(losses["stored, measured"].y, rel=0.1)
    assert phases["M*, C = 2: 0.8 N"].y[-1] == 80 and phases["M*, C = 1"].y[-1] == pytest.approx(60, abs=0.1)
    assert 60 < phases["M*, finite C"].y[-1] < 80
    half = phases["half memorized"]
    assert list(half.x) == [50] and 37 < half.low[0] < half.y[0] < half.high[0] < 42
    _, losses, phases = ({line.label for line in panel.lines} for panel in kept[1])
    assert losses == {"stored, measured", "models, by k-means"} and phases == {"M = 0.8 N", "half memorized"}
    assert len(kept[2]) == 2


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
    assert code == 0 and err.count("4 of 34 points repeat") == 1 and "--distinct keeps" in err
    assert "distinct(" not in err
    assert said(capsys, *words, "--distinct")[2] == ""


FEW = np.random.default_rng(0).integers(0, 256, (3, 8, 8), dtype=np.uint8)
TWINS = FEW[:2][np.arange(40) % 2]


@pytest.mark.parametrize(
    ("images", "components", "got", "need"),
    [
        (FEW, 3, "K = 3 Gaussians for 3 images", "K from 1 to 2"),
        (FEW, 5, "K = 5 Gaussians for 3 images", "K from 1 to 2"),
        (TWINS, 3, "K = 3 Gaussians for 40 images, 2 of them different", "K from 1 to 1"),
        (TWINS, 2, "K = 2 Gaussians for 40 images, 2 of them different", "K from 1 to 1"),
    ],
    ids=["as many as images", "more than images", "more than different ones", "as many as different ones"],
)
def test_gaussians_of_single_images_are_refused_by_what_was_given(
    capsys, tmp_path, images, components, got, need
):
    np.save(tmp_path / "x.npy", images)
    code, _, err = said(capsys, "--data", str(tmp_path / "x.npy"), "--components", str(components))
    assert code == 1 and f"got {got}\n" in err and need in err
    assert "variances" not in err and "M =" not in err


def test_one_gaussian_less_than_different_images_is_enough(capsys, tmp_path):
    np.save(tmp_path / "x.npy", FEW)
    words = ["--data", str(tmp_path / "x.npy"), "--components", "2", "--samples", "20", "--restarts", "2"]
    code, out, _ = said(capsys, *words)
    assert code == 0 and "published" in out


def test_other_warnings_are_not_dressed_up_as_repeats(capsys, monkeypatch):
    def warning(*given, **named):
        warnings.warn("the products overflow", RuntimeWarning, stacklevel=2)
        warnings.warn("9 of 9 points repeat", RepeatedPointsWarning, stacklevel=2)
        return curve(*given, **named)

    curve = transition.memorization_curve
    monkeypatch.setattr(transition, "memorization_curve", warning)
    with pytest.warns(RuntimeWarning, match="overflow") as told:
        code, out, err = said(capsys, "--data", "digits", "--n", "30", "--models", "20", "--restarts", "2")
    assert code == 0 and "--distinct" not in out + err and len(told) == 1


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
        (["--start", "pairs", "--models", "90"], "M ≥ N/2"),
        (["--start", "population", "--data", "digits"], "nobody draws"),
        (["--data", "digits", "--dimension", "4"], "one of them"),
        (["--data", "digits", "--n", "99999"], "to 1797"),
        (["--data", "nowhere"], "a folder of images"),
        (["--data", "digits", "--n", "20", "--components", "30"], "K from 1 to 19"),
        (["--figure", "x.pdf"], ".png"),
        (["--json", "nowhere/x.json"], "a folder that is there"),
    ],
)
def test_what_makes_no_sense_is_refused(capsys, tmp_path, monkeypatch, words, need):
    monkeypatch.chdir(tmp_path)
    code, _, err = said(capsys, *words)
    assert code == 1 and need in err and "remedy:" in err and not list(tmp_path.iterdir())
