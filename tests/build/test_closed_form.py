"""Closed forms by name are the formulas of that name."""

import pytest
import torch

from byheart._checks import InputError
from byheart.build.closed_form import closed_form
from byheart.denoisers.gaussian import wiener
from byheart.denoisers.mixture import empirical, smoothed
from byheart.denoisers.spec import CLOSED_FORMS, EmpiricalForm, GaussianForm, PartialForm, SmoothedForm
from byheart.experiments.runs.run import parse_run
from byheart.random import generator

TRAIN = torch.randn(12, 1, 3, 3, generator=generator(0))
X, SIGMA = torch.randn(5, 1, 3, 3, generator=generator(1)), torch.tensor(0.7)


@pytest.mark.parametrize(
    ("spec", "same"),
    [
        (EmpiricalForm(), empirical(TRAIN)),
        (SmoothedForm(std=0.3), smoothed(TRAIN, 0.3)),
        (GaussianForm(), wiener(TRAIN)),
    ],
    ids=["empirical", "smoothed", "gaussian"],
)
def test_names(spec, same):
    assert torch.equal(closed_form(spec, TRAIN, 0)(X, SIGMA), same(X, SIGMA))


def test_a_partial_denoiser_holds_as_many_points_as_it_says():
    held = closed_form(PartialForm(memorized=4), TRAIN, 0)
    near = held(TRAIN, torch.tensor(1e-3))
    kept = (near - TRAIN).flatten(1).norm(dim=1) < 1e-6
    assert int(kept.sum()) == 4
    assert not torch.equal(held(X, SIGMA), closed_form(PartialForm(memorized=4), TRAIN, 1)(X, SIGMA))


def test_a_partial_denoiser_must_say_how_many():
    with pytest.raises(InputError, match="memorized"):
        PartialForm()
    with pytest.raises(InputError, match="13"):
        closed_form(PartialForm(memorized=13), TRAIN, 0)


def recipe(**denoiser: object) -> dict[str, object]:
    """Settings of a run of this closed form."""
    return {"kind": "closed_form", "n": 8, "denoiser": denoiser}


def test_settings_without_a_kind_are_of_the_empirical_form():
    shrinkage = {"kind": "power", "gamma": 1.0}
    named = parse_run(recipe(kind="empirical", shrinkage=shrinkage))
    assert parse_run(recipe(shrinkage=shrinkage)) == named
    assert parse_run(recipe()) == parse_run({"kind": "closed_form", "n": 8})


@pytest.mark.parametrize(
    ("denoiser", "name"),
    [
        ({"std": 0.2}, "std"),
        ({"kind": "empirical", "std": 0.2}, "std"),
        ({"kind": "empirical", "memorized": 3}, "memorized"),
        ({"kind": "partial", "memorized": 3, "std": 0.2}, "std"),
        ({"kind": "smoothed", "memorized": 3}, "memorized"),
        ({"kind": "gaussian", "std": 0.2}, "std"),
        ({"kind": "gaussian", "memorized": 3}, "memorized"),
    ],
    ids=str,
)
def test_a_setting_of_another_form_is_refused(denoiser, name):
    with pytest.raises(InputError, match=f"denoiser.{name} = .*, a setting that does not exist"):
        parse_run(recipe(**denoiser))


def test_a_recipe_names_every_form_with_its_own_settings():
    assert parse_run(recipe(kind="partial", memorized=5)).denoiser == PartialForm(memorized=5)
    assert parse_run(recipe(kind="smoothed", std=0.2)).denoiser == SmoothedForm(std=0.2)
    assert parse_run(recipe(kind="gaussian")).denoiser == GaussianForm()
    assert parse_run(recipe(kind="empirical")).denoiser == EmpiricalForm()


def test_a_form_that_does_not_exist_is_refused_with_those_that_do():
    with pytest.raises(InputError, match="smoothed") as refusal:
        parse_run(recipe(kind="smoothd"))
    assert all(kind in str(refusal.value) for kind in CLOSED_FORMS)
