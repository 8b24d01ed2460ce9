"""Closed forms by name are the formulas of that name."""

import pytest
import torch

from byheart._checks import InputError
from byheart.build.closed_form import closed_form
from byheart.denoisers.gaussian import wiener
from byheart.denoisers.mixture import empirical, smoothed
from byheart.denoisers.spec import ClosedForm
from byheart.random import generator

TRAIN = torch.randn(12, 1, 3, 3, generator=generator(0))
X, SIGMA = torch.randn(5, 1, 3, 3, generator=generator(1)), torch.tensor(0.7)


@pytest.mark.parametrize(
    ("spec", "same"),
    [
        (ClosedForm(), empirical(TRAIN)),
        (ClosedForm(kind="smoothed", std=0.3), smoothed(TRAIN, 0.3)),
        (ClosedForm(kind="gaussian"), wiener(TRAIN)),
    ],
    ids=["empirical", "smoothed", "gaussian"],
)
def test_names(spec, same):
    assert torch.equal(closed_form(spec, TRAIN, 0)(X, SIGMA), same(X, SIGMA))


def test_a_partial_denoiser_holds_as_many_points_as_it_says():
    held = closed_form(ClosedForm(kind="partial", memorized=4), TRAIN, 0)
    near = held(TRAIN, torch.tensor(1e-3))
    kept = (near - TRAIN).flatten(1).norm(dim=1) < 1e-6
    assert int(kept.sum()) == 4
    assert not torch.equal(
        held(X, SIGMA), closed_form(ClosedForm(kind="partial", memorized=4), TRAIN, 1)(X, SIGMA)
    )


def test_a_partial_denoiser_must_say_how_many():
    with pytest.raises(InputError, match="memorized"):
        closed_form(ClosedForm(kind="partial"), TRAIN, 0)
    with pytest.raises(InputError, match="13"):
        closed_form(ClosedForm(kind="partial", memorized=13), TRAIN, 0)
