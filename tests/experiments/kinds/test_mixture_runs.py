"""Runs of kinds losses and mixtures, small ones, from settings to records."""

import math

import pytest
import torch

from byheart._checks import InputError
from byheart.experiments.kinds.shared.drawn import drawn
from byheart.experiments.runs.estimate import estimate
from byheart.experiments.runs.execute import execute
from byheart.experiments.runs.load import load_mixture
from byheart.experiments.runs.run import parse_run
from byheart.store.folders import RunFolder

SMALL = {"name": "mixture", "standardize": False, "mixture": {"dimension": 8, "components": 2}}
COLORED = {
    "name": "templates",
    "standardize": False,
    "templates": {"source": "digits", "side": 4, "components": 2},
}


def mixtures(**settings):
    small = {
        "kind": "mixtures",
        "n": 12,
        "shares": [0.5, 1.0],
        "training_steps": 40,
        "samples": 20,
        "heldout": 30,
    }
    return parse_run(small | {"data": SMALL} | settings)


def losses(**settings):
    return parse_run(
        {"kind": "losses", "n": 20, "shares": [0.5], "draws": 2, "grid": 4, "data": SMALL} | settings
    )


def learned(folder: RunFolder) -> list[dict]:
    return [row for row in folder.rows() if row["model"] == "learned"]


def test_a_record_for_every_model_and_the_two_closed_forms(tmp_path):
    rows = execute(mixtures(), tmp_path).rows()
    assert [row["model"] for row in rows] == ["learned", "learned", "true", "empirical"]
    assert [row["m"] for row in rows[:2]] == [6, 12]
    for row in rows:
        assert {"f_mem@0.333", "f_mem@0.333_low", "loss/train", "loss/heldout", "loss/eps"} <= row.keys()
    assert {"variance", "distance/point", "distance/mean", "lloyd/variance", "lloyd/f_mem@0.333"} <= rows[
        0
    ].keys()
    memorizer = rows[3]
    assert memorizer["f_mem@0.333"] == 1.0
    assert memorizer["loss/train"] < rows[2]["loss/train"] < rows[2]["loss/heldout"] * 1.5
    assert memorizer["loss/heldout"] > rows[2]["loss/heldout"]


def test_the_true_denoiser_has_the_loss_of_the_formula(tmp_path):
    # K = 1: E‖D − x₀‖² = d s/(1 + ψ s), exactly; 1,000 fresh points and two noises each leave 2 %.
    one = SMALL | {"mixture": {"dimension": 8, "components": 1}}
    rows = execute(mixtures(data=one, heldout=2000), tmp_path).rows()
    assert rows[2]["loss/heldout"] == pytest.approx(8 / (1 + 6.704), rel=0.03)


def test_a_run_that_was_cut_off_goes_on_with_the_same_bits(tmp_path, monkeypatch):
    whole = execute(mixtures(), tmp_path / "whole")
    monkeypatch.setattr("byheart.experiments.kinds.shared.clock.CHECKPOINT_SECONDS", -1.0)

    def stop(event):
        if event["kind"] == "progress" and event["step"] == 40:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        execute(mixtures(), tmp_path / "cut", tell=stop)
    half = RunFolder(tmp_path / "cut" / whole.id)
    assert half.has("state")
    assert not half.done
    resumed = execute(mixtures(), tmp_path / "cut")
    assert learned(resumed) == learned(whole)
    assert all(
        torch.equal(value, whole.load("model-6")[name]) for name, value in resumed.load("model-6").items()
    )


def test_colored_templates_are_learned_too(tmp_path):
    rows = execute(mixtures(data=COLORED, recipe="fast-color"), tmp_path).rows()
    assert [row["model"] for row in rows] == ["learned", "learned", "true", "empirical"]
    assert {"variance", "distance/point"} <= rows[0].keys()
    assert "lloyd/variance" not in rows[0]


def test_every_component_may_have_a_width_of_its_own(tmp_path):
    shared, free = (learned(execute(mixtures(widths=widths), tmp_path)) for widths in ("one", "free"))
    assert {"variance", "distance/point", "lloyd/variance"} <= free[0].keys()
    assert free[0]["variance"] != shared[0]["variance"]
    assert free[0]["lloyd/variance"] == shared[0]["lloyd/variance"]  # the same start


def test_what_was_learned_is_given_back_as_a_denoiser(tmp_path):
    folder = execute(mixtures(), tmp_path)
    denoiser, train = load_mixture(folder.id, 12, tmp_path), folder.load("data")["train"].double()
    noise = torch.randn(200, *train.shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    sigma = torch.tensor(6.704**-0.5, dtype=torch.float64)
    errors = [float((denoiser(train + sigma * one, sigma) - train).square().sum(1).mean()) for one in noise]
    assert sum(errors) / len(errors) == pytest.approx(learned(folder)[1]["loss/train"], rel=0.1)
    with pytest.raises(InputError, match="6, 12"):
        load_mixture(folder.id, 7, tmp_path)


@pytest.mark.parametrize(
    ("settings", "official"),
    [({"data": COLORED}, False), ({"data": COLORED, "recipe": "official-color"}, True)],
)
def test_templates_are_given_back_with_the_determinant_they_learned(tmp_path, settings, official):
    folder = execute(mixtures(**settings, training_steps=3), tmp_path)
    denoiser = load_mixture(folder.id, 12, tmp_path)
    assert denoiser.official is official
    assert denoiser.std**2 == pytest.approx(learned(folder)[1]["variance"])


def test_levels_against_their_formulas(tmp_path):
    rows = execute(losses(), tmp_path).rows()
    assert [row["step"] for row in rows] == [0, 1, 2, 3]
    for row in rows:
        assert row["orthogonality"] < 1e-9
        assert row["formula/true"] == pytest.approx(8 / (1 + row["snr"]))
        assert row["ratio/true"] == pytest.approx(row["excess/true"] / row["formula/true"])
    last = rows[-1]
    assert last["ratio/true"] == pytest.approx(1, abs=0.3)
    assert 1 < last["factor@0.5"] < 3
    assert not rows[0]["valid"]
    assert last["valid"]


def test_one_component_loses_what_the_formula_says_at_every_level(tmp_path):
    one = SMALL | {"mixture": {"dimension": 8, "components": 1}}
    rows = execute(losses(data=one, n=400, draws=20, grid=6), tmp_path).rows()
    # 8,000 rows; the 400 points themselves leave √(2/(400 d)) = 2.5 % where there is no noise, less above.
    for row in rows:
        assert row["ratio/loss"] == pytest.approx(1, abs=0.075)


def test_a_seed_decides_population_and_points():
    first, again, other = (drawn(mixtures().data, 12, 5, seed) for seed in (0, 0, 1))
    assert torch.equal(first.train, again.train)
    assert not torch.equal(first.means, other.means)
    assert first.truth.centers.shape == (2, 8)
    assert math.isclose(float(first.means[0].square().sum()), 8, rel_tol=1e-5)


def test_both_kinds_are_timed_before_they_begin():
    found = estimate([mixtures(), losses()])
    assert all(0 < seconds < 120 for seconds in found.seconds)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"shares": [0.5, 0.51]}, "different numbers of components"),
        ({"shares": [1.0, 0.5]}, "increasing"),
        ({"shares": [0.0, 0.5]}, "shares"),
        ({"shares": [0.5, 1.5]}, "shares"),
        ({"start": "pairs", "shares": [0.2, 1.0]}, "M ≥ N/2"),
        ({"data": COLORED, "start": "gaussian"}, "training points"),
        ({"data": COLORED, "widths": "free"}, "one width"),
        ({"thresholds": [1.5]}, "thresholds"),
        ({"recipe": "mine"}, "recipe"),
        ({"recipe": "fast-color"}, "one for color with templates"),
        ({"data": COLORED, "recipe": "fast"}, "one for color with templates"),
        ({"data": SMALL | {"standardize": True}}, "standardize = false"),
        ({"data": SMALL | {"distinct": True}}, "distinct"),
        ({"data": SMALL | {"mixture": {"count": 9}}}, "mixture.count"),
        ({"n": 2}, "n"),
    ],
)
def test_settings_that_do_not_hang_together(settings, words):
    with pytest.raises(InputError, match=words):
        mixtures(**settings)


def test_more_components_than_points():
    many = SMALL | {"mixture": {"dimension": 8, "components": 13}}
    with pytest.raises(InputError, match="K ≤ N"):
        mixtures(data=many)
    with pytest.raises(InputError, match="mixture or templates"):
        losses(data={"name": "digits"})
