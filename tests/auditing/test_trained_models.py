"""Who copies is convicted, who generalizes is cleared, who is merely blurred is not accused: closed forms, and one training."""

import pytest
import torch

import byheart
from byheart.auditing.audit import audit
from byheart.build.network import network
from byheart.data import Data, load, split
from byheart.models import EDM, MLPSpec
from byheart.noise.levels import Grid
from byheart.training import EMA, DenoisingLoss, Loss, Training, train

SMALL = {"planted": 4, "queries": 50}


@pytest.fixture(scope="module")
def digits():
    """80 training and 120 held-out digits, in pixels, and 80 that are neither."""
    found = split(load(Data(name="digits")), 160, seed=0, heldout=120)
    train, heldout = (found.dataset.to_pixels(x).clamp(0, 1) for x in (found.train, found.heldout))
    return {"train": train[:80], "heldout": heldout, "others": train[80:]}


def drawn(model, count=40):
    return byheart.sample(model, seeds=range(count)).clamp(0, 1)


@pytest.fixture(scope="module")
def copies(digits):
    return drawn(byheart.denoisers.empirical(digits["train"]))


def test_the_empirical_denoiser_is_convicted_of_every_sample(digits, copies):
    found = audit(samples=copies, train=digits["train"], heldout=digits["heldout"], **SMALL)
    assert found.verdict == "copying" and found.copy_share.low > 0.9
    whole = [pair for pair in found.pairs if pair.channel == "whole" and pair.flagged]
    nearest = torch.cdist(copies.flatten(1), digits["train"].flatten(1)).argmin(1)
    assert len(whole) == 40 and all(pair.train == (int(nearest[pair.sample]),) for pair in whole)


def test_copies_of_other_images_are_no_copies_of_these(digits, copies):
    found = audit(samples=copies, train=digits["others"], heldout=digits["heldout"], **SMALL)
    assert found.verdict == "no evidence" and found.copy_share.low == 0


def test_the_denoiser_of_a_gaussian_is_not_accused(digits):
    samples = drawn(byheart.denoisers.wiener(digits["train"]))
    found = audit(samples=samples, train=digits["train"], heldout=digits["heldout"], **SMALL)
    assert found.verdict == "no evidence" and found.channels[0].flags == 0


def trained(n, steps, width=192):
    """(step, audit) of a network trained on n digits, at the steps asked for."""
    found = split(load(Data(name="digits")), n, seed=0, heldout=300)
    spec = Training(steps=max(steps), lr=1e-3)
    model = network(MLPSpec(width=width), EDM(), found.dataset.shape, seed=0)
    average = EMA(model, spec.ema_horizon, spec.ema_every)
    known, fresh = (found.dataset.to_pixels(x).clamp(0, 1) for x in (found.train, found.heldout))
    results = {}
    for state in train(model, found.train, spec, DenoisingLoss(Loss())):
        average.update(state.step, state.model)
        if state.step in steps:
            x = byheart.sample(
                average.model, seeds=range(200), shape=found.dataset.shape, levels=Grid().levels()
            )
            images = found.dataset.to_pixels(x).clamp(0, 1)
            results[state.step] = audit(samples=images, train=known, heldout=fresh, planted=20, queries=200)
    return results


@pytest.mark.slow
def test_a_network_is_accused_when_it_copies_and_not_before():
    early, best, late = trained(64, steps=(48, 200, 2400)).values()
    assert early.verdict in ("no evidence", "cannot tell") and early.channels[0].flags == 0
    assert best.verdict in ("no evidence", "suspicious") and best.copy_share.low == 0
    assert late.verdict == "copying" and late.copy_share.low > 0.3


@pytest.mark.slow
def test_a_network_that_generalizes_is_cleared():
    (found,) = trained(1024, steps=(600,)).values()
    assert found.verdict == "no evidence" and found.copy_share.low == 0 and found.power.below < 0.05
